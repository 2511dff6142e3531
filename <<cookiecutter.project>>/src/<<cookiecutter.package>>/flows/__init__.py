"""When things run: the only package that knows Prefect."""

from .redacting import redact_logs

redact_logs()  # a worker imports a flow by its name, and nothing of ours runs before that
