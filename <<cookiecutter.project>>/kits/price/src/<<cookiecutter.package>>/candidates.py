"""The models that compete.

To add a candidate, add it to ``CANDIDATES``: how it is built from the columns and a seed, and what
the search may vary (``step__parameter``: a list, or a distribution of scipy.stats). All of them
learn the logarithm of the price, because an error of 500 EUR is much for a small car and little for
a large one.
"""

from typing import Any

import numpy as np
from mlproduct import Candidate, Columns, preprocess
from scipy.stats import loguniform, randint
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

__all__ = ["CANDIDATES"]


def _of_the_logarithm(pipeline: Pipeline) -> Any:
    return TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.expm1)


def _bounded(columns: Columns, model: Any) -> Pipeline:
    # One mistyped number far outside what was trained on would be raised to the power of e, and
    # cost billions.
    bounds = MinMaxScaler((-1, 1), clip=True)
    return Pipeline([("columns", preprocess(columns)), ("bounds", bounds), ("model", model)])


def _linear(columns: Columns, seed: int) -> Any:
    return _of_the_logarithm(_bounded(columns, Ridge()))


def _boosting(columns: Columns, seed: int) -> Any:
    model = HistGradientBoostingRegressor(max_iter=100, max_leaf_nodes=15, random_state=seed)
    return _of_the_logarithm(
        Pipeline([("columns", preprocess(columns, texts="ordinal")), ("model", model)])
    )


def _network(columns: Columns, seed: int) -> Any:
    model = MLPRegressor(
        hidden_layer_sizes=(32,),
        early_stopping=True,
        n_iter_no_change=3,
        max_iter=500,
        batch_size=256,
        learning_rate_init=2e-3,
        random_state=seed,
    )
    return _of_the_logarithm(_bounded(columns, model))


def _dummy(columns: Columns, seed: int) -> Any:
    return DummyRegressor(strategy="median")


CANDIDATES = (
    Candidate(
        "linear",
        "a weighted sum of the features",
        _linear,
        {"regressor__model__alpha": loguniform(0.01, 100)},
    ),
    Candidate(
        "boosting",
        "many small trees, each mending the last",
        _boosting,
        {
            "regressor__model__learning_rate": loguniform(0.05, 0.3),
            "regressor__model__max_leaf_nodes": randint(6, 32),
            "regressor__model__min_samples_leaf": randint(10, 100),
        },
    ),
    Candidate(
        "neural network",
        "one layer of 32 units",
        _network,
        {
            "regressor__model__alpha": loguniform(1e-5, 1e-2),
            "regressor__model__learning_rate_init": loguniform(2e-3, 1e-2),
        },
    ),
    Candidate(
        "dummy", "the same price for everything: whoever cannot beat it has learned nothing", _dummy
    ),
)
