"""The engine's estimators that are stored in model files.

A model file names its classes by module and class name. The path of this module and the names in
it must therefore never change; otherwise earlier champions could not be loaded.
"""

from typing import Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.linear_model import LogisticRegression

__all__ = [
    "Calibrated",
    "PredictionIntervals",
    "SelectiveClassifier",
    "SoftmaxOfMargins",
    "calibrated_scores",
    "log_odds",
    "tempered",
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


class SelectiveClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of K classes that leaves a row to a person if it is not sure enough.

    ``labels`` are the classes in the order of their codes, on which ``classifier`` is fitted. Its
    probabilities are calibrated with ``temperature``. Below the probability ``threshold``, a person
    decides.
    """

    def __init__(
        self, classifier: Any, labels: Any, temperature: float = 1.0, threshold: float = 0.0
    ) -> None:
        self.classifier = classifier
        self.labels = labels
        self.temperature = temperature
        self.threshold = threshold

    def fit(self, X: Any, y: Any) -> Self:
        """Fits the classifier again; temperature and threshold stay."""
        self.classifier_ = clone(self.classifier).fit(X, y)
        self.classes_ = np.asarray(self.labels)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The calibrated probabilities (n × K), a column per class of ``labels``."""
        found = self.classifier_.predict_proba(X)
        whole = np.zeros((len(found), len(self.labels)))
        # A class without training rows has no column in the classifier's probabilities.
        whole[:, np.asarray(self.classifier_.classes_, dtype=int)] = found
        return tempered(whole, self.temperature)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, also of those that a person should decide."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


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


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n × K) to the power 1/``temperature``, scaled to a sum of 1.

    Above 1 they become more equal, below 1 less. Source: C. Guo, G. Pleiss, Y. Sun,
    K. Q. Weinberger (2017), On calibration of modern neural networks, ICML.
    """
    if temperature == 1.0:
        return probabilities
    # In logarithms, because small numbers to a high power would all be 0.
    with np.errstate(divide="ignore"):
        powers = np.log(probabilities) / temperature
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
