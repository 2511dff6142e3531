"""SQLite's files: whether they are sound, and what to say of one that is not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from ..errors import ProductError

__all__ = ["damage", "integrity", "is_damage", "refuse_damaged", "refuse_missing"]

SAYS = ("file is not a database", "malformed", "unsupported file format")
"""SQLite's own words for a damaged file; each comes with another error code."""


def refuse_damaged(url: str, holds: str, variable: str) -> None:
    """Raises ProductError where the address is that of an SQLite file that cannot be opened as one.

    It takes milliseconds: it finds another kind of file and one that was cut off, not a damaged
    page within.
    """
    path = _file(url)
    if path is None or not path.is_file():
        return
    try:
        _asked(path, "SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as problem:
        if is_damage(problem):  # whatever else it is, a lock for one, is told by who uses it
            raise ProductError(damage(url, problem, holds, variable)) from problem


def refuse_missing(url: str, holds: str, variable: str) -> None:
    """Raises ProductError where the address is that of an SQLite file that is not there; opening
    would make it.
    """
    path = _file(url)
    if path is not None and not path.is_file():
        raise ProductError(
            f"{path} is not there – expected is an SQLite database, which holds {holds} – train to"
            f" make it, restore it from a backup, or check {variable}"
        )


def integrity(url: str, holds: str, variable: str) -> str:
    """A sentence on what SQLite's check of every page found. Raises ProductError where one is
    damaged.
    """
    path = _file(url)
    if path is None:
        return "a server checks its own"
    if not path.is_file():
        return f"{path} is not there yet"
    try:
        found = _asked(path, "PRAGMA integrity_check(1)")
    except sqlite3.DatabaseError as problem:
        if not is_damage(problem):
            raise ProductError(
                f"{path} cannot be checked: {problem} – try again when nothing writes to it"
            ) from problem
        found = str(problem)
    if found != "ok":
        raise ProductError(damage(url, " ".join(str(found).split())[:200], holds, variable))
    return f"{path} is sound"


def is_damage(problem: object) -> bool:
    return any(words in str(problem) for words in SAYS)


def damage(url: str, reason: object, holds: str, variable: str) -> str:
    """The message for a damaged file, in one line."""
    return (
        f"{_file(url) or 'the database'} is damaged: {reason} – expected is an SQLite database,"
        f" which holds {holds} – stop what uses it and restore it from a backup,"
        f" or check {variable}"
    )


def _asked(path: Path, query: str) -> object:
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        return connection.execute(query).fetchone()[0]


def _file(url: str) -> Path | None:
    """The file behind the address; None where there is none, or it is no address of SQLite."""
    if not url.startswith("sqlite"):
        return None
    name = sa.make_url(url).database
    return None if name in (None, "", ":memory:") else Path(str(name))
