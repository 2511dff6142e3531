"""The models that the search compares.

To add a model, add a ``Candidate`` to ``CANDIDATES``: a name, a description, a function that builds
the model from the columns and a seed, and the parameters that the search varies. A parameter is
named ``step__parameter`` and has a list of values or a distribution of scipy.stats.
"""

from typing import Any

from mlproduct import Candidate, Columns, preprocess
from scipy.stats import loguniform, randint
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

__all__ = ["CANDIDATES"]


def _linear(columns: Columns, seed: int) -> Any:
    # Without bounds, one mistyped number far outside the training data would lead to any prediction.
    bounds = MinMaxScaler((-1, 1), clip=True)
    return Pipeline(
        [("columns", preprocess(columns)), ("bounds", bounds), ("model", Ridge(alpha=0.1))]
    )


def _boosting(columns: Columns, seed: int) -> Any:
    model = HistGradientBoostingRegressor(random_state=seed)
    return Pipeline([("columns", preprocess(columns, texts="ordinal")), ("model", model)])


def _dummy(columns: Columns, seed: int) -> Any:
    return DummyRegressor()


CANDIDATES = (
    Candidate(
        "linear",
        "a weighted sum of the features",
        _linear,
        {"model__alpha": loguniform(0.001, 100)},
    ),
    Candidate(
        "boosting",
        "many small trees, each correcting the ones before",
        _boosting,
        {
            "model__learning_rate": loguniform(0.03, 0.2),
            "model__max_leaf_nodes": randint(8, 64),
            "model__min_samples_leaf": randint(5, 60),
        },
    ),
    Candidate(
        "dummy", "the same number for every row: a useful model must be better", _dummy
    ),
)
