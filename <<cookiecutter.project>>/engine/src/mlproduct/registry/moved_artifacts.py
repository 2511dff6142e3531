"""Corrects the file addresses in MLflow's database after a product's folder was moved or copied.

MLflow stores absolute addresses and accepts no others.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from ..config.settings import Settings

__all__ = ["follow"]

# The columns with addresses of files in MLflow's database, by table.
ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
# From the start of the text: s3://team/var/mlartifacts is not a folder of this product.
ROOT = re.compile(r"((?:file:|/).*/var/mlartifacts)(?=/|$)")
# The start of addresses that only a running MLflow server can resolve. The server that 0.2.0
# started stored such addresses.
SERVED = "mlflow-artifacts:"
WAIT_SECONDS = 60  # for another process that is writing


def follow(settings: Settings) -> None:
    """Changes the addresses in ``var/mlflow.db`` to the files of this folder, after a move or in a
    copy.

    Without this, a moved product would not find its models, and a copy would read and write the
    files of the original. Any other registry is left unchanged. Raises sqlite3.OperationalError if
    another process locks the file for a minute.
    """
    database = settings.var / "mlflow.db"
    if settings.tracking_uri != f"sqlite:///{database}" or not database.is_file():
        return
    now = (settings.var / "mlartifacts").as_uri()
    with closing(sqlite3.connect(database, timeout=WAIT_SECONDS)) as connection:
        # A column may be missing: MLflow migrates its database only when a client opens it.
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
            with connection:  # one transaction: either all addresses change or none
                for table, column in columns:
                    # With substr, because LIKE would read _ and % of a path as wildcards. The names
                    # in the text are constants of this module.
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
    """The old beginnings of the addresses of files that are now in ``var/mlartifacts``."""
    for location in locations:
        if found := ROOT.match(location or ""):
            yield found[1]
        elif (location or "").startswith(SERVED) and _is_here(settings, str(location)):
            yield SERVED


def _is_here(settings: Settings, location: str) -> bool:
    return (settings.var / "mlartifacts" / location.removeprefix(SERVED).strip("/")).is_dir()
