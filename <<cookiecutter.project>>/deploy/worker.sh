# The work pool, the deployments of prefect.yaml, and a worker that runs them.
set -eu
umask 077
prefect work-pool create << cookiecutter.project >> --type process --overwrite
prefect --no-prompt deploy --all
exec prefect worker start --pool << cookiecutter.project >> --type process --with-healthcheck
