"""Predictions of a model, a rule or the do-nothing baseline in one form.

All evaluation and scoring uses ``Predictions``. A scikit-learn model, the kit's rule of thumb and
the do-nothing baseline can thus be compared row by row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..data.columns import Columns

__all__ = ["Predict", "Predictions", "by_rule", "do_nothing", "predict"]


@dataclass(frozen=True)
class Predictions:
    """One entry per row, in the order of the rows.

    ``decision`` is 0 or 1 in classification and the predicted number in regression. ``score`` is
    the probability of 1, or None. ``low`` and ``high`` are the bounds of a prediction interval, or
    None.
    """

    decision: np.ndarray
    score: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.decision)

    def take(self, rows: np.ndarray | slice) -> "Predictions":
        """The predictions of ``rows`` (positions, a mask or a slice), in that order."""
        score, low, high = (
            None if part is None else part[rows] for part in (self.score, self.low, self.high)
        )
        return Predictions(self.decision[rows], score, low, high)

    def same_as(self, other: "Predictions") -> bool:
        """Whether all predictions are equal, as for a model that is submitted again."""
        mine, theirs = ((p.decision, p.score, p.low, p.high) for p in (self, other))
        return all(
            (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))
            for a, b in zip(mine, theirs, strict=True)
        )


Predict = Callable[[pd.DataFrame], Predictions]


def predict(model: Any, features: pd.DataFrame) -> Predictions:
    """The predictions of ``model`` for each row of ``features``.

    A model with ``predict_proba`` is a classifier of 0 and 1. If it also has a fixed ``threshold``,
    its decisions are derived from the probabilities, so that these are computed only once.
    """
    if not hasattr(model, "predict_proba"):
        low, high = (
            model.predict_interval(features) if hasattr(model, "predict_interval") else (None, None)
        )
        return Predictions(_numbers(model.predict(features)), None, _optional(low), _optional(high))
    score = _numbers(model.predict_proba(features)[:, 1])
    threshold = getattr(model, "threshold", None)
    if _decides_by_probability(model) and isinstance(threshold, float | int):
        return Predictions((score >= threshold).astype(float), score)
    return Predictions(_numbers(model.predict(features)), score)


def do_nothing(training: pd.DataFrame, columns: Columns) -> Predict:
    """The baseline that uses no features, as a function of the features.

    Its decision, and its score if the problem has one, are the same for every row.
    """
    target = training[columns.target].to_numpy(dtype=float)
    decision, score = columns.of_target.constant(target)
    return lambda features: Predictions(
        np.full(len(features), decision),
        None if score is None else np.full(len(features), score),
    )


def by_rule(rule: Callable[[pd.DataFrame], Any]) -> Predict:
    """The predictions of the kit's rule of thumb; they have decisions and no scores."""
    return lambda features: Predictions(_numbers(rule(features)))


def _decides_by_probability(model: Any) -> bool:
    from sklearn.model_selection import FixedThresholdClassifier

    if not isinstance(model, FixedThresholdClassifier):
        return False
    # With other settings, the model compares another score with its threshold, so it has to decide.
    ordered = list(model.classes_) == [0, 1] and model.pos_label in (None, 1)
    return bool(ordered and model.response_method in ("auto", "predict_proba"))


def _numbers(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float).reshape(-1)


def _optional(values: Any) -> np.ndarray | None:
    return None if values is None else _numbers(values)
