"""No secret in what Prefect shows of a run: its states' messages and its logs, tracebacks
included.
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
LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "prefect.engine")


def redacting(function: Callable[P, R]) -> Callable[P, R]:
    """The function, but what it raises holds no secret: Prefect makes a state's message of it.

    An exception that is not ours and holds one becomes a ProductError; where trying again may help,
    a ConnectionError, as the tasks' retries expect it.
    """

    @functools.wraps(function)
    def redacting_function(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except ProductError:
            raise
        except Exception as error:  # whatever it is, Prefect shows its words to everybody
            shown = redacted(error)
            if shown == str(error):
                raise
            kind = (
                ConnectionError
                if isinstance(error, ConnectionError | TimeoutError)
                else ProductError
            )
            raise kind(f"{type(error).__name__}: {shown}") from None

    return redacting_function


def redact_logs() -> None:
    """Takes secrets out of what Prefect logs about runs in this process."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if _redact not in logger.filters:
            logger.addFilter(_redact)


def _redact(record: logging.LogRecord) -> bool:
    record.msg, record.args = redacted(record.getMessage()), ()
    if record.exc_info:  # the traceback repeats the message, and that of what caused it
        record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
        record.exc_info = None
    return True
