"""The simulated world of the demo: the date, the incoming rows, and their outcomes.

From week ``BREAK`` on, the values of one column change. The product's ``sample.py`` defines which
column, and how it changes. Without it, the rows are generated from the schema.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from ..cli.data_verbs import file_of, sample_path, synthetic_rows
from ..cli.project import Project
from ..clock import REHEARSED
from ..config.settings import Settings, read_scoring
from ..synthetic import write

__all__ = ["BREAK", "WEEKS", "World", "rehearsed"]

# Twelve weeks are long enough for a release, drift, late labels, a retraining and a rollback.
WEEKS = 12
BREAK = 4  # the week from which a column of the sample data is changed
HISTORY, WEEKLY = 12_000, 4_000  # rows before the first week, and of each week
WEEKLY_TEXTS = 2_000  # the same for a product with texts, whose models take longer to train
DIRTY = 0.002  # the share of a week's rows that break the schema


@contextmanager
def rehearsed() -> Iterator[None]:
    """Restores the simulated date at the end, whatever the block sets."""
    before = os.environ.get(REHEARSED)
    try:
        yield
    finally:
        os.environ.pop(REHEARSED, None)
        if before is not None:
            os.environ[REHEARSED] = before


@dataclass(frozen=True)
class World:
    """The simulated weeks; week N is scored N weeks after ``start``.

    With ``new_class``, the changed rows are of a class that the schema does not list.
    """

    project: Project
    start: date
    new_class: bool = False

    @property
    def stage(self) -> Settings:
        """The settings of the product in the demo's folder."""
        return self.project.settings

    @property
    def weekly(self) -> int:
        """The rows of each week."""
        return WEEKLY_TEXTS if self.project.product.columns.texts else WEEKLY

    def day(self, week: int) -> date:
        """The date on which the week is scored."""
        return self.start + timedelta(weeks=week)

    def dawns(self, week: int) -> None:
        """Sets the simulated date to the day of the week."""
        os.environ[REHEARSED] = str(self.day(week))

    def past(self) -> pd.DataFrame:
        """The rows before the first week, with their targets."""
        return self._sample(rows=HISTORY, until=self.start)

    def week(self, week: int, *, changed: bool = True) -> pd.DataFrame:
        """The rows of a week with their targets; without ``changed``, no column has changed."""
        since = self.day(BREAK) if changed else None
        day = self.day(week)
        # Only the sample of a product whose demo shows a new class has this argument.
        new = {"new_class": True} if self.new_class else {}
        # The seed is that of the week, so that its labels are those of the rows that were scored.
        return self._sample(
            rows=self.weekly,
            seed=100 + week,
            until=day,
            span=0,
            dirty=DIRTY,
            changed_since=since,
            **new,
        )

    def leaves_its_past(self) -> None:
        """Writes the rows before the first week as the training source."""
        write(self.past(), sample_path(self.stage))

    def leaves_shuffled(self) -> str:
        """Writes the rows before the first week with shuffled targets; returns the file's name."""
        return self._leaves(
            self._sample(rows=HISTORY, until=self.start, shuffle_labels=True), "shuffled"
        )

    def leaves_exported_anew(self, weeks: int) -> str:
        """Writes all rows so far without the change of the column; returns the file's name."""
        rows = [self.past(), *(self.week(number, changed=False) for number in range(1, weeks + 1))]
        return self._leaves(pd.concat(rows, ignore_index=True), "exported-anew")

    def sends_rows(self, week: int) -> None:
        """Writes the week's rows without their targets to the source of scoring."""
        place = file_of(read_scoring(self.stage.scoring_file).source.on(self.day(week)), self.stage)
        write(self.week(week).drop(columns=self.project.product.columns.target), place)

    def sends_labels(self, week: int, *of: int, share: float = 1.0) -> None:
        """Writes a share of the labels of the weeks ``of`` to the source of labels in ``week``."""
        place = file_of(
            read_scoring(self.stage.scoring_file).labels.source.on(self.day(week)), self.stage
        )
        columns = self.project.product.columns
        named = [name for name in (columns.key, columns.time, columns.target) if name]
        most = int(share * self.weekly)
        rows = [self.week(number)[named].dropna().head(most) for number in of]
        write(pd.concat(rows, ignore_index=True), place)

    def _sample(self, **knobs: Any) -> pd.DataFrame:
        """Rows from the product's sample.py, or rows generated from its schema."""
        return synthetic_rows(self.project)(**knobs)

    def _leaves(self, rows: pd.DataFrame, name: str) -> str:
        path = self.stage.var / "sample" / f"{name}.parquet"
        write(rows, path)
        return str(path.relative_to(self.stage.root))
