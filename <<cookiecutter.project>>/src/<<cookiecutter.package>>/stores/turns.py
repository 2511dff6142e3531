"""One training at a time in a product's folder: MLflow on SQLite gives two at once the same number, and one fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from ..config import Settings

__all__ = ["turn"]


@contextmanager
def turn(settings: Settings, waits: Callable[[], None]) -> Iterator[None]:
    """Holds ``var/training.lock``; where another process has it, calls ``waits`` once and waits until that ended.

    The system takes the lock from a process that was killed.
    """
    settings.var.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.var / "training.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        waits()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
