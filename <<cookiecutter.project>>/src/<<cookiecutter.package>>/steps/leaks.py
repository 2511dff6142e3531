"""Features that give the answer away.

What alone predicts the target nearly perfectly is usually not known when the prediction is needed:
it was written down afterwards, or is the target under another name.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..columns import Columns
from ..errors import ConfigError

__all__ = ["Leak", "leaking_features"]

AT_MOST_ROWS = 50_000
LEAVES = 64


@dataclass(frozen=True)
class Leak:
    """A feature, or two that give the target together, and how well: 1 is perfectly."""

    feature: str
    strength: float


def leaking_features(
    training: pd.DataFrame, columns: Columns, *, at: float, accepted: Collection[str], seed: int = 0
) -> tuple[Leak, ...]:
    """The features whose strength alone is at least ``at``, strongest first, without the accepted ones.

    The strength is that of a small tree on one feature, fitted on one half of the rows and measured
    on the other: the area under the ROC curve in classification, the share of variance explained
    (of the target's ranks, so that a rescaled target is found too) in regression. Two numbers whose
    sum or difference is the target are named together. Raises ConfigError for an accepted name that
    is no feature.
    """
    _known(accepted, columns)
    rows = training.sample(min(len(training), AT_MOST_ROWS), random_state=seed)
    target = rows[columns.target].to_numpy(dtype=float)
    if columns.task == "regression":
        target = pd.Series(target).rank(pct=True).to_numpy()
    asked = [name for name in columns.features if name not in accepted]
    found = [Leak(name, _strength(rows[name], target, columns)) for name in asked]
    leaks = [leak for leak in found if leak.strength >= at]
    if columns.task == "regression":
        numbers = [name for name in columns.numeric if name in asked and name not in {leak.feature for leak in leaks}]
        leaks += _pairs(rows[numbers], rows[columns.target].to_numpy(dtype=float), at)
    return tuple(sorted(leaks, key=lambda leak: -leak.strength))


def _known(accepted: Collection[str], columns: Columns) -> None:
    for name in accepted:
        if name not in columns.features:
            near = difflib.get_close_matches(name, columns.features, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(columns.features)}"
            raise ConfigError(f"config/pipeline.yaml: checks.accepted_leaks: {name!r} is not a feature – {hint}")


def _strength(feature: pd.Series, target: np.ndarray, columns: Columns) -> float:
    """Fitted on the even rows, measured on the odd ones: a unique text learns nothing that helps there."""
    codes = _as_number(feature)
    even = np.arange(len(codes)) % 2 == 0
    kind = DecisionTreeRegressor if columns.task == "regression" else DecisionTreeClassifier
    tree = kind(max_leaf_nodes=LEAVES, min_samples_leaf=5, random_state=0)
    if not even.any() or even.all() or len(np.unique(target[even])) < 2 or len(np.unique(target[~even])) < 2:
        return 0.0
    tree.fit(codes[even, None], target[even])
    if columns.task == "regression":
        return float(max(tree.score(codes[~even, None], target[~even]), 0.0))
    from sklearn.metrics import roc_auc_score

    area = roc_auc_score(target[~even] > target.min(), tree.predict_proba(codes[~even, None])[:, -1])
    return float(area)


def _as_number(feature: pd.Series) -> np.ndarray:
    """Texts by the order of their frequency; a tree handles what is missing as a value of its own."""
    if feature.dtype.kind in "fiub":
        return feature.to_numpy(dtype=float)
    order = {value: place for place, value in enumerate(feature.value_counts().index)}
    return feature.map(order).to_numpy(dtype=float)


def _pairs(numbers: pd.DataFrame, target: np.ndarray, at: float) -> list[Leak]:
    """Two numbers of which the target is a weighted sum, where neither does without the other."""
    whole = numbers.notna().all(axis=1).to_numpy()
    if whole.sum() < 10 or numbers.shape[1] < 2:
        return []
    values, y = numbers[whole].to_numpy(dtype=float), target[whole]
    together = np.corrcoef(np.column_stack([values, y]), rowvar=False)
    found = []
    for i in range(values.shape[1]):
        for j in range(i + 1, values.shape[1]):
            own, both = together[[i, j], -1], together[i, j]
            if not np.isfinite([*own, both]).all() or 1 - both**2 < 1e-9:
                continue
            # The multiple correlation of two regressors from the three simple ones.
            explained = (own @ own - 2 * own[0] * own[1] * both) / (1 - both**2)
            if explained >= max(at, 0.999) and (own**2).max() < explained - 0.005:
                found.append(Leak(f"{numbers.columns[i]} and {numbers.columns[j]} together", float(explained)))
    return found
