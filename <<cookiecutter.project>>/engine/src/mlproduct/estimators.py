"""The engine's estimators that are stored in model files.

A model file names its classes by module and class name. The path of this module and the names in
it must therefore never change; otherwise earlier champions could not be loaded.
"""

from typing import Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

__all__ = [
    "Calibrated",
    "PredictionIntervals",
    "SoftmaxOfMargins",
    "TextWeights",
    "calibrated_scores",
    "log_odds",
]


class Calibrated(ClassifierMixin, BaseEstimator):
    """A binary classifier (0 and 1) whose probabilities are calibrated with ``curve``.

    The curve is fitted on the out-of-fold scores of the search. scikit-learn's
    ``CalibratedClassifierCV`` would make other folds and fit the classifier again in each.
    """

    def __init__(self, classifier: Any, curve: Any) -> None:
        self.classifier = classifier
        self.curve = curve

    def fit(self, X: Any, y: Any) -> Self:
        """Fits the classifier again; the curve stays."""
        self.classifier_ = clone(self.classifier).fit(X, y)
        self.classes_ = self.classifier_.classes_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The calibrated probabilities of 0 and 1, one row per row of ``X``."""
        score = calibrated_scores(self.curve, self.classifier_.predict_proba(X)[:, 1])
        return np.column_stack([1 - score, score])

    def predict(self, X: Any) -> np.ndarray:
        """The class with the higher calibrated probability, per row."""
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype(int)]


class PredictionIntervals(RegressorMixin, BaseEstimator):
    """A regressor with an interval of ± ``half_width`` around each prediction.

    If ``relative``, ``half_width`` is a factor of the absolute prediction.
    """

    def __init__(self, regressor: Any, half_width: float = 0.0, relative: bool = False) -> None:
        self.regressor = regressor
        self.half_width = half_width
        self.relative = relative

    def fit(self, X: Any, y: Any) -> Self:
        """Fits the regressor again; the width of the interval stays."""
        self.regressor_ = clone(self.regressor).fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The prediction per row, in the unit of the target."""
        return np.asarray(self.regressor_.predict(X), dtype=float)

    def predict_interval(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper bound for each row, in the unit of the target."""
        predicted = self.predict(X)
        reach = self.half_width * (np.abs(predicted) if self.relative else 1.0)
        return predicted - reach, predicted + reach


class SoftmaxOfMargins(ClassifierMixin, BaseEstimator):
    """A classifier of more than two classes with margins, such as LinearSVC, with probabilities.

    The probabilities are the softmax of ``sharpness`` × margins. The class with the largest margin
    has the highest probability. With many classes a linear SVM is fitted several times faster than
    a logistic regression and is as accurate.
    """

    def __init__(self, classifier: Any, sharpness: float = 5.0) -> None:
        self.classifier = classifier
        self.sharpness = sharpness

    def fit(self, X: Any, y: Any) -> Self:
        """Fits the classifier. Raises ValueError for fewer than three classes."""
        self.classifier_ = clone(self.classifier).fit(X, y)
        self.classes_ = self.classifier_.classes_
        if len(self.classes_) < 3:
            raise ValueError(f"{len(self.classes_)} classes – expected at least 3")
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, of shape (n, classes)."""
        return softmax(self.sharpness * self.classifier_.decision_function(X), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """The class with the largest margin, per row."""
        return self.classifier_.predict(X)


class TextWeights(TfidfVectorizer):
    """The ``TfidfVectorizer`` of scikit-learn, with a small model file.

    skops stores each entry of a dict on its own: 30 MB and half a minute for 60,000 terms. The
    vocabulary is therefore stored as an array of the terms in the order of their columns.
    """

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "vocabulary_" in state:
            vocabulary = state.pop("vocabulary_")
            state["terms"] = np.array(sorted(vocabulary, key=vocabulary.__getitem__), dtype=str)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "terms" in state:
            terms = state.pop("terms").tolist()
            state["vocabulary_"] = {term: column for column, term in enumerate(terms)}
        super().__setstate__(state)


def calibrated_scores(curve: Any, score: np.ndarray) -> np.ndarray:
    """The calibrated probabilities of n scores, of shape (n,).

    A logistic curve takes the log odds of the scores as input.
    """
    if isinstance(curve, LogisticRegression):
        return curve.predict_proba(log_odds(score))[:, 1]
    return curve.predict(score)


def log_odds(score: np.ndarray) -> np.ndarray:
    """The log odds ln(p / (1 - p)) of n probabilities p, of shape (n, 1)."""
    # The log odds of 0 and 1 are infinite, so probabilities stay a millionth away from both.
    kept = np.clip(score, 1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))[:, None]
