"""MLflow itself: reached, kept quiet, and what it answers with turned into errors a person can act
on.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy.exc import DatabaseError

from ..config.settings import Settings
from ..errors import ConfigError, ProductError, RegistryUnavailable
from ..log.sqlite_files import damage, is_damage, refuse_damaged, refuse_missing
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
KIND = {
    "mlflow.experimentKind": "custom_model_development"
}  # else it opens among the language models
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Its own seven take minutes to say that a server is not there.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}


def connect(settings: Settings, *, only_read: bool = False) -> Any:
    """A client of the tracking server (or database) that the settings name.

    The database is made on first use, which takes a second. Raises ProductError where it is
    damaged, and, with ``only_read``, where it is not there: then nothing is made or followed, and a
    server is not waited for long.
    """
    if only_read:
        refuse_missing(settings.tracking_uri, HOLDS, VARIABLE)
        for name, value in IMPATIENT.items():
            os.environ.setdefault(name, value)
    # Asked before MLflow is: it tries a file that is no database again and again, for minutes.
    refuse_damaged(settings.tracking_uri, HOLDS, VARIABLE)
    quiet()
    from mlflow import MlflowClient

    if not only_read:
        settings.var.mkdir(parents=True, exist_ok=True)
    with answering(settings):
        if not only_read:
            follow(settings)
        try:
            return MlflowClient(settings.tracking_uri, settings.tracking_uri)
        except ValueError:  # its words repeat half a password that holds an @ or a :
            raise ConfigError(
                "MLFLOW_TRACKING_URI is not an address that can be used"
                f" ({redacted(settings.tracking_uri)}) – expected http://host:5000 or a database's"
                " – write special characters of the password as %40 and the like"
            ) from None


def attach(client: Any, run_id: str, files: Mapping[str, str]) -> None:
    """Logs texts as artifacts of the run, by file name."""
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder)


def experiment(client: Any, settings: Settings, name: str) -> str:
    """The id of the experiment of that name, created on first use."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(name):
        if found.lifecycle_stage != "active":
            raise ConfigError(
                f"the MLflow experiment {name!r} is deleted – runs need it – restore it with"
                f" `mlflow experiments restore --experiment-id {found.experiment_id}`"
            )
        return str(found.experiment_id)
    remote = settings.tracking_uri.startswith(("http", "databricks"))
    location = None if remote else (settings.var / "mlartifacts").as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=location, tags=KIND))
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(client.get_experiment_by_name(name).experiment_id)


def quiet() -> None:
    """Imports MLflow and keeps its chatter from whoever reads the terminal."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)  # read while it is imported
    import mlflow  # noqa: F401  its loggers are set up by the import, and set down here

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def fetched(settings: Settings, folder: str, name: str) -> bytes:
    """The file of that name in a folder of the artifact store.

    Raises FileNotFoundError where the folder does not have it, RegistryUnavailable where nobody can
    say.
    """
    from mlflow.artifacts import download_artifacts

    with TemporaryDirectory() as here:
        try:
            address = f"{folder.rstrip('/')}/{name}"
            return Path(
                download_artifacts(address, dst_path=here, tracking_uri=settings.tracking_uri)
            ).read_bytes()
        except Exception as problem:  # each kind of store raises its own
            if _is_missing(settings, folder, name):
                raise FileNotFoundError(name) from problem
            raise RegistryUnavailable(
                f"{name} cannot be fetched: {first_line(problem)} – MLflow keeps it and has to"
                " answer – check the server and the artifact store, and try again"
            ) from problem


def _is_missing(settings: Settings, folder: str, name: str) -> bool:
    from mlflow.artifacts import list_artifacts

    try:
        there = list_artifacts(artifact_uri=folder, tracking_uri=settings.tracking_uri)
    except Exception:  # each kind of store raises its own; what cannot be listed may be there
        return False
    return name not in {Path(file.path).name for file in there}


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Turns what MLflow answers with into an error a person can act on."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (
        MlflowException,
        DatabaseError,
        sqlite3.DatabaseError,
    ) as problem:  # MLflow lets the driver's through
        if settings.tracking_uri.startswith("sqlite") and is_damage(problem):
            raise ProductError(
                damage(settings.tracking_uri, first_line(problem), HOLDS, VARIABLE)
            ) from problem
        if not isinstance(problem, MlflowException):
            raise
        message = f"MLflow at {redacted(settings.tracking_uri)} said: {first_line(problem)}"
        refused = re.search("error code 40[13]", message) is not None
        check = (
            "MLFLOW_TRACKING_USERNAME, its password and rights"
            if refused
            else "MLFLOW_TRACKING_URI and the server"
        )
        kind = RegistryUnavailable if _may_pass(problem) else ProductError
        raise kind(f"{message} – it keeps the runs and models – check {check}") from problem


def _may_pass(problem: Any) -> bool:
    """Whether MLflow's exception is about a server that is away or overrun, and not about what was
    asked.
    """
    status = int(problem.get_http_status_code())
    return status >= 500 or status == 429


def first_line(problem: Exception) -> str:
    """The first line of what it says, without secrets."""
    return redacted(next(iter(str(problem).splitlines()), type(problem).__name__))[:300]
