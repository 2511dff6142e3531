"""Multi-class classification: classes and their codes, other versions, the log, the search."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.errors import ConfigError, InvalidData
from mlproduct.estimators import SelectiveClassifier, tempered
from mlproduct.gate.criteria import ClassValue, Value
from mlproduct.problems import (
    MulticlassClassification,
    OutOfFold,
    Predictions,
    Regression,
    Target,
)
from mlproduct.registry.model_files import reopen, save
from sklearn.linear_model import LogisticRegression

from .multiclass_rows import NAMES, drawn, problem, scored

THREE = problem("a", "b", "c")


class Model:
    """A classifier with fixed probabilities for any two rows."""

    def __init__(self, chances: Any, labels: Any, threshold: float = 0.0) -> None:
        self.chances, self.labels, self.threshold = np.array(chances), labels, threshold

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return self.chances


ROWS = pd.DataFrame({"x": [1.0, 2.0]})


# --- the target -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (("a", "b"), "y has a, b – expected at least three classes.*use BinaryClassification"),
        ((), "y has no list of values – expected at least three"),
        (("a", "b", "a"), "y lists a class twice: a, b, a"),
        ((1, 2, "1"), "y lists a class twice: 1, 2, 1"),
    ],
)
def test_a_target_that_does_not_list_three_different_classes_is_refused(
    values: tuple[Any, ...], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        MulticlassClassification().of(Target("y", True, values))


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_the_share_of_a_person_has_to_be_a_share_below_1(share: float) -> None:
    with pytest.raises(ConfigError, match=r"most_abstained is .* expected a share from 0"):
        MulticlassClassification(most_abstained=share)


@pytest.mark.parametrize(
    "values", [("b", "a", "c"), (3, 1, 2), ("1", "2", "03")], ids=["texts", "numbers", "digits"]
)
def test_codes_are_positions_in_the_schema_and_are_decoded_to_the_same_values(
    values: tuple[Any, ...],
) -> None:
    found = problem(*values)
    codes = found.encode(pd.Series([values[2], values[0], values[1]]))
    assert codes.tolist() == [2, 0, 1]
    assert found.decode(codes).tolist() == [values[2], values[0], values[1]]
    assert found.class_names == tuple(map(str, values))


def test_whole_numbers_are_found_as_floats_too() -> None:
    assert problem(3, 1, 2).encode(np.array([1.0, 3.0])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "given", "reason"),
    [
        (NAMES, ["card", "crad", "crad"], "topic has the value 'crad' in 2 of 3 rows.*card, cash"),
        (NAMES, ["card", None], "topic has the value nan in 1 of 2 rows"),
        ((1, 2, 3), [1, 4], "topic has the value 4 in 1 of 2 rows – expected one of 1, 2, 3"),
    ],
)
def test_a_value_that_is_no_class_is_refused_with_its_count(
    values: tuple[Any, ...], given: list[Any], reason: str
) -> None:
    with pytest.raises(InvalidData, match=reason):
        problem(*values).encode(pd.Series(given))


def test_training_rows_of_one_class_are_refused_by_name() -> None:
    assert "topic is b in all 4 training rows" in str(THREE.complaint(np.ones(4)))
    assert THREE.complaint(np.array([0.0, 2.0])) is None


@pytest.mark.parametrize("values", [NAMES, (1, 2, 3)])
def test_generated_targets_contain_every_class_about_equally_often(values: Any) -> None:
    found = problem(*values)
    score = np.random.default_rng(0).normal(size=600)
    made = found.generated(score, lambda shares: shares)
    counts = np.bincount(found.encode(made).astype(int), minlength=len(values))
    assert counts.min() >= 600 / len(values) - 1
    assert found.encode(made)[score.argmax()] == len(values) - 1


# --- predictions ----------------------------------------------------------------------------


def test_the_constant_prediction_is_the_most_frequent_class_with_the_shares() -> None:
    found = THREE.constant(np.array([2.0, 2, 0, 2]))
    assert found.decision.tolist() == [2]
    assert found.probabilities is not None
    assert found.probabilities.tolist() == [[0.25, 0, 0.75]]
    repeated = THREE.do_nothing(np.array([2.0, 2, 0, 2]))(ROWS)
    assert (len(repeated), repeated.score.tolist()) == (2, [0.75, 0.75])  # type: ignore[union-attr]


def test_a_row_with_a_probability_below_the_threshold_is_left_to_a_person() -> None:
    found = THREE.predict(Model([[0.6, 0.3, 0.1], [0.2, 0.4, 0.4]], ["a", "b", "c"], 0.5), ROWS)
    assert found.decision.tolist() == [0, 1]
    assert found.abstained is not None
    assert found.abstained.tolist() == [False, True]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["a", "b", "c"], [[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]]),
        (["c", "a", "b"], [[0.3, 0.1, 0.6], [0.2, 0.7, 0.1]]),
        (["a", "b", "gone"], [[0.6, 0.3, 0.0], [0.1, 0.2, 0.0]]),
    ],
    ids=["the same", "reordered", "one added, one removed"],
)
def test_a_model_of_other_classes_keeps_its_probabilities_by_name(
    labels: list[str], expected: list[list[float]]
) -> None:
    found = THREE.predict(Model([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]], labels), ROWS)
    assert found.probabilities is not None
    assert found.probabilities.tolist() == expected
    assert found.decision.tolist() == np.argmax(expected, axis=1).tolist()


def test_a_candidate_that_has_not_seen_a_class_gives_it_the_probability_0() -> None:
    random = np.random.default_rng(0)
    rows, y = pd.DataFrame({"x": random.normal(size=40)}), np.arange(40) % 2 * 2.0
    found = THREE.out_of_fold(LogisticRegression().fit(rows, y), rows)
    assert found.shape == (40, 3)
    assert (found[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("a", "b", "c"), ("a", "b", "c")),
        ((), ("a", "b", "c")),
        (("c", "gone", "a"), ("c", "gone", "a")),
    ],
)
def test_a_version_has_the_classes_that_it_was_trained_with(
    classes: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert THREE.of_version(classes).classes == expected


def test_the_classes_of_a_version_have_their_type_again() -> None:
    assert problem(1, 2, 3).of_version(("3", "1", "2")).classes == (3, 1, 2)


def test_predictions_of_a_version_are_read_from_the_log_with_the_codes_of_the_schema() -> None:
    """The version had the classes c and a; the schema has a, b and c."""
    logged = Predictions(
        np.array([0.0, 1.0]), np.array([0.9, 0.6]), probabilities=np.array([[0.9, 0.1], [0.4, 0.6]])
    ).logged
    found = THREE.from_log(pd.DataFrame(logged), ("c", "a"), 0.7)
    assert found.decision.tolist() == [2, 0]
    assert found.probabilities is not None
    assert found.abstained is not None
    assert found.probabilities.tolist() == [[0.1, 0, 0.9], [0.6, 0, 0.4]]
    assert found.abstained.tolist() == [False, True]


def test_a_logged_decision_for_a_removed_class_is_no_class_of_the_schema() -> None:
    logged = Predictions(
        np.array([0.0, 1.0]), np.array([0.9, 0.6]), probabilities=np.array([[0.9, 0.1], [0.4, 0.6]])
    ).logged
    found = THREE.from_log(pd.DataFrame(logged), ("gone", "a"), None)
    assert found.decision.tolist() == [-1, 0]
    with pytest.raises(ValueError, match="1 of 2 decisions are not classes"):
        THREE.metrics["accuracy"].compute(THREE.scored(np.zeros(2), found))


def test_the_report_names_the_codes_of_a_version_as_the_schema_does() -> None:
    now, then = problem("a", "b", "c", "new"), ("c", "old", "a")
    codes = now.recoded(np.array([0.0, 1.0, 2.0]), then)
    assert codes.tolist() == [2, -1, 0]
    assert now.performance().shown(pd.Series(codes)) == ["c", "(removed)", "a"]


def test_a_log_without_rows_has_predictions_without_rows() -> None:
    empty = pd.DataFrame({"decision": [], "score": [], "probabilities": []})
    assert len(THREE.from_log(empty, (), 0.5)) == 0


def test_a_response_has_the_class_or_asks_for_a_person() -> None:
    predictions = THREE.predict(
        Model([[0.6, 0.3, 0.1], [0.2, 0.4, 0.4]], ["a", "b", "c"], 0.5), ROWS
    )
    assert THREE.response(predictions) == {
        "decision": ["a", None],
        "needs_person": [False, True],
        "score": [0.6, 0.4],
        "probabilities": [{"a": 0.6, "b": 0.3, "c": 0.1}, {"a": 0.2, "b": 0.4, "c": 0.4}],
    }
    assert THREE.response_schema()["decision"] == {"enum": ["a", "b", "c", None]}
    assert set(THREE.response_schema()) == set(THREE.response(predictions))


def test_the_response_of_a_rule_has_decisions_only() -> None:
    found = THREE.response(THREE.by_rule(lambda rows: np.array(["c", "a"]))(ROWS))
    assert found == {"decision": ["c", "a"], "needs_person": [False, False]}


# --- the search -----------------------------------------------------------------------------


def fitted(most: float, metric: str, value: Any = None, *, heat: float = 1.0) -> Any:
    """The model of the search, whose out-of-fold probabilities are those of ``drawn``."""
    y, chances = drawn()
    this = replace(problem(), most_abstained=most)
    rows = pd.DataFrame({"x": np.linspace(0, 1, len(y))})
    left_out = OutOfFold(y, tempered(chances, 1 / heat))
    return this.fit(LogisticRegression(), rows, y, left_out, this.objective(metric, value), 7)


def left_to_a_person(found: Any) -> float:
    """The share of the rows of ``drawn``, whose probabilities are calibrated."""
    return float((drawn()[1].max(axis=1) < found.threshold).mean())


def test_without_abstention_the_model_decides_every_row() -> None:
    found = fitted(0.0, "accuracy")
    assert (found.threshold, found.calibration) == (0.0, "none")
    assert found.model.threshold == 0.0


def test_probabilities_that_are_too_sure_are_calibrated() -> None:
    found = fitted(0.0, "accuracy", heat=2.0)
    assert found.calibration == "temperature"
    assert found.model.temperature == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("heat", [1.0, 2.0])
def test_the_search_leaves_at_most_the_allowed_share_to_a_person(heat: float) -> None:
    """The threshold applies to the calibrated probabilities."""
    assert left_to_a_person(fitted(0.2, "accuracy", heat=heat)) == pytest.approx(0.2, abs=0.02)


def test_with_a_value_a_row_of_a_person_counts_with_the_value_of_a_person() -> None:
    """The more a person costs, the fewer rows are left to one."""
    shares = []
    for person in (-1, -2, -5):
        value = ClassValue(currency="EUR", right=1, wrong=-4, person=person)
        shares.append(left_to_a_person(fitted(0.9, "value_per_1000", value)))
    assert 0.9 >= shares[0] > shares[1] > 0 == shares[2]


def test_the_trial_score_is_the_metric_of_the_most_probable_class() -> None:
    found = scored()
    objective = problem().objective("accuracy", None)
    left_out = OutOfFold(found.y, found.probabilities)
    expected = (found.decision == found.y).mean()
    assert problem().trial_score(left_out, objective) == pytest.approx(expected)


# --- the stored model -----------------------------------------------------------------------


def selective(labels: Any, y: np.ndarray, **more: Any) -> tuple[SelectiveClassifier, pd.DataFrame]:
    rows = pd.DataFrame({"x": y + np.random.default_rng(0).normal(0, 0.4, len(y))})
    return SelectiveClassifier(LogisticRegression(), labels, **more).fit(rows, y), rows


def test_a_class_without_training_rows_has_the_probability_0() -> None:
    model, rows = selective(["a", "b", "c"], np.arange(60) % 2 * 2.0)
    found = model.predict_proba(rows)
    assert found.shape == (60, 3)
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert set(model.predict(rows)) == {"a", "c"}


def test_the_temperature_changes_probabilities_and_no_decision() -> None:
    y = np.arange(60) % 3.0
    (plain, rows), (warm, _) = selective(list("abc"), y), selective(list("abc"), y, temperature=3.0)
    assert (warm.predict_proba(rows).max(axis=1) < plain.predict_proba(rows).max(axis=1)).all()
    assert (warm.predict(rows) == plain.predict(rows)).all()


@pytest.mark.parametrize("labels", [["a", "b", "c"], [3, 1, 2]], ids=["texts", "numbers"])
def test_a_saved_model_is_read_again_with_classes_temperature_and_threshold(
    labels: list[Any], tmp_path: Path
) -> None:
    model, rows = selective(labels, np.arange(60) % 3.0, temperature=1.5, threshold=0.6)
    stored = save(model, tmp_path / "model", features=rows, training_rows=np.arange(60))
    again = reopen(stored)
    assert (again.labels, again.temperature, again.threshold) == (labels, 1.5, 0.6)
    this = problem(*labels)
    assert this.predict(again, rows).same_as(this.predict(model, rows))
    assert this.predict(again, rows).abstained.any()  # type: ignore[union-attr]


# --- values, leaks --------------------------------------------------------------------------

AMOUNTS: dict[str, Any] = {"currency": "EUR", "right": 1, "wrong": -1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ClassValue(**AMOUNTS), None),
        (ClassValue(**AMOUNTS, matrix={"a": {"b": -2}}), None),
        (ClassValue(**AMOUNTS, matrix={"x": {"b": -2}}), (("matrix", "x"), "x")),
        (ClassValue(**AMOUNTS, matrix={"a": {"x": -2}}), (("matrix", "a", "x"), "x")),
        (Value(currency="EUR", true_positive=1, false_positive=0), ((), "EUR")),
    ],
)
def test_a_value_of_other_classes_or_of_four_outcomes_is_named(value: Any, expected: Any) -> None:
    complaint = THREE.complaint_about(value)
    assert (complaint and complaint[:2]) == expected


def test_a_value_of_classes_is_no_value_of_another_problem() -> None:
    complaint = Regression().complaint_about(ClassValue(**AMOUNTS))
    assert complaint is not None
    assert "four outcomes" in complaint[2]


def test_the_strength_of_a_leak_is_the_mean_recall_of_the_guessed_classes() -> None:
    y = np.array([0.0, 0, 0, 0, 1, 2])
    columns = THREE.leak_target(y)
    assert THREE.leak_strength(columns, columns) == 1
    always = np.tile([1.0, 0, 0], (6, 1))
    assert THREE.leak_strength(columns, always) == pytest.approx(1 / 3)
    # A class without rows does not count.
    assert THREE.leak_strength(columns[:5], columns[:5]) == 1


def test_the_tree_of_a_leak_finds_the_classes() -> None:
    y = np.arange(90) % 3.0
    values = y[:, None] + np.random.default_rng(0).normal(0, 0.01, (90, 1))
    columns = THREE.leak_target(y)
    assert THREE.leak_strength(columns, THREE.tree(values, columns, 8)(values)) == 1
