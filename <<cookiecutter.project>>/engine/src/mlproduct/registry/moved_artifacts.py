"""MLflow writes down absolute addresses of files: here they follow a product's folder that was
moved or copied.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from ..config.settings import Settings

__all__ = ["follow"]

ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Where MLflow's database has addresses of files, by table."""
ROOT = re.compile(r"((?:file:|/).*/var/mlartifacts)(?=/|$)")
SERVED = "mlflow-artifacts:"
"""Begins the addresses of files that only a running MLflow server finds; 0.2.0 started one that
gave these.
"""
WAIT_SECONDS = 60


def follow(settings: Settings) -> None:
    """Makes the addresses in ``var/mlflow.db`` those of this folder's files: after a move, or in a
    copy.

    Without it a moved product would miss its models, and a copy would read and write in the
    original. A registry elsewhere is left as it is.
    """
    database = settings.var / "mlflow.db"
    if settings.tracking_uri != f"sqlite:///{database}" or not database.is_file():
        return
    now = (settings.var / "mlartifacts").as_uri()
    with closing(sqlite3.connect(database, timeout=WAIT_SECONDS)) as connection:
        columns = [
            (table, column) for table, column in _columns() if _has(connection, table, column)
        ]
        if not columns:
            return
        locations = [
            location
            for (location,) in connection.execute("SELECT artifact_location FROM experiments")
        ]
        for before in {*_roots(settings, locations)} - {now}:
            with connection:  # all of them or none
                for table, column in columns:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE"
                        f" substr({column}, 1, ?) = ?",
                        (now, len(before) + 1, len(before), before),
                    )


def _columns() -> Iterator[tuple[str, str]]:
    return ((table, column) for table, columns in ADDRESSES.items() for column in columns)


def _has(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return column in {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def _roots(settings: Settings, locations: Iterable[str | None]) -> Iterator[str]:
    """How the addresses of files begin that are in ``var/mlartifacts`` now, wherever that was."""
    for location in locations:
        if found := ROOT.match(location or ""):
            yield found[1]
        elif (location or "").startswith(SERVED) and _is_here(settings, str(location)):
            yield SERVED


def _is_here(settings: Settings, location: str) -> bool:
    return (settings.var / "mlartifacts" / location.removeprefix(SERVED).strip("/")).is_dir()
