"""Criteria of several classes: in the file, checked with the schema, measured and judged."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import EvaluationBudget
from mlproduct.config.strict_yaml import Mistake
from mlproduct.data.columns import Columns
from mlproduct.errors import ConfigError
from mlproduct.evaluation.measure import Challenger, evaluate
from mlproduct.gate.criteria import (
    BY_CLASS,
    ClassValue,
    Criteria,
    Interval,
    Measurement,
    Outcome,
    Value,
    read_criteria,
)
from mlproduct.gate.judge import judge
from mlproduct.problems import BinaryClassification, Regression
from mlproduct.scorecard.criteria_check import check_file, problems
from mlproduct.scorecard.criteria_text import explain

from ..problems.multiclass_rows import NAMES, problem

TODAY = date(2026, 11, 24)
COLUMNS = Columns(
    key="k",
    time=None,
    group=None,
    target="topic",
    problem=problem(),
    numeric=("x",),
    categorical=("class",),
    ignored=(),
    private=(),
    known_values={"class": ("first", "second")},
)
BINARY = replace(COLUMNS, problem=BinaryClassification())
RECALL = {
    "id": "every-team",
    "says": "Every team receives its messages.",
    "why": "A small team would be forgotten.",
    "metric": "recall",
    "by_class": True,
    "at_least": 0.6,
}
WRITTEN = """\
decision: Which team?
owner: {name: Service, contact: service@example.com}
review_by: 2027-11-30
primary: value_per_1000
value:
  currency: EUR
  right: 1
  wrong: -4
  person: -0.5
  matrix:
    fraud: {other: -50}
criteria:
  - id: every-team
    says: Every team receives its messages.
    why: A small team would be forgotten.
    metric: recall
    by_class: true
    at_least: 0.6
