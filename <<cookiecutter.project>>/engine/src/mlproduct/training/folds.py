"""Divide the training side into folds for cross-validation, by the same policy as the holdout."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from ..data.columns import Columns
from ..errors import InvalidData

__all__ = ["Fold", "Folds", "folds"]

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


def folds(
    training: pd.DataFrame,
    columns: Columns,
    by: Literal["time", "group", "hash"],
    count: int,
    seed: int,
) -> Folds:
    """The folds of ``training``: forward in time, whole groups, whole keys, or shuffled rows.

    Raises InvalidData if there are fewer rows, groups or keys than folds.
    """
    rows = len(training)
    shuffled = {"n_splits": count, "shuffle": True, "random_state": seed}
    # By time, one more part is needed: the oldest one is only trained on.
    _enough(rows, count + (by == "time"), "rows")
    if by == "time" and columns.time is not None:
        order = np.argsort(training[columns.time].to_numpy(), kind="stable")
        return Folds(order, _cuts(TimeSeriesSplit(count), rows))
    # Rows of one key are not independent either, so they stay in one fold.
    together = columns.group if by == "group" else columns.key
    if together and not training[together].is_unique:
        # Rows without a group are one group, because it is not known which of them belong together.
        groups, names = pd.factorize(training[together], use_na_sentinel=False)
        _enough(len(names), count, f"different values of {together}")
        return Folds(np.arange(rows), _cuts(GroupKFold(**shuffled), rows, groups=groups))
    strata = columns.of_target.strata(columns.encoded_target(training))
    if strata is not None:
        return Folds(np.arange(rows), _cuts(StratifiedKFold(**shuffled), rows, strata))
    return Folds(np.arange(rows), _cuts(KFold(**shuffled), rows))


def _enough(found: int, needed: int, of_what: str) -> None:
    if found < needed:
        raise InvalidData(
            f"the training side has {found:,} {of_what} – expected {needed:,} for search.folds –"
            " get more rows, or set fewer folds in config/pipeline.yaml"
        )


def _cuts(
    splitter: KFold | StratifiedKFold | GroupKFold | TimeSeriesSplit,
    rows: int,
    target: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[Fold, ...]:
    # Of the features, the splitters use only the number of rows.
    return tuple(splitter.split(np.zeros(rows), target, groups))
