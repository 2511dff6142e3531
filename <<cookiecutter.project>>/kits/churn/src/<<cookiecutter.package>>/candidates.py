"""The models that the search compares.

To add a model, add a ``Candidate`` to ``CANDIDATES``: a name, a description, a function that builds
the model from the columns and a seed, and the parameters that the search varies. A parameter is
named ``step__parameter`` and has a list of values or a distribution of scipy.stats.
"""

from typing import Any

from mlproduct import Candidate, Columns, preprocess
from scipy.stats import loguniform, randint, uniform
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

__all__ = ["CANDIDATES"]


def _linear(columns: Columns, seed: int) -> Any:
    return Pipeline([("columns", preprocess(columns)), ("model", LogisticRegression(max_iter=500))])


def _boosting(columns: Columns, seed: int) -> Any:
    model = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=15, random_state=seed)
    return Pipeline([("columns", preprocess(columns, texts="ordinal")), ("model", model)])


def _network(columns: Columns, seed: int) -> Any:
    model = MLPClassifier(
        (16,),
        early_stopping=True,
        n_iter_no_change=3,
        max_iter=200,
        batch_size=512,
        random_state=seed,
    )
    return Pipeline([("columns", preprocess(columns)), ("model", model)])


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
            "model__learning_rate": loguniform(0.05, 0.3),
            "model__max_leaf_nodes": randint(6, 24),
            "model__min_samples_leaf": randint(20, 200),
            "model__l2_regularization": uniform(0, 2),
        },
    ),
    Candidate(
        "neural network",
        "one layer of 16 units",
        _network,
        {
            "model__alpha": loguniform(1e-5, 1e-2),
            "model__learning_rate_init": loguniform(5e-4, 1e-2),
        },
    ),
    Candidate(
        "dummy", "the same prediction for every customer: a useful model must be better", _dummy
    ),
)
