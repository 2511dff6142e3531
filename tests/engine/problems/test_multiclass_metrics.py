"""Every metric of several classes compared with scikit-learn, with weights and missing classes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from mlproduct.gate.criteria import ClassValue, Value
from mlproduct.problems import Metric, MulticlassClassification, Predictions, Scored

from .multiclass_rows import NAMES, problem, scored, weights

METRICS = MulticlassClassification.metrics
BY_CLASS = MulticlassClassification.class_metrics

# As functions of targets, decisions and the weights of the rows.
BY_DECISION: dict[str, Callable[..., float]] = {
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "macro_f1": lambda y, decided, sample_weight: reference.f1_score(
        y, decided, average="macro", sample_weight=sample_weight
    ),
    "weighted_f1": lambda y, decided, sample_weight: reference.f1_score(
        y, decided, average="weighted", sample_weight=sample_weight
    ),
    "matthews_correlation": reference.matthews_corrcoef,
}
VALUE = ClassValue(
    currency="EUR",
    right=1,
    wrong=-4,
    person=-0.5,
    matrix={"fraud": {"other": -50, "card": -20}, "card": {"cash": 0}},
)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", BY_DECISION)
def test_metrics_of_decisions_equal_those_of_scikit_learn(name: str, dtype: type) -> None:
    found = scored()
    w = weights(len(found))
    expected = [BY_DECISION[name](found.y, found.decision, sample_weight=one) for one in w]
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(
        METRICS[name].compute(found, w.astype(dtype)), expected, rtol=tolerance
    )


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("name", BY_DECISION)
def test_a_class_without_rows_counts_as_it_does_in_scikit_learn(name: str) -> None:
    found = scored()
    found = found.take(np.flatnonzero(found.y != 3))
    assert 3 in found.decision
    expected = BY_DECISION[name](found.y, found.decision, sample_weight=None)
    assert METRICS[name].compute(found)[0] == pytest.approx(expected)


@pytest.mark.parametrize("name", BY_DECISION)
def test_a_class_that_neither_occurs_nor_is_decided_changes_nothing(name: str) -> None:
    found = scored()
    keep = (found.y != 3) & (found.decision != 3)
    found = found.take(np.flatnonzero(keep))
    expected = BY_DECISION[name](found.y, found.decision, sample_weight=None)
    assert METRICS[name].compute(found)[0] == pytest.approx(expected)


def test_the_log_loss_equals_that_of_scikit_learn_also_without_a_class_in_the_rows() -> None:
    for found in (scored(), scored().take(np.flatnonzero(scored().y != 3))):
        w = weights(len(found))
        expected = [
            reference.log_loss(found.y, found.probabilities, sample_weight=one, labels=range(6))
            for one in w
        ]
        np.testing.assert_allclose(METRICS["log_loss"].compute(found, w), expected, rtol=1e-12)


def test_the_log_loss_of_a_probability_of_zero_is_finite() -> None:
    found = Scored(np.array([0.0]), decided([[0.0, 1.0, 0.0]]), None, NAMES[:3])
    assert METRICS["log_loss"].compute(found)[0] == pytest.approx(-np.log(np.finfo(float).eps))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_top_k_accuracy_equals_that_of_scikit_learn(k: int) -> None:
    found = scored()
    w = weights(len(found))
    expected = [
        reference.top_k_accuracy_score(found.y, found.probabilities, k=k, sample_weight=one)
        for one in w
    ]
    np.testing.assert_allclose(METRICS[f"top_{k}_accuracy"].compute(found, w), expected, rtol=1e-12)


@pytest.mark.parametrize("k", [3, 5])
def test_with_at_most_k_classes_every_row_is_among_the_k_most_probable(k: int) -> None:
    assert METRICS[f"top_{k}_accuracy"].compute(scored(classes=3))[0] == 1


def test_of_equal_probabilities_the_class_that_is_listed_first_counts_as_higher() -> None:
    found = Scored(np.array([0.0, 1.0, 2.0, 3.0]), decided([[0.25] * 4] * 4), None, NAMES[:4])
    assert METRICS["top_2_accuracy"].compute(found)[0] == 0.5


def test_the_calibration_error_equals_that_of_a_loop_over_the_bins() -> None:
    found = scored()
    for w in weights(len(found)):
        got = METRICS["expected_calibration_error"].compute(found, w[None, :])[0]
        assert got == pytest.approx(slow_calibration_error(found, w))


def slow_calibration_error(found: Scored, w: np.ndarray, bins: int = 10) -> float:
    """Of ``w`` copies of each row, from all pairs of different copies."""
    chance = found.probabilities.max(axis=1)
    deviation = chance - (found.decision == found.y)
    error = 0.0
    for place in range(bins):
        last = place == bins - 1
        inside = (chance >= place / bins) & ((chance < (place + 1) / bins) | last)
        copies = np.repeat(deviation[inside], w[inside].astype(int))
        products = np.outer(copies, copies)
        np.fill_diagonal(products, 0)
        error += np.sqrt(max(products.sum(), 0) / (w.sum() * (w.sum() - 1)))
    return error


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_weight_has_the_effect_of_that_many_copies_of_the_row(metric: Metric) -> None:
    found = scored(value=VALUE, abstained_below=0.4)
    w = weights(len(found))[:1]
    copies = found.take(np.repeat(np.arange(len(found)), w[0].astype(int)))
    np.testing.assert_allclose(metric.compute(found, w), metric.compute(copies), rtol=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "matthews_correlation", "macro_f1"])
def test_a_constant_decision_counts_as_it_does_in_scikit_learn(name: str) -> None:
    found = scored()
    found = replace(found, predictions=Predictions(np.full(len(found), 5.0)), _blocks={})
    expected = BY_DECISION[name](found.y, found.decision, sample_weight=None)
    assert METRICS[name].compute(found)[0] == pytest.approx(expected)


# --- one class ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["recall", "precision", "f1"])
def test_the_metrics_of_one_class_equal_those_of_scikit_learn(name: str) -> None:
    found = scored()
    w = weights(len(found))
    score = getattr(reference, f"{name}_score")
    got = [BY_CLASS[name].compute(one, w) for one in problem().by_class(found).values()]
    for resample, one in enumerate(w):
        expected = score(found.y, found.decision, average=None, labels=range(6), sample_weight=one)
        np.testing.assert_allclose([each[resample] for each in got], expected, rtol=1e-12)


def test_a_class_without_rows_has_no_recall_and_no_support() -> None:
    found = scored()
    missing = problem().by_class(found.take(np.flatnonzero(found.y != 3)))["fraud"]
    assert np.isnan(BY_CLASS["recall"].compute(missing)[0])
    assert BY_CLASS["recall"].support(missing) == 0


def test_the_score_of_one_class_is_its_own_probability() -> None:
    found = scored()
    one = problem().by_class(found)["loan"]
    np.testing.assert_array_equal(one.score, found.probabilities[:, 2])
    without = replace(found, predictions=Predictions(found.decision), _blocks={})
    assert problem().by_class(without)["loan"].predictions.score is None


def test_the_confusion_equals_that_of_scikit_learn() -> None:
    found = scored()
    expected = reference.confusion_matrix(found.y, found.decision, labels=range(6))
    assert np.array(problem().confusion(found)).tolist() == expected.tolist()


# --- the value, and the rows of a person ----------------------------------------------------


def test_the_value_follows_the_matrix_and_its_exceptions() -> None:
    y, decisions = [0.0, 0, 3, 3, 3, 5], [0.0, 1, 4, 0, 3, 2]
    found = Scored(np.array(y), Predictions(np.array(decisions)), VALUE, NAMES)
    total = 1 + 0 - 50 - 20 + 1 - 4
    assert METRICS["value_per_1000"].compute(found)[0] == pytest.approx(1000 * total / 6)


def test_a_row_of_a_person_has_the_value_of_a_person_and_not_of_the_decision() -> None:
    predictions = Predictions(np.array([4.0, 3.0]), abstained=np.array([True, False]))
    found = Scored(np.array([3.0, 3.0]), predictions, VALUE, NAMES)
    assert METRICS["value_per_1000"].compute(found)[0] == pytest.approx(1000 * (-0.5 + 1) / 2)


def test_whole_numbers_as_classes_are_found_in_the_matrix_by_their_names() -> None:
    written = {"currency": "EUR", "right": 0, "wrong": -1, "matrix": {3: {1: -9}}}
    value = ClassValue.model_validate(written)
    assert value.amounts(("1", "2", "3")).tolist() == [[0, -1, -1], [-1, 0, -1], [-9, -1, 0]]


def test_the_shares_of_answered_rows() -> None:
    found = scored(abstained_below=0.4)
    asked = found.abstained
    assert 0 < asked.mean() < 1
    assert METRICS["abstained_share"].compute(found)[0] == pytest.approx(asked.mean())
    right = (found.decision == found.y)[~asked]
    assert METRICS["answered_accuracy"].compute(found)[0] == pytest.approx(right.mean())
    assert METRICS["answered_accuracy"].support(found) == (~asked).sum()


# --- what cannot be computed ----------------------------------------------------------------


def decided(chances: Any) -> Predictions:
    """Predictions with these probabilities (n × K)."""
    found = np.asarray(chances, dtype=float)
    return Predictions(found.argmax(axis=1).astype(float), found.max(axis=1), probabilities=found)


FOUR = Value(currency="EUR", true_positive=1, false_positive=-1)


@pytest.mark.parametrize(
    ("name", "predictions", "value", "reason"),
    [
        ("accuracy", Predictions(np.array([0.0, 6.0])), None, "1 of 2 decisions are not classes"),
        ("macro_f1", Predictions(np.array([0.0, 0.5])), None, "1 of 2 decisions are not classes"),
        ("accuracy", Predictions(np.array([0.0, np.nan])), None, "decisions are not numbers"),
        ("log_loss", Predictions(np.zeros(2)), None, "contain no probabilities"),
        (
            "top_2_accuracy",
            decided([[1.0] * 6, [0.0, np.nan, 0, 0, 0, 0]]),
            None,
            "the probabilities of 1 of 2 rows are not numbers",
        ),
        ("abstained_share", Predictions(np.zeros(2)), None, "which rows a person decides"),
        ("value_per_1000", Predictions(np.zeros(2)), None, "do not state the value of the dec"),
        ("value_per_1000", Predictions(np.zeros(2)), FOUR, "do not state the value of the dec"),
    ],
)
def test_a_metric_that_cannot_be_computed_raises_an_error_with_the_reason(
    name: str, predictions: Predictions, value: Any, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        METRICS[name].compute(Scored(np.array([0.0, 1.0]), predictions, value, NAMES))


def test_a_target_that_is_no_class_is_counted_in_the_error() -> None:
    found = Scored(np.array([0.0, 9.0]), Predictions(np.zeros(2)), None, NAMES)
    with pytest.raises(ValueError, match="1 of 2 targets are not classes"):
        METRICS["accuracy"].compute(found)
