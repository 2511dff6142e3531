"""The models that the search compares.

To add a model, add a ``Candidate`` to ``CANDIDATES``: a name, a description, a function that builds
the model from the columns and a seed, and the parameters that the search varies. A parameter is
named ``step__parameter`` and has a list of values or a distribution of scipy.stats.

All models except the dummy learn the logarithm of the price, because an error of 500 EUR is large
for a cheap car and small for an expensive one.
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
    # The prediction is a logarithm. Without bounds, one mistyped number far outside the training
    # data would lead to a price of billions.
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
        "many small trees, each correcting the ones before",
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
    Candidate("dummy", "the same price for every car: a useful model must be better", _dummy),
)
