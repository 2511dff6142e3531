"""The engine's transformers of features that are stored in model files: dates and texts.

As in ``estimators.py``, the path of this module and the names in it must never change.
"""

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from .derived_numbers import days_before, moments

__all__ = ["DateParts", "TextParts", "TextWeights", "TimeParts"]


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


class TimeParts(TransformerMixin, BaseEstimator):
    """The time of each row as numbers: parts of the calendar, the hour, and the days since 1970.

    With ``cyclic``, each part is a point on a circle, so that midnight is beside 23:00 for a linear
    model.
    """

    def __init__(self, cyclic: bool = False) -> None:
        self.cyclic = cyclic

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Nothing is estimated."""
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Five numbers of the only column of X, or nine with ``cyclic``."""
        times = X.iloc[:, 0]
        asked = moments(times)
        hour = asked.dt.hour + asked.dt.minute / 60
        parts = [
            (asked.dt.month - 1, 12),
            (asked.dt.day - 1, 31),
            (asked.dt.dayofweek, 7),
            (hour, 24),
        ]
        numbers = [days_before(times, None)]
        for part, length in parts:
            angle = 2 * np.pi * part / length
            numbers += [np.sin(angle), np.cos(angle)] if self.cyclic else [part]
        return np.column_stack([np.asarray(each, dtype=float) for each in numbers])


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
        self.words_: TextWeights | None = TextWeights(
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
