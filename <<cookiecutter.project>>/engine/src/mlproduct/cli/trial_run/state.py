"""The results of the steps of a trial so far, and what the steps have in common."""

import inspect
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ...config.settings import Pipeline
from ...data.columns import Columns
from ...data.split import HoldoutSplit
from ...product import Product
from ...scorecard.criteria_check import CheckedFile
from ...tables import Batch
from ..project import Project
from ..team_code import TeamCode

__all__ = ["ROWS", "Finding", "Missing", "State", "given"]

# Rows that go through rule() and one candidate: enough to fit a model, in a moment.
ROWS = 200

# Rows of each class among them, if there are so many: at random, a rare class could have no row,
# and a candidate that holds some rows back for itself needs several.
OF_EACH_CLASS = 10

V = TypeVar("V")


@dataclass(frozen=True)
class Finding:
    """A problem that would stop a training, or a ``warning``; ``text`` begins with its place."""

    step: str
    text: str
    warning: bool = False


class Missing(Exception):
    """A step cannot run because the step ``str(self)`` has no result."""


def given(value: V | None, step: str) -> V:
    """The value. Raises Missing if it is None, because ``step`` has no result."""
    if value is None:
        raise Missing(step)
    return value


@dataclass
class State:
    """The results of the steps so far; None if a step has none."""

    project: Project
    loaded: Product | None = None
    pipeline: Pipeline | None = None
    roles: Columns | None = None
    """The columns without the problem, which needs a valid target."""
    with_problem: Columns | None = None
    checked: CheckedFile | None = None
    batches: list[Batch] | None = None
    is_complete: bool = False
    """Whether ``batches`` are all rows of the source."""
    accepted: pd.DataFrame | None = None
    sides: HoldoutSplit | None = None
    target_is_valid: bool = False
    models: dict[str, Any] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    """The messages of the errors that became findings, as they were raised."""

    @cached_property
    def code(self) -> TeamCode:
        """The places in the team's files."""
        return TeamCode(self.project.package, self.project.settings.root)

    @property
    def product(self) -> Product:
        """The product of the team's package."""
        return given(self.loaded, "files")

    @property
    def columns(self) -> Columns:
        """The columns with the problem."""
        return given(self.with_problem, "target")

    @property
    def rows(self) -> pd.DataFrame:
        """The valid rows."""
        return given(self.accepted, "schema")

    @property
    def schema_file(self) -> Path:
        """The file of the labelled schema."""
        usual = self.code.folder / "schemas.py"
        if self.loaded is None or usual.is_file():
            return usual
        return Path(inspect.getsourcefile(self.loaded.labelled) or usual)

    def placed(self, place: str, text: str) -> str:
        """The text after its place, if that is known."""
        return f"{place}: {text}" if place else text

    def so_far(self, text: str) -> str:
        """The text, as a warning if the source has rows that were not read."""
        if self.is_complete:
            return text
        rows = sum(len(batch.rows) for batch in self.batches or ())
        return f"warning: in a sample of {rows:,} rows: {text}"

    def few(self, rows: pd.DataFrame) -> pd.DataFrame:
        """200 of the rows at random, in their order, with some of each class."""
        random = np.random.default_rng(0)
        order = random.permutation(len(rows))
        taken = order[:ROWS]
        if self.target_is_valid:
            strata = self.columns.of_target.strata(self.columns.encoded_target(rows))
            if strata is not None:
                place = pd.Series(strata[order]).groupby(strata[order]).cumcount().to_numpy()
                taken = np.union1d(taken, order[place < OF_EACH_CLASS])
        return rows.iloc[np.sort(taken)].reset_index(drop=True)
