"""The world in which the demo plays: what day it is, which rows come in, and what comes true of
them.

From ``BREAK`` on one column counts otherwise than before; the product's ``sample.py`` says which
and how.
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

WEEKS = 12
BREAK = 4
HISTORY, WEEKLY = 12_000, 4_000
DIRTY = 0.002


@contextmanager
def rehearsed() -> Iterator[None]:
    """Whatever day is made up inside, it is the day that it was before afterwards."""
    before = os.environ.get(REHEARSED)
    try:
        yield
    finally:
        os.environ.pop(REHEARSED, None)
        if before is not None:
            os.environ[REHEARSED] = before


@dataclass(frozen=True)
class World:
    """Twelve weeks, the first of which is over at ``start``."""

    project: Project
    start: date

    @property
    def stage(self) -> Settings:
        return self.project.settings

    def day(self, week: int) -> date:
        return self.start + timedelta(weeks=week)

    def dawns(self, week: int) -> None:
        os.environ[REHEARSED] = str(self.day(week))

    def past(self) -> pd.DataFrame:
        """The rows from before the first week, with what came true of them."""
        return self._sample(rows=HISTORY, until=self.start)

    def week(self, week: int, *, changed: bool = True) -> pd.DataFrame:
        """The rows of a week; without ``changed`` as they would be if no column counted
        otherwise.
        """
        since = self.day(BREAK) if changed else None
        day = self.day(week)
        return self._sample(
            rows=WEEKLY, seed=100 + week, until=day, span=0, dirty=DIRTY, changed_since=since
        )

    def leaves_its_past(self) -> None:
        write(self.past(), sample_path(self.stage))

    def leaves_shuffled(self) -> str:
        """The name of a file in which the same rows have each other's answers."""
        return self._leaves(
            self._sample(rows=HISTORY, until=self.start, shuffle_labels=True), "shuffled"
        )

    def leaves_exported_anew(self, weeks: int) -> str:
        """The name of a file of everything so far, in which the column counts as it did at
        first.
        """
        rows = [self.past(), *(self.week(number, changed=False) for number in range(1, weeks + 1))]
        return self._leaves(pd.concat(rows, ignore_index=True), "exported-anew")

    def sends_rows(self, week: int) -> None:
        """Puts the week's rows, without the answers, where scoring looks for them."""
        place = file_of(read_scoring(self.stage.scoring_file).source.on(self.day(week)), self.stage)
        write(self.week(week).drop(columns=self.project.product.columns.target), place)

    def sends_labels(self, week: int, *of: int, share: float = 1.0) -> None:
        """Puts what came true of earlier weeks where labelling looks for it in ``week``; only a
        share of each.
        """
        place = file_of(
            read_scoring(self.stage.scoring_file).labels.source.on(self.day(week)), self.stage
        )
        columns = self.project.product.columns
        named = [name for name in (columns.key, columns.time, columns.target) if name]
        rows = [self.week(number)[named].dropna().head(int(share * WEEKLY)) for number in of]
        write(pd.concat(rows, ignore_index=True), place)

    def _sample(self, **knobs: Any) -> pd.DataFrame:
        """Rows of the product's sample.py. Raises ConfigError where there is none."""
        return synthetic_rows(self.project)(**knobs)

    def _leaves(self, rows: pd.DataFrame, name: str) -> str:
        path = self.stage.var / "sample" / f"{name}.parquet"
        write(rows, path)
        return str(path.relative_to(self.stage.root))
