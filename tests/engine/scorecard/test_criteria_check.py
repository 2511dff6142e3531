"""Every mistake of a criteria file in one run, and the warnings about weak criteria."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mlproduct.gate.criteria import Criteria
from mlproduct.problems import MulticlassClassification, Regression
from mlproduct.scorecard.criteria_check import check_file, problems

from .documents import CHURN, TODAY
from .test_criteria_text import COLUMNS, RECALL

VALID = """\
decision: Whom do we call?
owner: {name: Product, contact: product@example.com}
review_by: 2027-06-30
primary: recall
confidence: 0.95
criteria:
  - id: catch
    says: We catch 6 of 10.
    why: It has to pay.
    metric: recall
    at_least: 0.6
  - id: precise
    says: We call the right ones.
    why: A call costs money.
    metric: precision
    by: region
    at_least: 0.3
    level: should
data:
  - {id: fresh, says: It is fresh., why: It ages., metric: age_days, at_most: 7}
waivers:
  - {criterion: precise, until: 2027-01-31, by: Ada, why: New data comes.}
"""


def checked(folder: Path, *changes: tuple[str, str]) -> tuple[list[str], list[str]]:
    """The mistakes and the warnings of the changed file, each from its line number on."""
    text = VALID
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "criteria.yaml"
    path.write_text(text, encoding="utf-8")
    found = check_file(path, COLUMNS, on=TODAY)
    return tuple(
        [line.removeprefix(f"{path}:") for line in lines]
        for lines in (found.mistakes, found.warnings)
    )  # type: ignore[return-value]


def test_a_valid_file_has_neither_mistakes_nor_warnings(tmp_path: Path) -> None:
    assert checked(tmp_path) == ([], [])


def test_all_kinds_of_mistakes_are_reported_in_one_run(tmp_path: Path) -> None:
    mistakes, _ = checked(
        tmp_path,
        ("primary: recall", "primary: recal"),  # needs the product
        ("confidence: 0.95", "confidence: high"),
        ("    why: It has to pay.\n", "    wyh: It has to pay.\n"),
        ("metric: precision", "metric: precison"),  # needs the product, beside the next line
        ("level: should", "level: shuold"),
        ("id: fresh", "id: catch"),
        ("metric: age_days", "metric: recall"),  # needs the product
        ("criterion: precise, until: 2027-01-31", "criterion: precice, until: 2027-02-31"),
    )
    starts = [
        "4: primary: recal: not a metric",
        "5: confidence: 'high': expected a number",
        "7: criteria.0.why: missing",
        "9: criteria.0.wyh: unknown key – did you mean 'why'?",
        "15: criteria.1.metric: precison: is not a metric",
        "18: criteria.1.level: 'shuold'",
        "20: data.0.id: 'catch': this id is used twice",
        "20: data.0.metric: recall: is measured on a model",
        "22: waivers.0.until: '2027-02-31': expected a date",
        "22: waivers.0.criterion: 'precice': no such criterion",
    ]
    assert len(mistakes) == len(starts), mistakes
    for found, start in zip(mistakes, starts, strict=True):
        assert found.startswith(start)


@pytest.mark.parametrize(
    ("changes", "starts"),
    [
        # The bar is missing only because its key is misspelled.
        ([("    at_least: 0.6\n", "    at_leest: 0.6\n")], ["11: criteria.0.at_leest: unknown"]),
        # The bar is missing, and another value of the criterion is wrong.
        (
            [("    at_least: 0.6\n", "    level: shuold\n")],
            ["7: criteria.0: found none of them", "11: criteria.0.level: 'shuold'"],
        ),
        # An id that is not valid is still the name that the waiver means.
        ([("id: precise", "id: Precise")], ["12: criteria.1.id: 'Precise'"]),
        (
            [("owner: {name: Product, contact: product@example.com}", "owner: Product")],
            ["2: owner"],
        ),
        ([("data:\n  - {", "data:\n  - hello\n  - {")], ["20: data.0: 'hello'"]),
        ([("primary: recall", "primary: [recall]")], ["4: primary: expected text"]),
        # The value is there, but it is not valid.
        (
            [("primary: recall", "value: {currency: EUR}\nprimary: value_per_1000")],
            ["4: value.true_positive: missing", "4: value.false_positive: missing"],
        ),
        # Which of the two is meant is not known.
        (
            [("primary: recall", "primary: recall\nprimary: f2")],
            ["5: primary: the key is written twice"],
        ),
        (
            [("    at_least: 0.6\n", "    at_least: 0.6\n    at_most: 2\n    metric: x\n")],
            [
                "7: criteria.0: found at_least and at_most",
                "13: criteria.0.metric: the key is written",
            ],
        ),
        (
            [("confidence: 0.95", "confidence: 0.79")],
            ["5: confidence: 0.79: expected at least 0.8"],
        ),
        (
            [("confidence: 0.95", "confidence: 0.9999")],
            ["5: confidence: 0.9999: expected at most 0.999"],
        ),
        ([("confidence: 0.95", "smallest: 9")], ["5: smallest: 9: expected at least 10"]),
    ],
)
def test_a_mistake_is_reported_without_its_consequences(
    tmp_path: Path, changes: list[tuple[str, str]], starts: list[str]
) -> None:
    mistakes, _ = checked(tmp_path, *changes)
    assert len(mistakes) == len(starts), mistakes
    assert all(line.startswith(start) for line, start in zip(mistakes, starts, strict=True))


@pytest.mark.parametrize("text", ["", "hello\n", "- a\n", "criteria: 3\n", "criteria: []\n"])
def test_a_file_of_another_form_is_reported_without_a_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "criteria.yaml"
    path.write_text(text, encoding="utf-8")
    assert check_file(path, COLUMNS, on=TODAY).mistakes


# --- warnings -------------------------------------------------------------------------------


def warned(*written: dict[str, Any], problem: Any = None, **more: Any) -> list[tuple[Any, str]]:
    whole = {**CHURN, "criteria": written, **more}
    columns = replace(COLUMNS, problem=problem) if problem else COLUMNS
    found = problems(Criteria.model_validate(whole), columns, on=TODAY)
    assert all(each.warning for each in found), found
    return [(each.location, each.expected) for each in found]


OTHER = {**RECALL, "says": "It is good.", "at_least": None}
EVERY, GUESS = "every model meets this bar", "no worse than guessing meets this bar"


@pytest.mark.parametrize(
    ("bar", "key", "expected"),
    [
        ({"metric": "accuracy", "at_least": 0}, "at_least", EVERY),
        ({"metric": "roc_auc", "at_least": 0.5}, "at_least", GUESS),
        ({"metric": "roc_auc", "at_least": 0.4}, "at_least", GUESS),
        ({"metric": "skill", "at_least": 0}, "at_least", GUESS),
        ({"metric": "roc_auc", "at_least": 0.51}, "", ""),
        ({"metric": "recall", "by": "region", "gap_at_most": 5}, "gap_at_most", EVERY),
        ({"metric": "brier", "at_most": 1}, "at_most", EVERY),
        ({"metric": "accuracy", "versus": "rule", "at_least": -1}, "at_least", EVERY),
        ({"metric": "accuracy", "versus": "rule", "at_least": 0}, "", ""),
    ],
)
def test_a_bar_that_every_model_meets_causes_a_warning(
    bar: dict[str, Any], key: str, expected: str
) -> None:
    found = warned({**OTHER, **bar})
    assert [location for location, _ in found] == ([("criteria", 0, key)] if key else [])
    assert all(expected in says for _, says in found)


def test_the_level_of_chance_is_that_of_the_problem() -> None:
    mcc = {**OTHER, "metric": "matthews_correlation", "at_least": 0}
    teams = warned(mcc, problem=MulticlassClassification(), value=None, primary="accuracy")
    explained = {**OTHER, "metric": "r2", "at_least": 0}
    price = warned(explained, problem=Regression(), value=None, primary="mae")
    assert [GUESS in found[0][1] for found in (teams, price)] == [True, True]


def test_a_comparison_that_no_model_can_win_is_a_mistake() -> None:
    written = {**OTHER, "versus": "rule", "at_least": 1}
    whole = Criteria.model_validate({**CHURN, "criteria": (written,)})
    (mistake,) = problems(whole, COLUMNS, on=TODAY)
    assert "no model can meet this bar" in mistake.expected
    assert not mistake.warning


@pytest.mark.parametrize("level", ["should", "info"])
def test_a_file_without_a_must_and_one_without_data_cause_warnings(level: str) -> None:
    found = warned({**RECALL, "level": level}, data=())
    assert [location for location, _ in found] == [("criteria",), ("data",)]
    assert "no criterion has the level must" in found[0][1]


def test_a_file_whose_only_must_is_waived_causes_a_warning() -> None:
    waiver = {"criterion": RECALL["id"], "until": TODAY, "by": "Ada", "why": "New data."}
    assert "each must is waived" in warned(RECALL, waivers=(waiver,))[0][1]
    assert warned(RECALL, {**RECALL, "id": "other"}, waivers=(waiver,)) == []


def test_a_file_whose_only_musts_are_about_speed_and_size_causes_a_warning() -> None:
    small = {"metric": "model_megabytes", "at_least": None, "at_most": 10}
    fast = {"metric": "latency_p95_ms", "at_least": None, "at_most": 50}
    musts = ({**RECALL, **small, "id": "small"}, {**RECALL, **fast, "id": "fast"})
    should = {**RECALL, "level": "should"}
    assert "no must is about the predictions" in warned(*musts, should)[0][1]
    assert warned(*musts, RECALL) == []
    assert (
        warned(*musts, {**RECALL, "says": "It learned.", "metric": "skill", "at_least": 0.2}) == []
    )


def test_dates_far_away_cause_warnings() -> None:
    waiver = {"criterion": "a", "until": date(2027, 11, 25), "by": "Ada", "why": "New data."}
    criteria = ({**RECALL, "id": "a"}, {**RECALL, "id": "b"})
    usual = {"waivers": (waiver,), "review_by": date(2028, 11, 24)}
    assert warned(*criteria, **usual) == []
    longer = {
        "waivers": ({**waiver, "until": date(2027, 11, 26)},),
        "review_by": date(2028, 11, 25),
    }
    locations = [location for location, _ in warned(*criteria, **longer)]
    assert locations == [("review_by",), ("waivers", 0, "until")]
