"""The engine's estimators that are stored in model files.

A model file names its classes by module and class name. The path of this module and the names in
it must therefore never change; otherwise earlier champions could not be loaded.
"""

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    TransformerMixin,
    clone,
)
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from .derived_numbers import days_before, moments

__all__ = [
    "Calibrated",
    "DateParts",
    "PredictionIntervals",
    "SelectiveClassifier",
    "TextParts",
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


class DateParts(TransformerMixin, BaseEstimator):
    """Dates as numbers: the parts of the calendar, whether a date is missing, and the days.

    The days are those before the row's time, the column ``time`` of the input, or those since 1970
    without it. The year is no part: a tree that has not seen a year cannot use it, and the days
    before the row's time state the same in a form that stays valid. With ``cyclic``, each part is
    a point on a circle, so that December is beside January for a linear model.
    """

    def __init__(self, time: str | None = None, cyclic: bool = False) -> None:
        self.time = time
        self.cyclic = cyclic

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Nothing is estimated; only the names of the dates are stored."""
        self.dates_ = [str(name) for name in X.columns if name != self.time]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """The numbers of each date in turn; those of a missing date are NaN."""
        time = None if self.time is None else X[self.time]
        return np.column_stack([self._parts(X[name], time) for name in self.dates_])

    def _parts(self, dates: pd.Series, time: pd.Series | None) -> np.ndarray:
        asked = moments(dates)
        parts = [
            (asked.dt.month - 1, 12),
            (asked.dt.day - 1, 31),
            (asked.dt.dayofweek, 7),
        ]
        numbers = [asked.isna().astype(float), days_before(dates, time)]
        for part, length in parts:
            angle = 2 * np.pi * part / length
            numbers += [np.sin(angle), np.cos(angle)] if self.cyclic else [part]
        return np.column_stack([np.asarray(each, dtype=float) for each in numbers])


class TextParts(TransformerMixin, BaseEstimator):
    """A column of texts as TF-IDF weights of its words; missing is "".

    A word has a weight if at least ``rows_at_least`` of the training rows contain it. Rarer words,
    such as most names, do not reach the model. With ``components``, the weights are reduced to that
    many dense columns (latent semantic analysis), for models that need few and dense columns.
    With ``pairs``, pairs of words have weights too, which takes several times as long.
    """

    def __init__(
        self,
        rows_at_least: int = 5,
        words_at_most: int = 5_000,
        components: int | None = None,
        pairs: bool = False,
        seed: int = 0,
    ) -> None:
        self.rows_at_least = rows_at_least
        self.words_at_most = words_at_most
        self.components = components
        self.pairs = pairs
        self.seed = seed

    def fit(self, X: Any, y: Any = None) -> Self:
        """Finds the words and their weights."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """The weights or components of the texts from which the words were found."""
        texts = _texts(X)
        self.words_ = TfidfVectorizer(
            ngram_range=(1, 2 if self.pairs else 1),
            min_df=self.rows_at_least,
            max_features=self.words_at_most,
            sublinear_tf=True,
        )
        self.reduced_ = None
        try:
            weights = self.words_.fit_transform(texts)
        except ValueError:  # no word is in enough rows: scikit-learn refuses an empty vocabulary
            self.words_ = None
            return self.transform(X)
        if self.components is not None and weights.shape[1] > self.components:
            self.reduced_ = TruncatedSVD(self.components, random_state=self.seed)
            return self.reduced_.fit_transform(weights)
        return weights if self.components is None else weights.toarray()

    def transform(self, X: Any) -> Any:
        """A sparse table of weights, or a dense one of components."""
        texts = _texts(X)
        if self.words_ is None:  # one column of zeros, because some models need a column
            nothing = csr_matrix((len(texts), 1))
            return nothing if self.components is None else nothing.toarray()
        weights = self.words_.transform(texts)
        if self.reduced_ is not None:
            return self.reduced_.transform(weights)
        return weights if self.components is None else weights.toarray()


def _texts(column: Any) -> list[str]:
    return [text if isinstance(text, str) else "" for text in column]
