"""Every metric compared with scikit-learn, with weights, and when it has no value."""

from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics as reference
from mlproduct.errors import ConfigError
from mlproduct.gate.criteria import Value
from mlproduct.problems import (
    COMMON,
    BinaryClassification,
    Metric,
    Predictions,
    Regression,
    Scored,
)
from mlproduct.problems.thresholds import best_threshold

BINARY, REGRESSION = BinaryClassification(), Regression()
METRICS = {**BINARY.metrics, **REGRESSION.metrics, **COMMON}

VALUE = Value(currency="EUR", true_positive=100, false_positive=-10)
BY_DECISION = {
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "precision": reference.precision_score,
    "recall": reference.recall_score,
    "f1": reference.f1_score,
}
BY_SCORE = {
    "roc_auc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "log_loss": reference.log_loss,
    "brier": reference.brier_score_loss,
}
BY_NUMBER = {
    "mae": reference.mean_absolute_error,
    "rmse": reference.root_mean_squared_error,
    "mape": reference.mean_absolute_percentage_error,
    "median_error": reference.median_absolute_error,
    "r2": reference.r2_score,
}


def classified(rows: int = 300, digits: int = 1) -> Scored:
    random = np.random.default_rng(0)
    y = (random.random(rows) < 0.3).astype(float)
    score = np.round(0.3 * y + 0.7 * random.random(rows), digits)
    return Scored(y, Predictions((score > 0.5).astype(float), score), VALUE)


def numbers(rows: int = 301) -> Scored:
    random = np.random.default_rng(0)
    y = random.normal(10, 2, rows)
    predicted = np.round(y + random.normal(0, 1, rows), 1)
    return Scored(y, Predictions(predicted, None, predicted - 1, predicted + 1))


def weights(rows: int) -> np.ndarray:
    return np.random.default_rng(1).poisson(1, (4, rows)).astype(float)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [*BY_DECISION, *BY_SCORE])
@pytest.mark.parametrize("digits", [1, 9], ids=["ties", "no ties"])
def test_weighted_classification_metrics_equal_those_of_scikit_learn(
    name: str, digits: int, dtype: type
) -> None:
    scored = classified(digits=digits)
    w = weights(len(scored))
    predicted = scored.decision if name in BY_DECISION else scored.score
    expected = [(BY_DECISION | BY_SCORE)[name](scored.y, predicted, sample_weight=one) for one in w]
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(
        METRICS[name].compute(scored, w.astype(dtype)), expected, rtol=tolerance
    )


@pytest.mark.parametrize("name", BY_NUMBER)
def test_weighted_regression_metrics_equal_those_of_scikit_learn(name: str) -> None:
    scored = numbers()
    w = weights(len(scored))
    expected = [BY_NUMBER[name](scored.y, scored.decision, sample_weight=one) for one in w]
    np.testing.assert_allclose(METRICS[name].compute(scored, w), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "metric", [*BINARY.metrics.values(), *REGRESSION.metrics.values()], ids=lambda m: m.name
)
def test_a_weight_has_the_effect_of_that_many_copies_of_the_row(metric: Metric) -> None:
    scored = classified() if metric.name in BINARY.metrics else numbers()
    w = weights(len(scored))[:1]
    copies = scored.take(np.repeat(np.arange(len(scored)), w[0].astype(int)))
    np.testing.assert_allclose(metric.compute(scored, w), metric.compute(copies), rtol=1e-12)


def test_the_value_is_per_1000_rows() -> None:
    scored = Scored(np.array([1.0, 1, 0, 0]), Predictions(np.array([1.0, 0, 1, 0])), VALUE)
    assert METRICS["value_per_1000"].compute(scored)[0] == pytest.approx(1000 * (100 - 10) / 4)


def test_the_calibration_error_adds_up_the_root_of_the_mean_product_of_two_rows_of_a_bin() -> None:
    scored = classified(rows=80, digits=2)
    score, y = scored.score, scored.y
    expected = 0.0
    for place in range(10):
        inside = (score >= place / 10) & ((score < (place + 1) / 10) | (place == 9))
        products = [
            (score[i] - y[i]) * (score[j] - y[j])
            for i, j in permutations(np.flatnonzero(inside), 2)
        ]
        expected += max(sum(products) / (80 * 79), 0) ** 0.5
    assert METRICS["expected_calibration_error"].compute(scored)[0] == pytest.approx(expected)
    one = scored.take(np.array([0]))
    assert METRICS["expected_calibration_error"].compute(one)[0] == 0


@pytest.mark.parametrize("name", ["recall", "precision", "roc_auc", "average_precision"])
def test_a_metric_without_positive_labels_is_nan_and_has_no_support(name: str) -> None:
    negatives = Scored(np.zeros(5), Predictions(np.zeros(5), np.linspace(0, 1, 5)))
    assert np.isnan(METRICS[name].compute(negatives)[0])
    assert METRICS[name].support(negatives) == 0


@pytest.mark.parametrize(
    ("name", "predictions", "reason"),
    [
        ("accuracy", Predictions(np.array([1.0, np.nan])), "1 of 2 decisions are not numbers"),
        ("accuracy", Predictions(np.array([1.0, 2.0])), "1 of 2 decisions are neither 0 nor 1"),
        ("roc_auc", Predictions(np.zeros(2)), "the predictions contain no scores"),
        ("value_per_1000", Predictions(np.zeros(2)), "do not state the value of the outcomes"),
        ("interval_coverage", Predictions(np.zeros(2)), "the predictions contain no intervals"),
        ("mape", Predictions(np.zeros(2)), "a target is 0"),
        ("latency_p95_ms", Predictions(np.zeros(2)), "is not computed from the target"),
    ],
)
def test_a_metric_that_cannot_be_computed_raises_an_error_with_the_reason(
    name: str, predictions: Predictions, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        METRICS[name].compute(Scored(np.array([0.0, 1.0]), predictions))


@pytest.mark.parametrize("name", [*BY_DECISION, "value_per_1000"])
def test_the_best_threshold_is_the_best_of_all_thresholds(name: str) -> None:
    scored = classified(80)
    cells = METRICS[name].cells
    assert cells is not None
    threshold, value = best_threshold(scored.y, scored.score, cells, VALUE)

    def at(cut: float) -> float:
        predictions = Predictions((scored.score >= cut).astype(float), scored.score)
        return float(METRICS[name].compute(Scored(scored.y, predictions, VALUE))[0])

    assert at(threshold) == pytest.approx(value)
    assert value == pytest.approx(np.nanmax([at(cut) for cut in np.linspace(-0.01, 1.01, 500)]))


def test_better_follows_the_direction_of_the_metric_and_is_false_for_equal_values() -> None:
    recall, mae = BINARY.objective("recall", None), REGRESSION.objective("mae", None)
    assert recall.better(0.6, 0.5)
    assert mae.better(0.5, 0.6)
    assert not mae.better(0.5, 0.5)
    assert not mae.better(float("nan"), 0.5)
    assert mae.better(0.5, float("nan"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("recal", "did you mean 'recall'"),
        ("rows", "cannot be used to compare models"),
        ("value_per_1000", "value:"),
    ],
)
def test_a_metric_that_cannot_be_the_primary_metric_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        BINARY.objective(name, None)
