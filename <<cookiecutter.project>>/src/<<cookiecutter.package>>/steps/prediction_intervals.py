"""A regressor that says how far off it may be.

The half width is a quantile of the errors on rows that the model was not fitted on, so that about
``LEVEL`` of new rows lie inside, whatever the model and the distribution of the errors.

Source: J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman (2018), Distribution-free
predictive inference for regression, Journal of the American Statistical Association 113, 1094-1111.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

__all__ = ["LEVEL", "PredictionIntervals", "conformal_half_width"]

LEVEL = 0.9
"""The share of new rows that an interval should hold."""


class PredictionIntervals(RegressorMixin, BaseEstimator):
    """``regressor`` with ± ``half_width`` around each prediction, times its size where ``relative``."""

    def __init__(self, regressor: Any, half_width: float = 0.0, relative: bool = False) -> None:
        self.regressor = regressor
        self.half_width = half_width
        self.relative = relative

    def fit(self, X: Any, y: Any) -> Self:
        self.regressor_ = clone(self.regressor).fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(self.regressor_.predict(X), dtype=float)

    def predict_interval(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper bound for each row."""
        predicted = self.predict(X)
        reach = self.half_width * (np.abs(predicted) if self.relative else 1.0)
        return predicted - reach, predicted + reach


def conformal_half_width(y: np.ndarray, predicted: np.ndarray, level: float = LEVEL) -> tuple[float, bool]:
    """The half width that holds ``level`` of these rows, and whether it is relative to the prediction's size.

    ``predicted`` are predictions of rows that were not fitted on. The kind is chosen whose intervals
    are narrower on average: relative where errors grow with the prediction, as of prices.
    """
    error, size = np.abs(y - predicted), np.abs(predicted)
    # Off by anything around a prediction of 0 is infinitely off, seen relatively.
    with np.errstate(divide="ignore"):
        times = np.divide(error, size, out=np.zeros_like(error), where=error > 0)
    absolute, relative = _quantile(error, level), _quantile(times, level)
    grows = np.isfinite(relative) and relative * size.mean() < absolute
    return (relative, True) if grows else (absolute, False)


def _quantile(errors: np.ndarray, level: float) -> float:
    """One row further out than ``level`` asks, which is what makes the promise hold for new rows."""
    if len(errors) == 0:
        return 0.0
    place = min(int(np.ceil((len(errors) + 1) * level)) - 1, len(errors) - 1)
    return float(np.sort(errors)[place])
