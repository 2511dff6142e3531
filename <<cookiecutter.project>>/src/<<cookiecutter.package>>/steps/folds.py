"""How the training side is cut for cross-validation: by the same policy as the holdout."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from ..columns import Columns

__all__ = ["Fold", "Folds", "folds"]

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Folds:
    """The rows in the ``order`` they are cut in, and the cuts, as positions within that order.

    ``forward`` cuts never predict the past from the future; they leave the oldest rows without a
    prediction. ``partition`` gives every row exactly one, which a final calibration needs.
    """

    order: np.ndarray
    forward: tuple[Fold, ...]
    partition: tuple[Fold, ...]


def folds(
    training: pd.DataFrame, columns: Columns, by: Literal["time", "group", "hash"], count: int, seed: int
) -> Folds:
    """The folds of ``training``: forward in time, whole groups, whole keys, or shuffled rows."""
    rows = len(training)
    if by == "time" and columns.time is not None:
        order = np.argsort(training[columns.time].to_numpy(), kind="stable")
        forward = _cuts(TimeSeriesSplit(count), rows)
        return Folds(order, forward, _cuts(KFold(count), rows))
    together = columns.group if by == "group" else columns.key
    groups = training[together].to_numpy() if together and not training[together].is_unique else None
    if groups is not None:
        cuts = _cuts(GroupKFold(count, shuffle=True, random_state=seed), rows, groups=groups)
    elif columns.task == "classification":
        target = training[columns.target].to_numpy()
        cuts = _cuts(StratifiedKFold(count, shuffle=True, random_state=seed), rows, target)
    else:
        cuts = _cuts(KFold(count, shuffle=True, random_state=seed), rows)
    return Folds(np.arange(rows), cuts, cuts)


def _cuts(
    splitter: KFold | StratifiedKFold | GroupKFold | TimeSeriesSplit,
    rows: int,
    target: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[Fold, ...]:
    return tuple(splitter.split(np.zeros(rows), target, groups))
