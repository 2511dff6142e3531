"""Removes secrets from the parts of a run that Prefect shows: the messages of its states, and its
logs with tracebacks.
"""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..errors import ProductError
from ..redaction import redacted

__all__ = ["redact_logs", "redacting"]

P = ParamSpec("P")
R = TypeVar("R")
# The loggers of Prefect that write about runs. Each is named, because Python does not apply the
# filter of a logger to the records of its children.
LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "prefect.engine")


def redacting(function: Callable[P, R]) -> Callable[P, R]:
    """The function with secrets removed from the exceptions it raises. Prefect shows an exception
    as the message of a state.

    A foreign exception with a secret becomes a ProductError. If a retry may help, it becomes a
    ConnectionError, which the retries of the tasks expect. Other exceptions stay unchanged.
    """

    @functools.wraps(function)
    def redacting_function(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except ProductError:
            raise
        except Exception as error:  # Prefect shows the message of any exception
            shown = redacted(error)
            if shown == str(error):
                raise
            kind = (
                ConnectionError
                if isinstance(error, ConnectionError | TimeoutError)
                else ProductError
            )
            # "from None": the original exception would show the secret in the traceback.
            raise kind(f"{type(error).__name__}: {shown}") from None

    return redacting_function


def redact_logs() -> None:
    """Removes secrets from Prefect's log lines about runs in this process. A second call has no
    effect.
    """
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if _redact not in logger.filters:
            logger.addFilter(_redact)


def _redact(record: logging.LogRecord) -> bool:
    record.msg, record.args = redacted(record.getMessage()), ()
    if record.exc_info:  # the traceback repeats the messages of the exception and of its causes
        record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
        record.exc_info = None  # formatters then write exc_text
    return True
