"""Sentences whose numbers contradict the bar, and sentences that only seem to."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlproduct.gate.criteria import Criteria
from mlproduct.gate.said_numbers import contradicting_sentences
from mlproduct.gate.weak_criteria import weak_criteria
from mlproduct.problems import (
    BinaryClassification,
    MulticlassClassification,
    Problem,
    Regression,
)

KITS = Path(__file__).parents[3] / "<<cookiecutter.project>>" / "kits"
RECALL = {"metric": "recall", "at_least": 0.6}
GAP = {"metric": "recall", "by": "region", "gap_at_most": 0.15}
VALUE = {"metric": "value_per_1000", "at_least": 50_000}
MORE = {"metric": "value_per_1000", "versus": "champion", "at_least": 5000}
QUICK = {"metric": "latency_p95_ms", "at_most": 50}
ERROR = {"metric": "mape", "at_most": 0.15}
CALIBRATED = {"metric": "expected_calibration_error", "at_most": 0.05}
F1 = {"metric": "f1", "at_least": 0.8}
ROWS, AGE = {"metric": "rows", "at_least": 5000}, {"metric": "age_days", "at_most": 7}


def contradictions(says: str, bar: dict[str, Any], problem: Problem | None = None) -> list[str]:
    """What the warnings about a file with this one criterion name."""
    written = {"id": "a", "says": says, "why": "It has to pay.", **bar}
    criteria = Criteria.model_validate(
        {
            "decision": "Whom do we call?",
            "owner": {"name": "Product", "contact": "product@example.com"},
            "review_by": date(2027, 6, 30),
            "primary": "recall",
            "value": {"currency": "SEK", "true_positive": 1, "false_positive": -1},
            "criteria": (written,),
        }
    )
    price = bar["metric"] in Regression.metrics
    problem = problem or (Regression() if price else BinaryClassification())
    return [
        f"{found.value}: {found.expected}" for found in contradicting_sentences(criteria, problem)
    ]


@pytest.mark.parametrize(
    ("says", "bar", "named"),
    [
        ("We catch at least 6 of 10 customers.", {**RECALL, "at_least": 0.5}, "6 of 10"),
        ("We catch six out of ten leavers.", {**RECALL, "at_least": 0.75}, "six out of ten"),
        ("We catch 60 % of the leavers.", {**RECALL, "at_least": 0.7}, "60 %"),
        ("We catch 60% of the leavers.", {**RECALL, "at_least": 0.06}, "60%"),
        ("At least 60 percent are caught.", {**RECALL, "at_least": 0.5}, "60 percent"),
        ("We catch at least half.", RECALL, "half"),
        ("We catch two thirds of the leavers.", RECALL, "two thirds"),
        ("At least three quarters are caught.", RECALL, "three quarters"),
        ("We catch 9 in 10 leavers.", RECALL, "9 in 10"),
        ("Recall is at least 0.8.", RECALL, "0.8"),
        ("At most 3 of 10 are missed.", RECALL, "3 of 10"),
        ("We catch between 70 and 80 % of them.", RECALL, "between"),
        ("The regions differ by at most 5 points.", GAP, "5 points"),
        ("A suggestion is off by less than 10 %.", ERROR, "10 %"),
        ("F1 is at least 0.7.", F1, "0.7"),
        ("F1 is above 90 %.", F1, "90 %"),
        ("An answer takes under 50 ms.", {**QUICK, "at_most": 500}, "50 ms"),
        ("Answers arrive within 50 ms.", {**QUICK, "at_most": 20}, "50 ms"),
        ("Answers take below 0.2 seconds.", {**QUICK, "at_most": 2}, "0.2 seconds"),
        ("Answers take at most half a second.", QUICK, "half a second"),
        ("We earn at least 60,000 euros.", VALUE, "60,000 euros"),
        ("We earn € 40,000 per 1,000 customers.", VALUE, "€ 40,000"),
        ("We earn at least $5 per customer.", VALUE, "$5"),
        ("We earn 40k SEK per 1000 customers.", VALUE, "40k SEK"),
        ("It earns at least 7,000 euros more.", MORE, "7,000 euros"),
        ("It is 3 percentage points better, by at least 3 percentage points.",
         {**RECALL, "versus": "rule", "at_least": 0.02}, "3 percentage points"),
        ("There are at least 500 rows.", ROWS, "500 rows"),
        ("The newest row is at most a day old.", AGE, "a day"),
    ],
)  # fmt: skip
def test_a_contradiction_names_both_values(says: str, bar: dict[str, Any], named: str) -> None:
    (found,) = contradictions(says, bar)
    shown = next(bar[kind] for kind in ("at_least", "at_most", "gap_at_most") if kind in bar)
    assert named in found or named == "between"
    assert f" {shown:,.10g} – correct one of them" in found


@pytest.mark.parametrize(
    ("says", "bar"),
    [
        # The number is the bar, in other words or rounded.
        ("We catch at least 6 of 10 customers.", RECALL),
        ("We catch six in ten.", RECALL),
        ("We catch 6 of the 10 customers who leave.", RECALL),
        ("We catch at least 60 % of them.", {**RECALL, "at_least": 0.604}),
        ("We catch two thirds of them.", {**RECALL, "at_least": 0.67}),
        ("We catch two thirds of them.", {**RECALL, "at_least": 0.66}),
        ("We catch at least half.", {**RECALL, "at_least": 0.5}),
        ("We catch about 60 % of them.", {**RECALL, "at_least": 0.63}),
        ("We catch 60 to 70 % of them.", RECALL),
        ("We catch 0,6 of them.", RECALL),
        ("An answer takes under 0.05 seconds.", QUICK),
        ("Answers take below 0.2 seconds.", {**QUICK, "at_most": 200}),
        ("We earn 50.000 euros per 1.000 customers.", VALUE),
        ("We earn at least € 50 per customer.", VALUE),
        ("We earn 50 euros per customer.", VALUE),
        ("We earn at least 50k euros.", VALUE),
        ("The newest row is at most a week old.", AGE),
        ("There are at least 5 thousand rows.", ROWS),
        # The complement is the bar.
        ("At most 4 of 10 leavers are missed.", RECALL),
        ("We miss less than 40 %.", RECALL),
        ("Suggestions are at least 85 % right.", ERROR),
        # One of several numbers is the bar.
        ("We catch 6 of 10, and 9 of 10 of the large ones.", RECALL),
        ("95 of 100 answers take at most 50 ms, never more than 2 seconds.", QUICK),
        # The numbers are of something else.
        ("Of 100 customers with a risk of 30 %, about 30 leave.", CALIBRATED),
        ("A chance of 30 % means 3 of 10.", CALIBRATED),
        ("Among customers with a risk above 30 %, we catch most.", RECALL),
        ("We catch most of the top 10 % of the customers.", RECALL),
        ("With 95 % confidence, we catch most leavers.", RECALL),
        ("We catch most leavers in 9 of 10 regions.", RECALL),
        ("Every one of the six teams is served.", RECALL),
        ("We catch most leavers within 30 days.", RECALL),
        ("We catch most customers who leave in the first half of 2026.", RECALL),
        ("We catch most leavers with version 0.4.", RECALL),
        ("The model earns 5 % more than the rule.", {**RECALL, "versus": "rule", "at_least": 0}),
        ("The model earns more than the 20 euros of a call.", {**VALUE, "at_least": 0}),
        ("A call costs at most 20 euros, and the model pays for it.", VALUE),
        ("95 of 100 answers are quick.", QUICK),
        ("Agents wait 5 minutes for a customer, and an answer is quick.", QUICK),
        ("A car of 20,000 euros gets a good price.", {"metric": "mae", "at_most": 1200}),
        ("Rows of the last 30 days are fresh.", AGE),
        ("9 of 10 pairs are in the right order.", {"metric": "roc_auc", "at_least": 0.7}),
        ("The service answers 24/7.", RECALL),
    ],
)
def test_a_sentence_without_a_contradiction_causes_no_warning(
    says: str, bar: dict[str, Any]
) -> None:
    assert contradictions(says, bar) == []


@pytest.mark.parametrize(
    ("kit", "problem"),
    [
        ("churn", BinaryClassification()),
        ("price", Regression()),
        ("feedback", MulticlassClassification()),
    ],
)
def test_the_sentences_of_the_kits_cause_no_warning_and_each_changed_number_does(
    kit: str, problem: Problem
) -> None:
    content = yaml.safe_load(
        (KITS / kit / "product" / "success_criteria.yaml").read_text(encoding="utf-8")
    )
    criteria = Criteria.model_validate(content)
    assert contradicting_sentences(criteria, problem) == ()
    assert weak_criteria(criteria, problem, on=date(2026, 11, 24)) == ()
    for part in ("criteria", "data"):
        for each in content[part]:
            kind = next(kind for kind in ("at_least", "at_most", "gap_at_most") if kind in each)
            each[kind] = each[kind] * 1.3
    found = contradicting_sentences(Criteria.model_validate(content), problem)
    places = [each.location for each in found]
    named = {getattr(criteria, str(part))[place].id for part, place, _ in places}
    assert {"fresh", "enough-rows", "mostly-clean"} < named
    assert {"catch-leavers", "close-enough", "no-team-forgotten"} & named
