# Creates the work pool and the deployments of prefect.yaml, and starts a worker.
set -eu
umask 077
# --overwrite: after the first start, the pool exists.
prefect work-pool create << cookiecutter.project >> --type process --overwrite
prefect --no-prompt deploy --all
exec prefect worker start --pool << cookiecutter.project >> --type process --with-healthcheck
