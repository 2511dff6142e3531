"""Whether a probability of 30 % comes true in 30 of 100 cases, and mending it where it does not.

The curve is fitted on the scores of rows left out by the search and put behind the model, so that
what was measured, what the threshold was chosen on and what the model says are the same numbers.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

__all__ = ["Calibrated", "along", "calibration"]

CLEARLY = 0.005
"""The share of the log loss that has to be gained; less is not worth another moving part."""

ENOUGH = {"sigmoid": 30, "isotonic": 1000}
"""Rows of the rarer class below which a curve of this kind follows the noise."""


class Calibrated(ClassifierMixin, BaseEstimator):
    """``classifier`` of 0 and 1 with its probabilities sent through ``curve``."""

    def __init__(self, classifier: Any, curve: Any) -> None:
        self.classifier = classifier
        self.curve = curve

    def fit(self, X: Any, y: Any) -> Self:
        self.classifier_ = clone(self.classifier).fit(X, y)
        self.classes_ = self.classifier_.classes_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        mended = along(self.curve, self.classifier_.predict_proba(X)[:, 1])
        return np.column_stack([1 - mended, mended])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype(int)]


def calibration(y: np.ndarray, score: np.ndarray, seed: int) -> tuple[str, Any]:
    """The method that mends the scores (``none``, ``sigmoid``, ``isotonic``) and its curve, None for none.

    ``score`` are probabilities of rows that were not fitted on; to choose, each is calibrated by the
    others. Source: A. Niculescu-Mizil, R. Caruana (2005), Predicting good probabilities with
    supervised learning, ICML.
    """
    rarer = min(y.sum(), len(y) - y.sum())
    methods = [method for method, enough in ENOUGH.items() if rarer >= enough]
    if not methods:
        return "none", None
    bar = _loss(y, score) * (1 - CLEARLY)
    losses = {method: _loss(y, _crossed(y, score, method, seed)) for method in methods}
    best = min(losses, key=lambda method: losses[method])
    return (best, _curve(best, y, score)) if losses[best] < bar else ("none", None)


def along(curve: Any, score: np.ndarray) -> np.ndarray:
    """The probabilities that ``curve`` makes of scores."""
    if isinstance(curve, LogisticRegression):
        return curve.predict_proba(_log_odds(score))[:, 1]
    return curve.predict(score)


def _curve(method: str, y: np.ndarray, score: np.ndarray) -> Any:
    """A sigmoid is one of the log odds, so that it can also leave everything as it is."""
    if method == "sigmoid":
        return LogisticRegression(C=1e6).fit(_log_odds(score), y)
    return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, y)


def _crossed(y: np.ndarray, score: np.ndarray, method: str, seed: int) -> np.ndarray:
    mended = np.empty_like(score, dtype=float)
    for fitted, left in StratifiedKFold(3, shuffle=True, random_state=seed).split(score, y):
        mended[left] = along(_curve(method, y[fitted], score[fitted]), score[left])
    return mended


def _log_odds(score: np.ndarray) -> np.ndarray:
    kept = np.clip(score, 1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))[:, None]


def _loss(y: np.ndarray, score: np.ndarray) -> float:
    return float(log_loss(y, np.clip(score, 1e-6, 1 - 1e-6)))