"""


def criteria(*written: dict[str, Any], **more: Any) -> Criteria:
    whole = {
        "decision": "Which team?",
        "owner": {"name": "Service", "contact": "service@example.com"},
        "review_by": date(2027, 11, 30),
        "primary": "accuracy",
        "criteria": written or (RECALL,),
    }
    return Criteria.model_validate(whole | more)


# --- the file -------------------------------------------------------------------------------


def read(text: str, folder: Path) -> Criteria:
    path = folder / "success_criteria.yaml"
    path.write_text(text, encoding="utf-8")
    return read_criteria(path)


def test_the_keys_of_value_decide_which_of_its_two_forms_is_meant(tmp_path: Path) -> None:
    found = read(WRITTEN, tmp_path).value
    assert found == ClassValue(
        currency="EUR", right=1, wrong=-4, person=-0.5, matrix={"fraud": {"other": -50}}
    )
    a, b = WRITTEN.index("  right"), WRITTEN.index("criteria:")
    four = WRITTEN[:a] + "  true_positive: 1\n  false_positive: -2\n" + WRITTEN[b:]
    assert read(four, tmp_path).value == Value(currency="EUR", true_positive=1, false_positive=-2)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("  person: -0.5", "  persn: -0.5", 9, "value.persn: .*did you mean 'person'"),
        ("  right: 1\n", "", 5, "value.right: .*missing"),
        ("  wrong: -4", "  wrong: a lot", 8, "value.wrong: 'a lot'.*expected a number"),
        ("{other: -50}", "{other: minus}", 11, "value.matrix.fraud.other: 'minus'"),
        ("  person: -0.5", "  true_positive: 5", 9, "value.true_positive"),
        ("by_class: true", "by_clas: true", 17, "criteria.0.by_clas: .*did you mean 'by_class'"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_the_name_that_was_meant(
    old: str, new: str, line: int, message: str, tmp_path: Path
) -> None:
    assert old in WRITTEN
    with pytest.raises(ConfigError, match=rf"success_criteria.yaml:{line}: {message}"):
        read(WRITTEN.replace(old, new), tmp_path)


def test_a_mistake_in_the_value_of_four_outcomes_suggests_its_own_names(tmp_path: Path) -> None:
    a, b = WRITTEN.index("  right"), WRITTEN.index("criteria:")
    wrong = WRITTEN[:a] + "  true_positive: 1\n  fals_positive: -2\n" + WRITTEN[b:]
    with pytest.raises(ConfigError, match=r"value\.fals_positive.*did you mean 'false_positive'"):
        read(wrong, tmp_path)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"by": "class"}, "by and by_class cannot be combined"),
        ({"versus": "champion"}, "by and versus cannot be combined"),
        ({"leaving_out": ["pin"], "by_class": False}, "leaving_out has no by"),
    ],
)
def test_by_class_cannot_be_combined(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        criteria({**RECALL, **more})


def test_a_criterion_without_by_class_is_stored_without_this_field() -> None:
    """The digest of criteria of earlier releases would change otherwise."""
    assert "by_class" not in criteria({**RECALL, "by_class": False}).model_dump_json()
    assert "by_class" in criteria().model_dump_json()


# --- the names in it ------------------------------------------------------------------------


def found(*written: dict[str, Any], columns: Columns = COLUMNS, **more: Any) -> tuple[Mistake, ...]:
    return problems(criteria(*written, **{"data": (ENOUGH,), **more}), columns, on=TODAY)


ENOUGH = {"id": "rows", "says": "Many.", "why": "Few.", "metric": "rows", "at_least": 100}
AMOUNTS = {"currency": "EUR", "right": 1, "wrong": -1}


@pytest.mark.parametrize(
    ("columns", "change", "key", "expected"),
    [
        (BINARY, {}, "by_class", "a target of classification has no classes"),
        (replace(COLUMNS, problem=Regression()), {}, "by_class", "has no classes"),
        (COLUMNS, {"by_class": False}, "metric", "is a metric of one class – add by_class: true"),
        (COLUMNS, {"metric": "accuracy"}, "metric", "is not a metric of one class – expected one"),
        (COLUMNS, {"metric": "recal"}, "metric", "is not a metric of one class"),
        (COLUMNS, {"metric": "macro_f", "by_class": False}, "metric", "not a metric of multiclass"),
        (COLUMNS, {"at_least": 2}, "at_least", "no model can meet this bar"),
    ],
)
def test_a_criterion_that_does_not_fit_the_classes_is_a_mistake(
    columns: Columns, change: dict[str, Any], key: str, expected: str
) -> None:
    more = {} if columns is COLUMNS else {"primary": columns.of_target.primary_metrics[0]}
    (mistake,) = found({**RECALL, **change}, columns=columns, **more)
    assert mistake.location == ("criteria", 0, key)
    assert expected in mistake.expected


def test_leaving_out_an_unknown_class_names_the_nearest_one() -> None:
    (mistake,) = found({**RECALL, "leaving_out": ["pin", "frau"]})
    assert mistake.location == ("criteria", 0, "leaving_out", 1)
    assert (mistake.value, mistake.nearest) == ("frau", "fraud")


@pytest.mark.parametrize(
    ("matrix", "location"),
    [
        ({"frud": {"other": -50}}, ("value", "matrix", "frud")),
        ({"fraud": {"othr": -50}}, ("value", "matrix", "fraud", "othr")),
    ],
)
def test_an_unknown_class_in_the_matrix_is_named_with_its_line(
    matrix: dict[str, Any], location: tuple[str, ...], tmp_path: Path
) -> None:
    (mistake,) = found(value={**AMOUNTS, "matrix": matrix})
    assert mistake.location == location
    assert "no class of topic – expected one of card, cash" in mistake.expected
    old = "    fraud: {other: -50}"
    new = f"    {next(iter(matrix))}: {{{next(iter(next(iter(matrix.values()))))}: -50}}"
    text = WRITTEN.replace(old, new)
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    (line,) = check_file(path, COLUMNS, on=TODAY).mistakes
    assert line.startswith(f"{path}:11: {'.'.join(location)}: ")


def test_a_value_of_the_other_form_is_a_mistake() -> None:
    (mistake,) = found(value={"currency": "EUR", "true_positive": 1, "false_positive": 0})
    assert "expected right and wrong" in mistake.expected
    binary = {**RECALL, "by_class": False}
    (mistake,) = found(binary, columns=BINARY, value=AMOUNTS, primary="recall")
    assert "four outcomes" in mistake.expected


def test_the_sentences_say_that_the_bar_applies_to_every_class() -> None:
    text = explain(criteria(), problem())
    assert f"Bar: recall in every {BY_CLASS} at least 0.6. Share of actual positives" in text


# --- measured -------------------------------------------------------------------------------


class Model:
    """The class is the nearest whole number to x, with the probability 0.7."""

    labels = NAMES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        nearest = np.clip(np.rint(rows["x"].to_numpy()), 0, 5).astype(int)
        return np.where(nearest[:, None] == np.arange(6), 0.7, 0.06)


def table(rows: int = 900, without: Sequence[int] = ()) -> pd.DataFrame:
    random = np.random.default_rng(1)
    codes = random.choice([each for each in range(6) if each not in without], rows)
    x = codes + random.normal(0, 0.4, rows)
    return pd.DataFrame(
        {
            "k": np.arange(rows).astype(str),
            "x": x,
            "class": np.where(random.random(rows) < 0.5, "first", "second"),
            "topic": np.array(NAMES, dtype=object)[codes],
        }
    )


def measured(written: Criteria, rows: pd.DataFrame, columns: Columns = COLUMNS) -> Any:
    return evaluate(
        Challenger(Model(), np.array([], dtype=np.uint64), 1, 1.0),
        {},
        rows,
        rows,
        np.arange(len(rows), dtype=np.uint64),
        columns=columns,
        criteria=written,
        settings=EvaluationBudget(resamples=200),
        seed=1,
    )


def by_class(found: Any, metric: str = "recall") -> dict[str, Measurement]:
    return {str(m.slice): m for m in found.measurements if (m.metric, m.by) == (metric, BY_CLASS)}


def test_every_class_is_measured_with_an_interval_for_each_step_of_holm() -> None:
    rows = table()
    evaluation = measured(criteria(), rows)
    found = by_class(evaluation)
    assert set(found) == set(NAMES)
    assert {len(each.intervals) for each in found.values()} == {6}
    right = (np.clip(np.rint(rows["x"]), 0, 5) == [NAMES.index(t) for t in rows["topic"]])[
        rows["topic"] == "loan"
    ]
    assert found["loan"].value == pytest.approx(right.mean())
    assert found["loan"].support == (rows["topic"] == "loan").sum()
    # For the scorecard, also without a criterion.
    assert set(by_class(evaluation, "precision")) == set(NAMES)
    assert np.array(evaluation.confusion).sum() == len(rows)


def test_a_class_that_does_not_occur_is_undecided_and_named() -> None:
    verdict = judge(measured(criteria(), table(without=[5])).measurements, criteria(), on=TODAY)
    result = verdict.results[0]
    assert result.outcome is Outcome.UNDECIDED
    assert {s.slice: s.outcome for s in result.slices}["pin"] is Outcome.UNDECIDED
    assert "pin" in result.because


def test_a_class_that_is_left_out_is_not_judged() -> None:
    written = criteria({**RECALL, "leaving_out": ["pin"]})
    verdict = judge(measured(written, table(without=[5])).measurements, written, on=TODAY)
    assert verdict.results[0].outcome is Outcome.MET
    assert "Excluded by leaving_out: pin" in verdict.results[0].because


def test_a_column_with_the_name_class_is_no_class_of_the_target() -> None:
    column = {**RECALL, "id": "column", "metric": "accuracy", "by": "class", "by_class": False}
    written = criteria(RECALL, column)
    assert found(RECALL, column) == ()
    evaluation = measured(written, table())
    results = judge(evaluation.measurements, written, on=TODAY).results
    assert [s.slice for s in results[1].slices] == ["first", "second"]
    assert len(results[0].slices) == 6


def test_differences_between_classes_can_be_limited() -> None:
    written = criteria({**RECALL, "at_least": None, "gap_at_most": 0.5, "leaving_out": NAMES[3:]})
    result = judge(measured(written, table()).measurements, written, on=TODAY).results[0]
    assert len(result.slices) == 3
    assert result.outcome is Outcome.MET


# --- judged ---------------------------------------------------------------------------------


def measurement(name: str, value: float, *, half: float, support: int = 200) -> Measurement:
    """A class with two intervals: the second one is wider, for the first step of Holm."""
    return Measurement(
        metric="recall",
        value=value,
        by=BY_CLASS,
        slice=name,
        rows=1000,
        support=support,
        intervals=tuple(
            Interval(low=value - width, high=value + width) for width in (half, 2 * half)
        ),
    )


def outcomes(*measurements: Measurement) -> tuple[Outcome, dict[str, Outcome], str]:
    (result, *_) = judge(measurements, criteria(), on=TODAY).results
    return result.outcome, {s.slice: s.outcome for s in result.slices}, result.because


def test_the_clearest_class_has_to_pass_with_the_widest_interval() -> None:
    """0.65 ± 0.04 is above 0.6, which is enough only after the other class has passed."""
    first, second = (
        measurement("card", 0.8, half=0.04),
        measurement("cash", 0.65, half=0.04),
    )
    outcome, slices, _ = outcomes(first, second)
    assert outcome is Outcome.MET
    assert set(slices.values()) == {Outcome.MET}
    unclear = measurement("card", 0.66, half=0.04)  # not above 0.6 with ± 0.08
    outcome, slices, _ = outcomes(unclear, second)
    assert outcome is Outcome.UNDECIDED
    assert set(slices.values()) == {Outcome.UNDECIDED}


def test_a_class_with_fewer_rows_than_the_smallest_is_undecided_and_named() -> None:
    outcome, slices, because = outcomes(
        measurement("card", 0.9, half=0.01), measurement("cash", 0.9, half=0.01, support=29)
    )
    assert outcome is Outcome.UNDECIDED
    assert slices["cash"] is Outcome.UNDECIDED
    assert "cash" in because
    assert "29 rows, the minimum is 30" in because


def test_a_class_below_its_bar_is_not_met_and_named() -> None:
    outcome, _, because = outcomes(
        measurement("card", 0.9, half=0.01), measurement("cash", 0.3, half=0.01)
    )
    assert outcome is Outcome.NOT_MET
    assert "cash" in because
    assert "card" not in because


def test_a_class_with_a_problem_blocks() -> None:
    broken = Measurement(
        metric="recall", by=BY_CLASS, slice="any", value=math.nan, problem="it broke"
    )
    outcome, _, because = outcomes(broken)
    assert outcome is Outcome.NOT_MET
    assert "it broke" in because
