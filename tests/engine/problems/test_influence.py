"""The influence that a metric states is its change with the weight of each row."""

from collections.abc import Callable

import numpy as np
import pytest
from mlproduct.gate.criteria import ClassValue, Value
from mlproduct.problems import (
    BinaryClassification,
    Metric,
    MulticlassClassification,
    Predictions,
    Regression,
    Scored,
)

from .multiclass_rows import scored


def two_classes() -> Scored:
    random = np.random.default_rng(1)
    y = (random.random(60) < 0.4).astype(float)
    # Rounded, so that rows of both classes have equal scores.
    score = np.round(1 / (1 + np.exp(-y - random.standard_normal(60))), 1)
    value = Value(currency="EUR", true_positive=100, false_positive=-20)
    return Scored(y, Predictions((score >= 0.5).astype(float), score), value)


def numbers() -> Scored:
    random = np.random.default_rng(2)
    predicted = 10 + random.standard_normal(60)
    y = predicted + random.exponential(1, 60)
    return Scored(y, Predictions(predicted, None, predicted - 1, predicted + 1))


def several_classes() -> Scored:
    value = ClassValue(currency="EUR", right=1, wrong=-4, person=-0.5)
    return scored(80, value=value, abstained_below=0.4)


CASES = [
    pytest.param(metric, rows, id=f"{problem.__name__} {metric.name}")
    for problem, rows in (
        (BinaryClassification, two_classes),
        (Regression, numbers),
        (MulticlassClassification, several_classes),
    )
    for metric in problem.metrics.values()
    if metric.influence is not None
]


@pytest.mark.parametrize(("metric", "rows"), CASES)
def test_the_influence_is_the_change_with_the_weight_of_a_row(
    metric: Metric, rows: Callable[[], Scored]
) -> None:
    found, step = rows(), 1e-4
    changes = step * np.eye(len(found))
    changed = metric.compute(found, 1 + changes) - metric.compute(found, 1 - changes)
    expected = changed / (2 * step) * len(found)
    assert metric.influence is not None
    stated = found.term(metric.influence)[:, 0]
    # An influence is stated up to a constant, because it counts from the mean of all rows.
    np.testing.assert_allclose(stated - stated.mean(), expected - expected.mean(), atol=1e-6)
