# MLflow with accounts: runs and models in PostgreSQL, artifacts in S3. Configured by environment variables.
set -eu
umask 077  # the file below contains a password
accounts="$(mktemp)"
printf '%s\n' "[mlflow]" \
  "default_permission = READ" \
  "database_uri = $MLFLOW_ACCOUNTS" \
  "admin_username = $MLFLOW_TRACKING_USERNAME" \
  "admin_password = $MLFLOW_TRACKING_PASSWORD" \
  "authorization_function = mlflow.server.auth:authenticate_request_basic_auth" > "$accounts"
export MLFLOW_AUTH_CONFIG_PATH="$accounts"
export DO_NOT_TRACK=true MLFLOW_DISABLE_TELEMETRY=true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false  # seven processes that evaluate language models
export MLFLOW_BACKEND_STORE_URI="$MLFLOW_STORE"  # every user of the machine can read arguments
# Every host name is accepted by default, for use behind a proxy.
exec mlflow server --app-name basic-auth --host "${MLFLOW_LISTEN:-0.0.0.0}" --port "${MLFLOW_PORT:-5000}" --workers 1 \
  --allowed-hosts "${MLFLOW_HOSTS:-*}" --artifacts-destination "$MLFLOW_ARTIFACTS"
