"""How sure a prediction is: calibrated probabilities, and intervals of conformal prediction.

A calibration curve is fitted on the scores of rows left out by the search and put behind the model,
so that what was measured, what the threshold was chosen on and what the model says are the same
numbers.
"""

from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from ..estimators import calibrated_scores, log_odds

__all__ = ["calibration", "conformal_half_width"]

LEVEL = 0.9
"""The share of new rows that a prediction interval should hold."""

CLEARLY = 0.005
"""The share of the log loss that has to be gained; less is not worth another moving part."""

ENOUGH = {"sigmoid": 30, "isotonic": 1000}
"""Rows of the rarer class below which a curve of this kind follows the noise."""


def calibration(y: np.ndarray, score: np.ndarray, seed: int) -> tuple[str, Any]:
    """The method that mends the scores (``none``, ``sigmoid``, ``isotonic``) and its curve, None
    for none.

    ``score`` are probabilities of rows that were not fitted on; to choose, each is calibrated by
    the others. Source: A. Niculescu-Mizil, R. Caruana (2005), Predicting good probabilities with
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


def conformal_half_width(
    y: np.ndarray, predicted: np.ndarray, level: float = LEVEL
) -> tuple[float, bool]:
    """The half width that holds ``level`` of these rows, and whether it is relative to the
    prediction's size.

    ``predicted`` are predictions of rows that were not fitted on. The kind is chosen whose
    intervals are narrower on average: relative where errors grow with the prediction, as of prices.

    Source: J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman (2018), Distribution-free
    predictive inference for regression, Journal of the American Statistical Association 113,
    1094-1111.
    """
    error, size = np.abs(y - predicted), np.abs(predicted)
    # Off by anything around a prediction of 0 is infinitely off, seen relatively.
    with np.errstate(divide="ignore"):
        times = np.divide(error, size, out=np.zeros_like(error), where=error > 0)
    absolute, relative = _quantile(error, level), _quantile(times, level)
    grows = np.isfinite(relative) and relative * size.mean() < absolute
    return (relative, True) if grows else (absolute, False)


def _curve(method: str, y: np.ndarray, score: np.ndarray) -> Any:
    """A sigmoid is one of the log odds, so that it can also leave everything as it is."""
    if method == "sigmoid":
        return LogisticRegression(C=1e6).fit(log_odds(score), y)
    return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, y)


def _crossed(y: np.ndarray, score: np.ndarray, method: str, seed: int) -> np.ndarray:
    mended = np.empty_like(score, dtype=float)
    for fitted, left in StratifiedKFold(3, shuffle=True, random_state=seed).split(score, y):
        mended[left] = calibrated_scores(_curve(method, y[fitted], score[fitted]), score[left])
    return mended


def _loss(y: np.ndarray, score: np.ndarray) -> float:
    return float(log_loss(y, np.clip(score, 1e-6, 1 - 1e-6)))


def _quantile(errors: np.ndarray, level: float) -> float:
    """One row further out than ``level`` asks, which is what makes the promise hold for new
    rows.
    """
    if len(errors) == 0:
        return 0.0
    place = min(int(np.ceil((len(errors) + 1) * level)) - 1, len(errors) - 1)
    return float(np.sort(errors)[place])
