"""The criteria file: its sentences, and mistakes found with the schema and the metrics."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mlproduct.config.strict_yaml import Mistake, parse
from mlproduct.data.columns import Columns
from mlproduct.gate.criteria import Criteria
from mlproduct.problems import BinaryClassification, Regression
from mlproduct.scorecard.criteria_check import problems
from mlproduct.scorecard.criteria_text import explain

from .documents import CHURN, PRICE, TODAY

COLUMNS = Columns(
    key="customer_id",
    time="observed_at",
    group=None,
    target="churned",
    problem=BinaryClassification(),
    numeric=("tenure_months",),
    categorical=("region", "plan"),
    ignored=(),
    private=("email",),
    known_values={"region": ("north", "south", "east", "west")},
)
RECALL = CHURN["criteria"][0]


def found(*written: dict[str, Any], columns: Columns = COLUMNS, **more: Any) -> tuple[Mistake, ...]:
    criteria = Criteria.model_validate({**CHURN, "criteria": written or CHURN["criteria"], **more})
    return problems(criteria, columns, on=TODAY)


def only_mistake(*written: dict[str, Any], **more: Any) -> Mistake:
    (problem,) = found(*written, **more)
    return problem


def test_a_criterion_on_age_days_needs_a_time_column() -> None:
    fresh = {"id": "fresh", "says": "Fresh.", "why": "Old.", "metric": "age_days", "at_most": 7}
    assert "role time" in only_mistake(columns=replace(COLUMNS, time=None), data=[fresh]).expected


def test_a_valid_file_has_no_mistakes() -> None:
    assert found() == ()
    columns = replace(COLUMNS, problem=Regression(), categorical=("category",), known_values={})
    price = Criteria.model_validate({**PRICE, "data": CHURN["data"]})
    assert problems(price, columns, on=TODAY) == ()


@pytest.mark.parametrize(
    ("change", "key", "expected", "nearest"),
    [
        ({"metric": "recal"}, "metric", "is not a metric of classification", "recall"),
        ({"metric": "mae"}, "metric", "is not a metric of classification", None),
        ({"metric": "rejected_share"}, "metric", "move this criterion to data:", None),
        ({"by": "regoin"}, "by", "no such column", "region"),
        ({"by": "email"}, "by", "is personal data", None),
        ({"by": "tenure_months"}, "by", "too many values", None),
        ({"by": "customer_id"}, "by", "too many values", None),
        (
            {"metric": "latency_p95_ms", "at_least": None, "at_most": 50, "by": "region"},
            "by",
            "not per slice",
            None,
        ),
        ({"metric": "rows_per_second", "versus": "champion"}, "versus", "is not compared", None),
        ({"metric": "roc_auc", "versus": "rule"}, "versus", "but no probability", None),
        (
            {"at_least": 1.2},
            "at_least",
            "no model can meet this bar – recall is between 0 and 1",
            None,
        ),
        (
            {"versus": "champion", "at_least": 1.2},
            "at_least",
            "difference in recall is between -1 and 1",
            None,
        ),
        (
            {"metric": "log_loss", "at_least": None, "at_most": -1},
            "at_most",
            "log_loss is at least 0",
            None,
        ),
    ],
)
def test_a_mistake_is_reported_with_its_location_and_the_nearest_name(
    change: dict[str, Any], key: str, expected: str, nearest: str | None
) -> None:
    problem = only_mistake({**RECALL, **change})
    assert problem.location == ("criteria", 0, key)
    assert expected in problem.expected
    assert problem.nearest == nearest
    assert not problem.warning


def test_leaving_out_an_unknown_slice_is_a_mistake() -> None:
    problem = only_mistake({**RECALL, "by": "region", "leaving_out": ("north", "wset")})
    assert problem.location == ("criteria", 0, "leaving_out", 1)
    assert (problem.value, problem.nearest) == ("wset", "west")


def test_a_data_criterion_on_a_model_metric_is_a_mistake() -> None:
    problem = only_mistake(data=(RECALL,), criteria=({**RECALL, "id": "other"},))
    assert problem.location == ("data", 0, "metric")
    assert "before there is one" in problem.expected


@pytest.mark.parametrize(
    ("primary", "nearest"),
    [("racall", "recall"), ("mae", None), ("latency_p95_ms", None), ("rows", None)],
)
def test_a_primary_that_is_not_a_model_metric_is_a_mistake(
    primary: str, nearest: str | None
) -> None:
    problem = only_mistake(primary=primary)
    assert problem.location == ("primary",)
    assert problem.nearest in (nearest, problem.nearest if nearest is None else nearest)


def test_criteria_on_value_metrics_need_the_value_of_outcomes() -> None:
    locations = [problem.location for problem in found(value=None)]
    assert locations == [("primary",), ("criteria", 3, "metric")]


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        ({"at_least": 0}, "at_least", "every model meets this bar"),
        (
            {"by": "region", "at_least": None, "gap_at_most": 1},
            "gap_at_most",
            "every model meets this bar",
        ),
        ({"at_least": None, "at_most": 0.5}, "at_most", "recall is better when higher"),
        ({"if_none": "met"}, "if_none", "no effect without versus: champion"),
    ],
)
def test_a_criterion_that_is_probably_unintended_causes_a_note(
    change: dict[str, Any], key: str, expected: str
) -> None:
    problem = only_mistake({**RECALL, **change})
    assert problem.warning
    assert problem.location == ("criteria", 0, key)
    assert expected in problem.expected


def test_dates_in_the_past_cause_notes() -> None:
    waiver = {
        "criterion": RECALL["id"],
        "until": date(2026, 11, 23),
        "by": "Ada",
        "why": "New data.",
    }
    notes = found(waivers=(waiver,), review_by=date(2026, 11, 23))
    assert [note.location for note in notes] == [("review_by",), ("waivers", 0, "until")]
    assert all(note.warning for note in notes)
    assert found(waivers=({**waiver, "until": TODAY},), review_by=TODAY) == ()


def test_a_mistake_in_words_has_file_line_key_value_and_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "criteria.yaml"
    path.write_text("decision: d\ncriteria:\n  - id: a\n    metric: recal\n")
    problem = Mistake(
        ("criteria", 0, "metric"), "recal", "is not a metric of classification", "recall"
    )
    words = (
        f"{path}:4: criteria.0.metric: recal: is not a metric of classification – did you"
        " mean 'recall'?"
    )
    assert parse(path).listed([problem]) == [words]


def test_explain_contains_everything_in_the_file() -> None:
    waiver = {
        "criterion": "answers-while-we-talk",
        "until": date(2027, 1, 31),
        "by": "Ada",
        "why": "New hardware.",
    }
    left = {**CHURN["criteria"][2], "leaving_out": ("west",)}
    written = (*CHURN["criteria"][:2], left, *CHURN["criteria"][3:])
    text = explain(
        Criteria.model_validate({**CHURN, "criteria": written, "waivers": (waiver,)}),
        BinaryClassification(),
    )
    for criterion in (*CHURN["criteria"], *CHURN["data"]):
        assert criterion["says"] in text
        assert criterion["why"] in text
    for words in (
        "recall at least 0.6. Share of actual positives that the model finds.",
        "recall by region within 0.1 of each other",
        "value_per_1000: difference to the champion above 0",
        "Without a champion, it counts as undecided.",
        "Excluded: west.",
        "answers-while-we-talk until 2027-01-31, by Ada: New hardware.",
        "No feature or combination of features reveals the target.",
        "95 % confidence interval",
        "fewer than 30 rows",
        "until a named person approves it",
    ):
        assert words in text
    assert (
        text.index("released only if all of these are met")
        < text.index("with a warning if one of these is not met")
        < text.index("is trained only if all of these are met")
    )


def test_explain_states_automatic_approval() -> None:
    text = explain(
        Criteria.model_validate({**CHURN, "approval": "automatic"}), BinaryClassification()
    )
    assert "becomes the champion automatically" in text
