"""The ways to divide rows into training rows and holdout, and the training rows into folds.

A policy does both, so that cross-validation has the difficulty of the holdout. ``split.by`` in
config/pipeline.yaml names one of ``POLICIES``:

    time     the newest rows are held out; a fold is predicted from older rows only
    group    a hash of the group decides; a fold contains whole groups
    hash     a hash of the key decides; a fold contains all rows of its keys

A new policy, such as a rolling origin, is a subclass of ``SplitPolicy`` in ``POLICIES``, and its
name in ``Split.by`` of ``config/settings.py``.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from ..errors import ConfigError, InvalidData
from .columns import Columns
from .fingerprint import row_hashes

__all__ = ["POLICIES", "ByHash", "ByTime", "Fold", "Folds", "SplitPolicy"]

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Folds:
    """The ``order`` of the rows, and the folds (``cuts``) as positions within that order.

    In a split by time, no fold predicts the past from the future, so the oldest rows get no
    prediction. ``left_out`` are the positions of the rows that get one.
    """

    order: np.ndarray
    cuts: tuple[Fold, ...]

    @property
    def left_out(self) -> np.ndarray:
        """The positions of the rows that are left out by a fold, in increasing order."""
        return np.sort(np.concatenate([left for _, left in self.cuts]))


class SplitPolicy(ABC):
    """One way to divide rows; use one of its subclasses."""

    @abstractmethod
    def holdout(self, rows: pd.DataFrame, columns: Columns, share: float) -> tuple[np.ndarray, str]:
        """A mask of the rows that are held out, about ``share`` of them, and the split in words.

        Raises ConfigError if the schema has no column for the policy.
        """

    @abstractmethod
    def folds(self, training: pd.DataFrame, columns: Columns, count: int, seed: int) -> Folds:
        """The folds of the training rows. Raises InvalidData if there are too few rows."""

    def together(self, columns: Columns) -> str | None:
        """The column whose equal values stay on one side; None if there is no such column."""
        return None


class ByTime(SplitPolicy):
    """The newest rows are held out; rows with the same time stay together."""

    def holdout(self, rows: pd.DataFrame, columns: Columns, share: float) -> tuple[np.ndarray, str]:
        """The rows after the time at which the held-out share is nearest to ``share``.

        Raises InvalidData if a row has no time.
        """
        if columns.time is None:
            raise ConfigError(
                "config/pipeline.yaml: split.by: time: schemas.py has no column with the role time"
                " – expected one – give a column this role, or split by hash"
            )
        if unknown := int(rows[columns.time].isna().sum()):
            raise InvalidData(
                f"{unknown:,} of {len(rows):,} rows have no {columns.time} – expected one in each"
                " row for a split by time – make the column not nullable in schemas.py, or split"
                " by hash"
            )
        times = rows[columns.time].to_numpy()
        moments, counts = np.unique(times, return_counts=True)
        newer = len(rows) - np.cumsum(counts)
        # The last time is no candidate, because no row is newer.
        cutoff = (
            moments[np.argmin(np.abs(newer[:-1] - share * len(rows)))] if len(moments) > 1 else None
        )
        held = np.zeros(len(rows), bool) if cutoff is None else times > cutoff
        until = (
            f", trained on rows until {pd.Timestamp(cutoff):%Y-%m-%d}" if cutoff is not None else ""
        )
        return held, f"by {columns.time}{until}{_again(rows[columns.key], held)}"

    def folds(self, training: pd.DataFrame, columns: Columns, count: int, seed: int) -> Folds:
        """Folds forward in time: each is predicted from the rows before it."""
        rows = len(training)
        # One more part is needed: the oldest one is only trained on.
        _enough(rows, count + 1, "rows")
        order = np.argsort(training[str(columns.time)].to_numpy(), kind="stable")
        return Folds(order, tuple(TimeSeriesSplit(count).split(np.zeros(rows))))


@dataclass(frozen=True)
class ByHash(SplitPolicy):
    """A hash of the group or the key decides, so that its rows stay on their side permanently."""

    role: Literal["group", "key"]

    def holdout(self, rows: pd.DataFrame, columns: Columns, share: float) -> tuple[np.ndarray, str]:
        """The rows whose hash, scaled to [0, 1), is below ``share``, in every run."""
        name = self.together(columns)
        if name is None:
            raise ConfigError(
                "config/pipeline.yaml: split.by: group: schemas.py has no column with the role"
                " group – expected one – give a column this role, or split by hash"
            )
        # A larger share only adds rows to the holdout; no holdout row becomes a training row.
        place = row_hashes(rows, [name]) / np.float64(2**64)
        return place < share, f"by the hash of {name}, {share:.0%} held out permanently"

    def folds(self, training: pd.DataFrame, columns: Columns, count: int, seed: int) -> Folds:
        """Folds of whole groups, of whole keys if keys repeat, or of shuffled rows."""
        rows = len(training)
        _enough(rows, count, "rows")
        order, shuffled = np.arange(rows), {"shuffle": True, "random_state": seed}
        kept = self.together(columns)
        # Of the features, the splitters use only the number of rows.
        nothing = np.zeros(rows)
        # Rows of one key are not independent either, so they stay in one fold.
        if kept and not training[kept].is_unique:
            # Rows without a group are one group, because it is not known which belong together.
            groups, names = pd.factorize(training[kept], use_na_sentinel=False)
            _enough(len(names), count, f"different values of {kept}")
            return Folds(order, tuple(GroupKFold(count, **shuffled).split(nothing, groups=groups)))
        strata = columns.of_target.strata(columns.encoded_target(training))
        if strata is not None:
            return Folds(order, tuple(StratifiedKFold(count, **shuffled).split(nothing, strata)))
        return Folds(order, tuple(KFold(count, **shuffled).split(nothing)))

    def together(self, columns: Columns) -> str | None:
        """The group, or the key."""
        return columns.group if self.role == "group" else columns.key


POLICIES: Mapping[str, SplitPolicy] = {
    "time": ByTime(),
    "group": ByHash("group"),
    "hash": ByHash("key"),
}


def _again(keys: pd.Series, held: np.ndarray) -> str:
    """How many holdout rows are of a subject in the training rows.

    In a split by time this is intended.
    """
    again = int(keys[held].isin(keys[~held]).sum())
    return f", {again:,} holdout rows share their {keys.name} with training rows" if again else ""


def _enough(found: int, needed: int, of_what: str) -> None:
    if found < needed:
        raise InvalidData(
            f"the training side has {found:,} {of_what} – expected {needed:,} for search.folds –"
            " get more rows, or set fewer folds in config/pipeline.yaml"
        )
