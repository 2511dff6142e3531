"""The connection to MLflow: its client, its log level, and its errors as errors with a remedy."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock
from sqlalchemy.exc import DatabaseError

from ..config.settings import Settings
from ..errors import ConfigError, ProductError, RegistryUnavailable
from ..log.sqlite_files import damage, file_of, is_damage, refuse_damaged, refuse_missing
from ..redaction import redacted
from .moved_artifacts import follow

__all__ = [
    "HOLDS",
    "VARIABLE",
    "answering",
    "attach",
    "connect",
    "experiment",
    "fetched",
    "first_line",
    "quiet",
]

HOLDS, VARIABLE = "runs and models", "MLFLOW_TRACKING_URI"
# Without this tag, MLflow opens the experiment in its view of language models.
KIND = {"mlflow.experimentKind": "custom_model_development"}
# The start of the folder in which MLflow's database is created.
NEW = ".new-mlflow-"
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # With MLflow's default of seven, it takes minutes until a missing server is reported.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}
# For commands that only read: an unavailable server is reported within seconds.
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}


def connect(settings: Settings, *, only_read: bool = False) -> Any:
    """A client of the tracking server or database that the settings name.

    The database is created on first use, which takes a second. Raises ConfigError if the address is
    not valid, and ProductError if the database is damaged. With ``only_read``, no database is
    created, no address is corrected, a server is given only a few seconds, and a missing database
    raises ProductError too.
    """
    if only_read:
        refuse_missing(settings.tracking_uri, HOLDS, VARIABLE)
        # Before quiet(), which has more retries and does not replace a value that is already set.
        for name, value in IMPATIENT.items():
            os.environ.setdefault(name, value)
    # Before MLflow opens the file: it retries a file that is not a database for minutes.
    refuse_damaged(settings.tracking_uri, HOLDS, VARIABLE)
    quiet()
    from mlflow import MlflowClient

    if not only_read:
        settings.var.mkdir(parents=True, exist_ok=True)
    with answering(settings):
        if not only_read:
            _create(settings)
            follow(settings)
        try:
            # Named twice: MLflow has a second variable, for the address of the registry.
            return MlflowClient(settings.tracking_uri, settings.tracking_uri)
        # The cause is dropped: its text repeats half of a password that contains an @ or a colon.
        except ValueError:
            raise ConfigError(
                f"MLFLOW_TRACKING_URI is not a valid address ({redacted(settings.tracking_uri)}) –"
                " expected http://host:5000 or the address of a database – write special"
                " characters of the password as codes, such as %40 for @"
            ) from None


def _create(settings: Settings) -> None:
    """Creates MLflow's SQLite file in another folder, and moves it when it is complete.

    MLflow's migrations cannot continue in a file in which a killed process left half of one.
    """
    path = file_of(settings.tracking_uri)
    if path is None or path.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.exists():  # another process created it meanwhile
            return
        for left in path.parent.glob(f"{NEW}*"):  # by a process that was killed
            rmtree(left)
        with TemporaryDirectory(dir=path.parent, prefix=NEW) as folder:
            new = Path(folder) / path.name
            store = SqlAlchemyStore(f"sqlite:///{new}", (settings.var / "mlartifacts").as_uri())
            store.engine.dispose()
            new.replace(path)


def attach(client: Any, run_id: str, files: Mapping[str, str]) -> None:
    """Stores texts as artifacts of the run, by file name."""
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            # Only the last part of the name, so that no name leads out of the folder.
            (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder)


def experiment(client: Any, settings: Settings, name: str) -> str:
    """The id of the experiment of that name, created on first use. Raises ConfigError if it is
    deleted.
    """
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(name):
        if found.lifecycle_stage != "active":
            raise ConfigError(
                f"the MLflow experiment {name!r} is deleted – the runs belong to it – restore it"
                f" with `mlflow experiments restore --experiment-id {found.experiment_id}`"
            )
        return str(found.experiment_id)
    remote = settings.tracking_uri.startswith(("http", "databricks"))
    # A server chooses the location. Otherwise MLflow's default is ./mlruns.
    location = None if remote else (settings.var / "mlartifacts").as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=location, tags=KIND))
    except MlflowException as problem:
        # Another process may have created it meanwhile.
        if problem.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(client.get_experiment_by_name(name).experiment_id)


def quiet() -> None:
    """Imports MLflow and limits its output in the terminal to errors."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)  # before the import, which reads them
    import mlflow  # noqa: F401  the import sets the log levels that are changed below

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def fetched(settings: Settings, folder: str, name: str) -> bytes:
    """The file of that name in a folder of the artifact store.

    Raises FileNotFoundError if the folder does not contain it, RegistryUnavailable if this cannot
    be determined.
    """
    from mlflow.artifacts import download_artifacts

    with TemporaryDirectory() as target:
        try:
            address = f"{folder.rstrip('/')}/{name}"
            return Path(
                download_artifacts(address, dst_path=target, tracking_uri=settings.tracking_uri)
            ).read_bytes()
        except Exception as problem:  # broad, because each kind of store raises its own errors
            if _is_missing(settings, folder, name):
                raise FileNotFoundError(name) from problem
            raise RegistryUnavailable(
                f"{name} cannot be fetched: {first_line(problem)} – MLflow stores it and must be"
                " available – check the server and the artifact store, and try again"
            ) from problem


def _is_missing(settings: Settings, folder: str, name: str) -> bool:
    from mlflow.artifacts import list_artifacts

    try:
        there = list_artifacts(artifact_uri=folder, tracking_uri=settings.tracking_uri)
    # Broad, because each kind of store raises its own errors. A folder that cannot be listed may
    # still contain the file.
    except Exception:
        return False
    return name not in {Path(file.path).name for file in there}


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Turns MLflow's errors into errors that state what to do.

    Raises RegistryUnavailable if a retry may help, ProductError otherwise.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    # The last two, because MLflow does not wrap the errors of the database and its driver.
    except (MlflowException, DatabaseError, sqlite3.DatabaseError) as problem:
        if settings.tracking_uri.startswith("sqlite") and is_damage(problem):
            raise ProductError(
                damage(settings.tracking_uri, first_line(problem), HOLDS, VARIABLE)
            ) from problem
        if not isinstance(problem, MlflowException):
            raise
        message = f"MLflow at {redacted(settings.tracking_uri)} reported: {first_line(problem)}"
        refused = re.search("error code 40[13]", message) is not None
        check = (
            "MLFLOW_TRACKING_USERNAME, its password and rights"
            if refused
            else "MLFLOW_TRACKING_URI and the server"
        )
        kind = RegistryUnavailable if _may_pass(problem) else ProductError
        raise kind(f"{message} – it stores the runs and models – check {check}") from problem


def _may_pass(problem: Any) -> bool:
    """Whether the error is about an unavailable or overloaded server and not about the request."""
    status = int(problem.get_http_status_code())
    return status >= 500 or status == 429


def first_line(problem: Exception) -> str:
    """The first line of the error's text without secrets, at most 300 characters."""
    return redacted(next(iter(str(problem).splitlines()), type(problem).__name__))[:300]
