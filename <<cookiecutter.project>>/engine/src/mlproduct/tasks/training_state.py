"""A training run: everything that is fixed before the first row is read, and what its tasks have
done since.

The criteria above all. They are read, their digest is logged and only then is the data looked at,
so that no bar can be moved to where the result fell.

The gate goes by what the run's own tasks did, and not by what a flow passes from one to the next: a
flow that changes the split, evaluates on other rows, leaves out the judge or brings a model from
elsewhere is refused.
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
from ..config.settings import Pipeline, Settings, Source
from ..data.columns import Columns
from ..data.fingerprint import fingerprint
from ..data.split import HoldoutSplit
from ..errors import ProductError, Refused
from ..evaluation.measure import Evaluation
from ..gate.criteria import Criteria
from ..gate.document import Document
from ..permissions import private_settings
from ..product import Product
from ..registry.releases import Releases
from ..registry.runs import Run
from ..registry.stale_runs import close_stale_runs
from ..registry.versions import Loaded, Saved
from ..tables import Validated
from ..training.configuration import read_configuration
from ..training.search import Found

__all__ = ["CurrentChampion", "Evaluated", "Evidence", "TrainingRun", "training_run"]


@dataclass(frozen=True)
class CurrentChampion:
    """The champion to be compared with. One that cannot be loaded is a ``problem``, not an
    absence.
    """

    version: str
    digest: str
    loaded: Loaded | None
    problem: str | None = None


@dataclass(frozen=True)
class Evaluated:
    """The measurements of one model file, and the ``problem`` where the evaluation broke off."""

    evaluation: Evaluation
    problem: str | None = None


@dataclass
class Evidence:
    """What the tasks of one run did. Each task refuses to go on from anything else."""

    validated: Validated | None = None
    split: HoldoutSplit | None = None
    digests: dict[str, str] = field(default_factory=dict)
    """Of the rows of each side, ``training`` and ``holdout``, as ``split`` made them."""
    found: Found | None = None
    saved: Saved | None = None
    evaluated: Evaluated | None = None
    document: Document | None = None

    def keep_split(self, validated: Validated, split: HoldoutSplit) -> None:
        self.validated, self.split = validated, split
        self.digests = {
            "training": fingerprint(split.training),
            "holdout": fingerprint(split.holdout),
        }

    def expect_side(self, side: str, rows: pd.DataFrame) -> None:
        """Raises Refused unless ``rows`` are those of that side, each as it was when this run was
        split.
        """
        if self.split is None or fingerprint(rows) != self.digests[side]:
            raise Refused(
                f"{len(rows):,} rows were given as the {side} side, and they are not those of this"
                f" run's split – expected the {side} rows that tasks.split returned, unchanged –"
                " change rows before the split"
            )

    def expect_document(self, document: Document) -> None:
        """Raises Refused unless the document is the last one that this run's own judge made."""
        if self.document is None or document.digest != self.document.digest:
            raise Refused(
                "the verdict document is not the one that this run's judge made – expected what"
                " tasks.judge_data or tasks.judge returned, unchanged – pass it on as it is"
            )


@dataclass(frozen=True)
class TrainingRun:
    """What one training works by. ``workdir`` is a folder for files on their way to a store."""

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
    """The training run, open in MLflow; what breaks inside ends it as failed and goes on up.

    ``source`` is a path that takes the place of the configured one. A second training on the same
    folder waits until the first is over.
    """
    settings = private_settings()
    criteria, pipeline = read_configuration(product, settings)
    if source is not None:
        pipeline = pipeline.model_copy(update={"source": Source(path=source)})
    with _training_lock(settings, _say_that_it_waits):
        yield from _opened(product, settings, criteria, pipeline, cause)


def _say_that_it_waits() -> None:
    console.line("waits", "another training is at work here; this one begins after it")


def _opened(
    product: Product, settings: Settings, criteria: Criteria, pipeline: Pipeline, cause: str
) -> Iterator[TrainingRun]:
    releases = Releases(settings, product.name)
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
    except BaseException as error:
        releases.models.runs.fail(run, f"{type(error).__name__}: {error}")
        raise


def _current_champion(releases: Releases) -> CurrentChampion | None:
    entry = releases.audit_log.read().current
    if entry is None:
        releases.load_champion()  # there is none; refuses where the audit log is lost
        return None
    try:
        return CurrentChampion(entry.version, entry.model_digest, releases.load_champion())
    except ProductError as error:
        return CurrentChampion(entry.version, entry.model_digest, None, str(error))


@contextmanager
def _training_lock(settings: Settings, waits: Callable[[], None]) -> Iterator[None]:
    """Holds ``var/training.lock``; where another process has it, calls ``waits`` once and waits
    until that ended.

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
