"""The models that the search compares.

To add a model, add a ``Candidate`` to ``CANDIDATES``: a name, a description, a function that builds
the model from the columns and a seed, and the parameters that the search varies. A parameter is
named ``step__parameter`` and has a list of values or a distribution of scipy.stats.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from mlproduct import Candidate, Columns, SoftmaxOfMargins, TextWeights, preprocess
from scipy.stats import loguniform
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

__all__ = ["CANDIDATES"]

# A text has length 1 in each part. The other columns are longer and would count too much.
WEIGHTS = {"table": 0.3, "words": 1.0, "letters": 1.0}

# Words and parts of words at most, the most frequent ones: the size of the model file.
WIDTH = 30_000


def _of_texts(columns: Columns, part: Any) -> ColumnTransformer:
    numbered = enumerate(columns.texts, 1)
    return ColumnTransformer([(f"text {number}", part, name) for number, name in numbered])


def _words(columns: Columns) -> ColumnTransformer:
    """Single words and pairs of words, weighted by how rare they are."""
    part = TextWeights(ngram_range=(1, 2), max_features=WIDTH, sublinear_tf=True, dtype=np.float32)
    return _of_texts(columns, part)


def _letters(columns: Columns) -> ColumnTransformer:
    """Parts of words, which survive a typing error and the endings of a word."""
    part = TextWeights(
        analyzer="char_wb",
        ngram_range=(3, 4),
        min_df=2,
        max_features=WIDTH,
        sublinear_tf=True,
        dtype=np.float32,
    )
    return _of_texts(columns, part)


def _linear(columns: Columns, seed: int) -> Any:
    parts: list[tuple[str, Any]] = [("words", _words(columns)), ("letters", _letters(columns))]
    others = replace(columns, texts=())
    if others.features:
        parts.insert(0, ("table", preprocess(others)))
    # A smaller tolerance takes half as long again for the same accuracy.
    model = SoftmaxOfMargins(LinearSVC(C=0.5, tol=0.01, random_state=seed))
    weights = {name: WEIGHTS[name] for name, _ in parts}
    return Pipeline([("parts", FeatureUnion(parts, transformer_weights=weights)), ("model", model)])


def _boosting(columns: Columns, seed: int) -> Any:
    model = HistGradientBoostingClassifier(random_state=seed)
    return Pipeline([("columns", preprocess(columns, components=32)), ("model", model)])


def _dummy(columns: Columns, seed: int) -> Any:
    return DummyClassifier()


CANDIDATES = (
    Candidate(
        "linear",
        "a weighted sum of words and parts of words",
        _linear,
        {"model__classifier__C": loguniform(0.1, 1)},
    ),
    Candidate(
        "boosting",
        "many small trees, each correcting the ones before",
        _boosting,
        {"model__learning_rate": loguniform(0.03, 0.2)},
    ),
    Candidate(
        "dummy", "the same prediction for every row: a useful model must be better", _dummy
    ),
)
