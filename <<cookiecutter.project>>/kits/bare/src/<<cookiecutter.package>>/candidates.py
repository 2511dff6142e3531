"""The models that the search compares.

To add a model, add a ``Candidate`` to ``CANDIDATES``: a name, a description, a function that builds
the model from the columns and a seed, and the parameters that the search varies. A parameter is
named ``step__parameter`` and has a list of values or a distribution of scipy.stats.
"""

from typing import Any

from mlproduct import Candidate, Columns, preprocess
from scipy.stats import loguniform, randint
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

__all__ = ["CANDIDATES"]


def _linear(columns: Columns, seed: int) -> Any:
    model = LogisticRegression(max_iter=1000)
    return Pipeline([("columns", preprocess(columns)), ("model", model)])


def _boosting(columns: Columns, seed: int) -> Any:
    model = HistGradientBoostingClassifier(random_state=seed)
    return Pipeline([("columns", preprocess(columns, texts="ordinal")), ("model", model)])


def _dummy(columns: Columns, seed: int) -> Any:
    return DummyClassifier()


CANDIDATES = (
    Candidate(
        "linear", "a weighted sum of the features", _linear, {"model__C": loguniform(0.01, 10)}
    ),
    Candidate(
        "boosting",
        "many small trees, each correcting the ones before",
        _boosting,
        {
            "model__learning_rate": loguniform(0.03, 0.2),
            "model__max_leaf_nodes": randint(6, 32),
            "model__min_samples_leaf": randint(10, 100),
        },
    ),
    Candidate("dummy", "the same prediction for every row: a useful model must be better", _dummy),
)
