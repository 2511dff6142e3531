"""One part of the state, and what all parts use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

__all__ = ["Once", "Part", "count", "minute"]

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """One part of the state.

    ``says`` is the text of its line (no line if empty), ``value`` the same as plain data, ``wrong``
    its problems, and ``unread`` is true if the part could not be read.
    """

    name: str
    says: str = ""
    value: Any = None
    wrong: tuple[str, ...] = ()
    unread: bool = False


class Once(Generic[T]):
    """A value that is read on first use.

    A failure is stored too, so that several parts do not wait for the same unavailable system.
    """

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._found: list[T] = []
        self._problem: Exception | None = None

    def __call__(self) -> T:
        if self._problem is not None:
            raise self._problem
        if not self._found:
            try:
                self._found.append(self._read())
            except Exception as problem:  # stored, and raised again for every later caller
                self._problem = problem
                raise
        return self._found[0]


def count(number: int, one: str, many: str) -> str:
    """``number`` with the noun for one or for many."""
    return f"{number:,} {one if number == 1 else many}"


def minute(at: datetime) -> str:
    """The time to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"
