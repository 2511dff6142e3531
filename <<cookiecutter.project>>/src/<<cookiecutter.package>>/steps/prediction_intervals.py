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
    """``regressor`` with an interval around each prediction: ± ``half_width`` times the prediction's size."""

    def __init__(self, regressor: Any, half_width: float = 0.0) -> None:
        self.regressor = regressor
        self.half_width = half_width

    def fit(self, X: Any, y: Any) -> Self:
        self.regressor_ = clone(self.regressor).fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(self.regressor_.predict(X), dtype=float)

    def predict_interval(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper bound for each row."""
        predicted = self.predict(X)
        reach = self.half_width * np.abs(predicted)
        return predicted - reach, predicted + reach


def conformal_half_width(y: np.ndarray, predicted: np.ndarray, level: float = LEVEL) -> float:
    """The half width, relative to the prediction's size, that holds ``level`` of these rows.

    ``predicted`` are predictions of rows that were not fitted on. The quantile is taken one row
    further out than ``level`` asks, which is what makes the promise hold for new rows. A prediction
    of 0 has no size to be relative to and is left out.
    """
    some = predicted != 0
    errors = np.sort(np.abs(y[some] - predicted[some]) / np.abs(predicted[some]))
    if len(errors) == 0:
        return 0.0
    place = min(int(np.ceil((len(errors) + 1) * level)) - 1, len(errors) - 1)
    return float(errors[place])
