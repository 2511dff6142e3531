"""A training order: everything that is fixed before the first row is read.

The criteria above all. They are read, their digest is logged and only then is the data looked at, so
that no bar can be moved to where the result fell.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pandera.pandas import DataFrameModel

from .. import PRODUCT, console
from ..clock import today
from ..columns import Columns, columns_of
from ..config import Pipeline, Settings, Source, read_criteria, read_pipeline
from ..criteria import Criteria
from ..document import Document
from ..errors import ConfigError, ProductError
from ..private import private_settings
from ..schemas import Labelled
from ..steps.metrics import METRICS
from ..steps.sentences import problems
from ..stores.abandoned import end_abandoned
from ..stores.releases import Releases
from ..stores.runs import Run
from ..stores.turns import turn
from ..stores.versions import Loaded

__all__ = ["Order", "Registered", "Reigning", "opened", "read_order_files"]


@dataclass(frozen=True)
class Reigning:
    """The champion to be compared with. One that cannot be loaded is a ``problem``, not an absence."""

    version: str
    digest: str
    loaded: Loaded | None
    problem: str | None = None


@dataclass(frozen=True)
class Registered:
    """What a training came to; ``version`` is None where the model was blocked."""

    document: Document
    version: str | None = None
    promoted: bool = False


@dataclass(frozen=True)
class Order:
    """What one training works by. ``workshop`` is a folder for files on their way to a store."""

    settings: Settings
    criteria: Criteria
    pipeline: Pipeline
    schema: type[DataFrameModel]
    columns: Columns
    releases: Releases
    run: Run
    champion: Reigning | None
    today: date
    workshop: Path


def read_order_files(settings: Settings) -> tuple[Criteria, Pipeline, Columns]:
    """The criteria, the configuration and the roles of the columns, checked against each other.

    Raises ConfigError with every mistake, before anything is opened or read.
    """
    criteria, pipeline = read_criteria(settings.criteria_file), read_pipeline(settings.pipeline_file)
    columns = columns_of(Labelled)
    found = [p for p in problems(criteria, columns, METRICS, on=today()) if not p.note]
    if found:
        path = settings.criteria_file
        text = path.read_text(encoding="utf-8")
        raise ConfigError("\n".join(problem.in_words(path, text) for problem in found))
    return criteria, pipeline, columns


@contextmanager
def opened(cause: str, source: str | None) -> Iterator[Order]:
    """The order, with its run in MLflow; what breaks inside ends that run as failed and goes on up."""
    settings = private_settings()
    criteria, pipeline, columns = read_order_files(settings)
    if source is not None:
        pipeline = pipeline.model_copy(update={"source": Source(path=source)})
    with turn(settings, lambda: console.line("waits", "another training is at work here; this one begins after it")):
        yield from _begun(settings, criteria, pipeline, columns, cause)


def _begun(settings: Settings, criteria: Criteria, pipeline: Pipeline, columns: Columns, cause: str) -> Iterator[Order]:
    releases = Releases(settings, PRODUCT)
    for said in end_abandoned(releases.models.runs):
        console.line("before", said)
    run = releases.models.runs.open(criteria, pipeline, cause=cause)
    try:
        with tempfile.TemporaryDirectory() as workshop:
            yield Order(
                settings=settings,
                criteria=criteria,
                pipeline=pipeline,
                schema=Labelled,
                columns=columns,
                releases=releases,
                run=run,
                champion=_reigning(releases),
                today=today(),
                workshop=Path(workshop),
            )
    except BaseException as error:
        releases.models.runs.fail(run, f"{type(error).__name__}: {error}")
        raise


def _reigning(releases: Releases) -> Reigning | None:
    entry = releases.history.trail().reigning
    if entry is None:
        releases.load_champion()  # there is none; refuses where the history of decisions is lost
        return None
    try:
        return Reigning(entry.version, entry.model_digest, releases.load_champion())
    except ProductError as error:
        return Reigning(entry.version, entry.model_digest, None, str(error))
