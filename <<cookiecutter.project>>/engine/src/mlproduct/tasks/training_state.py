"""A training run: what is fixed before the first row is read, and what its tasks have done so far.

The criteria are read and their digest is logged before the data is read. No bar can therefore be
adjusted to the result.

The gate uses the records of the run's own tasks, not the values that a flow passes on. It refuses a
flow that changes the split, evaluates on other rows, skips the judge or uses a model from
elsewhere.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from .. import console
from ..clock import today
from ..config.settings import Pipeline, Settings
from ..data.columns import Columns
from ..data.fingerprint import fingerprint
from ..data.split import HoldoutSplit
from ..errors import ProductError, Refused
from ..evaluation.measure import Evaluation
from ..gate.criteria import Criteria
from ..gate.document import Document
from ..in_use import using
from ..permissions import private_settings
from ..product import Product
from ..registry.releases import Releases
from ..registry.runs import Run
from ..registry.signatures import signing_key
from ..registry.stale_runs import close_stale_runs
from ..registry.versions import Loaded, Saved
from ..tables import Validated
from ..training.configuration import read_configuration
from ..training.search import Found

__all__ = ["CurrentChampion", "Evaluated", "Evidence", "TrainingRun", "training_run"]


@dataclass(frozen=True)
class CurrentChampion:
    """The champion for the comparison. If it cannot be loaded, ``problem`` states why; this is not
    the same as no champion.
    """

    version: str
    digest: str
    loaded: Loaded | None
    problem: str | None = None


@dataclass(frozen=True)
class Evaluated:
    """The measurements of one model file; ``problem`` is the error if the evaluation failed."""

    evaluation: Evaluation
    problem: str | None = None


@dataclass
class Evidence:
    """The records of the tasks of one run. Each task refuses inputs that differ from them."""

    validated: Validated | None = None
    described: str = ""
    """The source, and how many rows came from elsewhere."""
    split: HoldoutSplit | None = None
    digests: dict[str, str] = field(default_factory=dict)
    """The digests of the sides ``training`` and ``holdout`` as ``split`` returned them."""
    found: Found | None = None
    saved: Saved | None = None
    evaluated: Evaluated | None = None
    document: Document | None = None

    def keep_split(self, validated: Validated, split: HoldoutSplit) -> None:
        """Records the split and the digests of both sides."""
        self.validated, self.split = validated, split
        self.digests = {
            "training": fingerprint(split.training),
            "holdout": fingerprint(split.holdout),
        }

    def expect_side(self, side: str, rows: pd.DataFrame) -> None:
        """Raises Refused unless ``rows`` are the unchanged rows of that side of the split."""
        if self.split is None or fingerprint(rows) != self.digests[side]:
            raise Refused(
                f"{len(rows):,} rows were given as the {side} side, and they are not those of this"
                f" run's split – expected the {side} rows that tasks.split returned, unchanged –"
                " change rows before the split"
            )

    def expect_document(self, document: Document) -> None:
        """Raises Refused unless the document is the last one that a task of this run returned."""
        if self.document is None or document.digest != self.document.digest:
            raise Refused(
                "the verdict document is not the one that this run's judge made – expected the"
                " result of tasks.judge_data or tasks.judge, unchanged – pass it on without changes"
            )


@dataclass(frozen=True)
class TrainingRun:
    """The inputs and records of one training. ``workdir`` is a temporary folder for files that are
    then copied to a store.
    """

    product: Product
    settings: Settings
    criteria: Criteria
    pipeline: Pipeline
    columns: Columns
    releases: Releases
    mlflow_run: Run
    champion: CurrentChampion | None
    today: date
    workdir: Path
    evidence: Evidence = field(default_factory=Evidence)


@contextmanager
def training_run(product: Product, cause: str, source: str | None = None) -> Iterator[TrainingRun]:
    """A context with the training run, open in MLflow. An exception inside marks the run as failed
    and is raised again.

    ``source`` is a path that replaces the configured source. A second training in the same folder
    waits until the first has ended.
    """
    settings = private_settings()
    # Before the lock: a mistake in a file is reported at once, not after another training.
    criteria, pipeline = read_configuration(product, settings)
    signing_key(settings)  # only for its refusal: without the key nothing could be registered
    if source is not None:
        pipeline = pipeline.model_copy(update={"source": pipeline.source.at(source)})
    # Also in a flow that was not made with tasks.flow.
    with using(settings.var), _training_lock(settings, _say_that_it_waits):
        yield from _opened(product, settings, criteria, pipeline, cause)


def _say_that_it_waits() -> None:
    console.line("waits", "another training is running in this folder; this one starts after it")


def _opened(
    product: Product, settings: Settings, criteria: Criteria, pipeline: Pipeline, cause: str
) -> Iterator[TrainingRun]:
    releases = Releases(settings, product.name)
    # A killed training cannot close its own run, so the next training does.
    for closed in close_stale_runs(releases.models.runs):
        console.line("before", closed)
    run = releases.models.runs.open(criteria, pipeline, cause=cause)
    try:
        with tempfile.TemporaryDirectory() as workdir:
            yield TrainingRun(
                product=product,
                settings=settings,
                criteria=criteria,
                pipeline=pipeline,
                columns=product.columns,
                releases=releases,
                mlflow_run=run,
                champion=_current_champion(releases),
                today=today(),
                workdir=Path(workdir),
            )
    except BaseException as error:  # Ctrl-C as well: the run must not stay open in MLflow
        releases.models.runs.fail(run, f"{type(error).__name__}: {error}")
        raise


def _current_champion(releases: Releases) -> CurrentChampion | None:
    entry = releases.audit_log.read().current
    if entry is None:
        # There is no champion to load. The call refuses to go on if the audit log was lost.
        releases.load_champion()
        return None
    try:
        return CurrentChampion(entry.version, entry.model_digest, releases.load_champion())
    except ProductError as error:
        return CurrentChampion(entry.version, entry.model_digest, None, str(error))


@contextmanager
def _training_lock(settings: Settings, waits: Callable[[], None]) -> Iterator[None]:
    """Holds ``var/training.lock``. If another process has it, calls ``waits`` once and waits until
    the lock is free.

    The operating system releases the lock when a process is killed.
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
