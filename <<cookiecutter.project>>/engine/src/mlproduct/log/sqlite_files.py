"""Checks of SQLite's files, and the messages for damaged and missing ones."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from ..errors import ProductError

__all__ = ["damage", "file_of", "integrity", "is_damage", "refuse_damaged", "refuse_missing"]

# SQLite's messages for a damaged file. Texts are compared, because each has another error code.
SAYS = ("file is not a database", "malformed", "unsupported file format")


def refuse_damaged(url: str, holds: str, variable: str) -> None:
    """Raises ProductError if ``url`` is that of an SQLite file that cannot be opened as one.

    This takes milliseconds. It finds files of another kind and truncated files, but not a damaged
    page inside the file.
    """
    path = file_of(url)
    if path is None or not path.is_file():
        return
    try:
        _first_value(path, "SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as problem:
        if is_damage(problem):  # other errors, such as a lock, are reported by whoever uses it
            raise ProductError(damage(url, problem, holds, variable)) from problem


def refuse_missing(url: str, holds: str, variable: str) -> None:
    """Raises ProductError if ``url`` is that of an SQLite file that does not exist; opening it
    would create it.
    """
    path = file_of(url)
    if path is not None and not path.is_file():
        raise ProductError(
            f"{path} does not exist – expected an SQLite database with {holds} – train to create"
            f" it, restore it from a backup, or check {variable}"
        )


def integrity(url: str, holds: str, variable: str) -> str:
    """A sentence with the result of SQLite's check of every page. Raises ProductError if one is
    damaged or the file cannot be checked.
    """
    path = file_of(url)
    if path is None:
        return "not checked: the server checks its own files"
    if not path.is_file():
        return f"{path} does not exist yet"
    try:
        # 1: the check ends at the first error, and only one is reported.
        found = _first_value(path, "PRAGMA integrity_check(1)")
    except sqlite3.DatabaseError as problem:
        if not is_damage(problem):
            raise ProductError(
                f"{path} cannot be checked: {problem} – try again when no process writes to it"
            ) from problem
        found = str(problem)
    if found != "ok":
        raise ProductError(damage(url, " ".join(str(found).split())[:200], holds, variable))
    return f"{path} is intact"


def is_damage(problem: object) -> bool:
    """Whether the error is SQLite's report of a damaged file."""
    return any(words in str(problem) for words in SAYS)


def damage(url: str, reason: object, holds: str, variable: str) -> str:
    """The message for a damaged file, on one line."""
    return (
        f"{file_of(url) or 'the database'} is damaged: {reason} – expected an SQLite database"
        f" with {holds} – stop the processes that use it and restore it from a backup,"
        f" or check {variable}"
    )


def _first_value(path: Path, query: str) -> object:
    # closing, because the connection itself as a context manager would not close the file. Five
    # seconds are the time to wait for another process that is writing.
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        return connection.execute(query).fetchone()[0]


def file_of(url: str) -> Path | None:
    """The SQLite file of the address, None if it names none."""
    if not url.startswith("sqlite"):
        return None
    name = sa.make_url(url).database
    return None if name in (None, "", ":memory:") else Path(str(name))
