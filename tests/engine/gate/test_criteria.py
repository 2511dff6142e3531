"""The judge: the outcome of each criterion and the decision on all of them."""

import math
from datetime import date
from typing import Any

import pytest
from mlproduct.gate.criteria import (
    ALWAYS,
    ALWAYS_DATA,
    BY_CLASS,
    Criteria,
    Decision,
    Interval,
    Measurement,
    Outcome,
)
from mlproduct.gate.criteria_diff import loosened_criteria
from mlproduct.gate.judge import blocked_by, is_open_risk, judge
from pydantic import ValidationError

TODAY = date(2026, 11, 24)
RECALL = {
    "id": "catch",
    "says": "We catch 6 of 10.",
    "why": "It has to pay.",
    "metric": "recall",
    "at_least": 0.6,
}
UNSEEN = Measurement(
    metric="holdout_rows_trained_on", value=0, intervals=(Interval(low=0, high=0),)
)
SKILL = Measurement(
    metric="skill", value=0.5, intervals=(Interval(low=0.4, high=0.6),), rows=4000, support=800
)
PLAUSIBLE = UNSEEN.model_copy(update={"metric": "implausible_skill"})


def criteria(*written: dict[str, Any], **more: Any) -> Criteria:
    whole = {
        "decision": "Whom do we call?",
        "owner": {"name": "Product", "contact": "product@example.com"},
        "review_by": date(2027, 6, 30),
        "primary": "recall",
        "criteria": written or (RECALL,),
    }
    return Criteria.model_validate(whole | more)


def measurement(low: float, high: float, *, metric: str = "recall", **more: Any) -> Measurement:
    given = {
        "value": (low + high) / 2,
        "rows": 4000,
        "support": 800,
        "intervals": (Interval(low=low, high=high),),
    }
    return Measurement(metric=metric, **{**given, **more})


def verdict_on(*measurements: Measurement, of: Criteria | None = None, **more: Any) -> Any:
    return judge(
        (*measurements, UNSEEN, SKILL, PLAUSIBLE),
        of or criteria(),
        on=more.pop("on", TODAY),
        **more,
    )


def outcome_of(*measurements: Measurement, of: Criteria | None = None, **more: Any) -> Outcome:
    return verdict_on(*measurements, of=of, **more).results[0].outcome


# --- one criterion --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "low", "high", "outcome"),
    [
        ({"at_least": 0.6}, 0.61, 0.7, Outcome.MET),
        ({"at_least": 0.6}, 0.6, 0.7, Outcome.MET),
        ({"at_least": 0.6}, 0.59, 0.7, Outcome.UNDECIDED),
        ({"at_least": 0.6}, 0.5, 0.6, Outcome.UNDECIDED),
        ({"at_least": 0.6}, 0.5, 0.59, Outcome.NOT_MET),
        ({"at_most": 0.6}, 0.5, 0.6, Outcome.MET),
        ({"at_most": 0.6}, 0.5, 0.61, Outcome.UNDECIDED),
        ({"at_most": 0.6}, 0.61, 0.7, Outcome.NOT_MET),
        ({"at_least": 0, "versus": "champion"}, 0.01, 0.1, Outcome.MET),
        ({"at_least": 0, "versus": "champion"}, 0.0, 0.0, Outcome.NOT_MET),
        ({"at_least": 0, "versus": "champion"}, -0.1, 0.1, Outcome.UNDECIDED),
        ({"at_most": 0, "versus": "champion"}, 0.0, 0.0, Outcome.NOT_MET),
        ({"at_most": 0, "versus": "champion"}, -0.2, -0.1, Outcome.MET),
    ],
)
def test_the_outcome_depends_on_the_whole_interval(
    bar: dict[str, Any], low: float, high: float, outcome: Outcome
) -> None:
    modified = criteria({**RECALL, "at_least": None, **bar})
    assert outcome_of(measurement(low, high, versus=bar.get("versus")), of=modified) is outcome


def test_an_undecided_result_estimates_the_number_of_rows_needed() -> None:
    result = verdict_on(measurement(0.59, 0.69)).results[0]
    # The standard error is 0.05/1.96 = 0.0255 and the distance to the bar 0.04, so the true value
    # is plausibly 0.0145 to 0.0655 from the bar. A power of 80 % needs (2.80 · 0.0255/distance)²
    # times the 4,000 rows.
    assert (result.more_rows, result.more_rows_at_most) == (770, 94_000)
    assert "About 770 to 94,000 more labelled rows would settle it." in result.because


def test_near_the_bar_the_number_of_rows_cannot_be_estimated() -> None:
    result = verdict_on(measurement(0.57, 0.67)).results[0]
    assert (result.more_rows, result.more_rows_at_most) == (None, None)
    assert result.because.endswith(
        "It cannot be estimated how many more labelled rows would settle it: the value is too near"
        " the bar."
    )


def test_a_result_on_too_few_rows_is_undecided() -> None:
    result = verdict_on(measurement(0.9, 0.99, support=10, rows=100)).results[0]
    assert result.outcome is Outcome.UNDECIDED
    assert result.more_rows == 200
    assert "10 rows, the minimum is 30" in result.because


def test_a_result_without_rows_is_undecided_and_has_no_value() -> None:
    result = verdict_on(Measurement(metric="recall", rows=0, support=0)).results[0]
    assert result.outcome is Outcome.UNDECIDED
    assert result.value is None
    assert "no rows to measure it on" in result.because


# --- fail closed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measurements", "reason"),
    [
        ((), "There is no measurement of recall"),
        ((measurement(0.7, 0.8, value=math.nan),), "nan"),
        ((measurement(0.7, math.nan, value=0.8),), "nan"),
        ((measurement(0.7, math.inf, value=0.8),), "inf"),
        ((measurement(0.8, 0.7),), "lower end of its interval is above the upper end"),
        ((measurement(0.7, 0.8, intervals=()),), "no interval"),
        ((measurement(0.7, 0.8, problem="the column is gone"),), "the column is gone"),
        ((measurement(0.7, 0.8), measurement(0.1, 0.2)), "more than once"),
        ((measurement(0.7, 0.8, by="region", slice="north"),), "There is no measurement"),
        ((measurement(0.7, 0.8, versus="champion"),), "There is no measurement"),
    ],
)
@pytest.mark.parametrize("level", ["must", "should"])
def test_a_criterion_without_a_valid_measurement_blocks(
    measurements: tuple[Measurement, ...], reason: str, level: str
) -> None:
    verdict = verdict_on(*measurements, of=criteria({**RECALL, "level": level}))
    assert verdict.decision is Decision.BLOCKED
    assert reason in verdict.reasons[0]


def test_a_criterion_without_a_measurement_cannot_be_waived() -> None:
    waiver = {"criterion": "catch", "until": date(2027, 1, 1), "by": "me", "why": "hurry"}
    assert verdict_on(of=criteria(waivers=(waiver,))).decision is Decision.BLOCKED


@pytest.mark.parametrize(("of", "built_in"), [("model", ALWAYS[0]), ("data", ALWAYS_DATA[0])])
def test_built_in_criteria_block_without_being_in_the_file(of: Any, built_in: Any) -> None:
    one = Interval(low=1, high=1)
    broken = (measurement(0.7, 0.8), Measurement(metric=built_in.metric, value=1, intervals=(one,)))
    for measurements in (broken, broken[:1]):
        verdict = judge(measurements, criteria(), on=TODAY, of=of)
        assert verdict.decision is Decision.BLOCKED
        assert verdict.reasons[0].startswith(built_in.id)


def doubted(metric: str) -> Measurement:
    """The measurement of a doubt, with what was found."""
    return Measurement(
        metric=metric, value=1, intervals=(Interval(low=1, high=1),), rows=4000, note="b (0.960)"
    )


@pytest.mark.parametrize(
    ("of", "name", "metric"),
    [
        ("model", "not-too-good", "implausible_skill"),
        ("data", "no-doubtful-feature", "doubtful_features"),
    ],
)
def test_a_doubt_needs_a_review_and_names_what_was_found(of: Any, name: str, metric: str) -> None:
    met = Measurement(
        metric="leaking_features", value=0, intervals=(Interval(low=0, high=0),), rows=4000
    )
    others = (met,) if of == "data" else (measurement(0.7, 0.8), UNSEEN, SKILL)
    verdict = judge((*others, doubted(metric)), criteria(), on=TODAY, of=of)
    assert verdict.decision is Decision.REVIEW
    assert blocked_by(verdict) == ()
    assert [result.criterion.id for result in verdict.results if is_open_risk(result)] == [name]
    assert [reason for reason in verdict.reasons if "b (0.960)" in reason]
    # An unknown answer is no answer: it blocks.
    assert judge(others, criteria(), on=TODAY, of=of).decision is Decision.BLOCKED
    # Releases before 0.5.0 did not ask.
    assert judge(others, criteria(), on=TODAY, of=of, rules=1).decision is Decision.READY


@pytest.mark.parametrize("name", [ALWAYS[0].id, ALWAYS_DATA[0].id])
def test_built_in_criteria_cannot_be_redefined_or_waived(name: str) -> None:
    with pytest.raises(ValidationError, match="belongs to a built-in criterion"):
        criteria({**RECALL, "id": name, "level": "info"})
    with pytest.raises(ValidationError, match="no such criterion in this file"):
        criteria(waivers=({"criterion": name, "until": TODAY, "by": "me", "why": "hurry"},))


# --- slices ---------------------------------------------------------------------------------

BY_REGION = {**RECALL, "by": "region"}


def region(
    name: str, value: float, *halves: float, other: str | None = None, **more: Any
) -> Measurement:
    intervals = tuple(Interval(low=value - half, high=value + half) for half in halves)
    more.setdefault("by", "region")
    return measurement(0, 0, value=value, intervals=intervals, slice=name, other=other, **more)


def test_slices_are_judged_with_a_correction_for_multiple_comparisons() -> None:
    clear = region("north", 0.8, 0.05, 0.06)
    alone_met = region("south", 0.66, 0.05, 0.07)
    assert outcome_of(clear, alone_met, of=criteria(BY_REGION)) is Outcome.MET
    # The first interval of each slice is above the bar, but the second, corrected one is not.
    result = verdict_on(
        region("north", 0.66, 0.05, 0.07), alone_met, of=criteria(BY_REGION)
    ).results[0]
    assert result.outcome is Outcome.UNDECIDED
    assert [each.outcome for each in result.slices] == [Outcome.UNDECIDED, Outcome.UNDECIDED]
    assert result.slices[0].interval == Interval(low=0.66 - 0.07, high=0.66 + 0.07)


def test_a_slice_below_the_bar_blocks_and_is_named() -> None:
    result = verdict_on(
        region("north", 0.8, 0.05, 0.06), region("south", 0.4, 0.05, 0.06), of=criteria(BY_REGION)
    )
    assert result.decision is Decision.BLOCKED
    assert "region=south" in result.reasons[0]
    assert "region=north" not in result.reasons[0]
    assert result.results[0].value == 0.4


def test_a_slice_with_too_few_rows_is_listed_and_makes_the_result_undecided() -> None:
    small = region("west", 0.9, 0.01, 0.01, rows=9, support=2)
    result = verdict_on(region("north", 0.8, 0.05, 0.06), small, of=criteria(BY_REGION)).results[0]
    assert result.outcome is Outcome.UNDECIDED
    assert [each.slice for each in result.slices] == ["north", "west"]
    assert "region=west is based on 2 rows" in result.because


def test_a_slice_without_rows_makes_the_result_undecided() -> None:
    gone = Measurement(metric="recall", by="region", slice="west", rows=0, support=0)
    assert (
        outcome_of(region("north", 0.8, 0.05, 0.06), gone, of=criteria(BY_REGION))
        is Outcome.UNDECIDED
    )


def test_a_slice_whose_value_is_nan_is_not_met() -> None:
    broken = region("west", math.nan, 0.1, 0.1)
    assert (
        outcome_of(region("north", 0.8, 0.05, 0.06), broken, of=criteria(BY_REGION))
        is Outcome.NOT_MET
    )


def test_slices_with_too_few_intervals_for_the_correction_are_undecided() -> None:
    shallow = [region(name, 0.9, 0.01) for name in ("north", "south")]
    assert outcome_of(*shallow, of=criteria(BY_REGION)) is Outcome.UNDECIDED


def test_excluded_slices_are_named_and_excluding_every_slice_blocks() -> None:
    measurements = (region("north", 0.8, 0.05, 0.06), region("south", 0.4, 0.05, 0.06))
    some = verdict_on(*measurements, of=criteria({**BY_REGION, "leaving_out": ("south",)}))
    assert some.results[0].outcome is Outcome.MET
    assert "Excluded by leaving_out: south" in some.results[0].because
    none = verdict_on(*measurements, of=criteria({**BY_REGION, "leaving_out": ("north", "south")}))
    assert none.decision is Decision.BLOCKED


@pytest.mark.parametrize(
    ("gap", "outcome"),
    [(0.02, Outcome.MET), (-0.02, Outcome.MET), (-0.2, Outcome.NOT_MET), (0.1, Outcome.UNDECIDED)],
)
def test_a_gap_is_judged_in_both_directions(gap: float, outcome: Outcome) -> None:
    modified = criteria({**BY_REGION, "at_least": None, "gap_at_most": 0.1})
    assert outcome_of(region("north", gap, 0.03, other="south"), of=modified) is outcome


def test_of_slices_the_largest_range_counts_and_one_without_an_upper_end_opens_it() -> None:
    alone = [region(name, value, 0.05) for name, value in (("north", 0.64), ("south", 0.56))]
    results = [verdict_on(each, of=criteria(BY_REGION)).results[0] for each in alone]
    together = verdict_on(*alone, of=criteria(BY_REGION)).results[0]
    assert together.more_rows_at_most >= max(each.more_rows_at_most for each in results)
    few = region("east", 0.7, 0.05, support=10)
    opened = verdict_on(*alone, few, of=criteria(BY_REGION)).results[0]
    assert (opened.more_rows > 0, opened.more_rows_at_most) == (True, None)


def of_class(name: str, value: float, half: float, **more: Any) -> Measurement:
    return region(name, value, half, half, by=BY_CLASS, **more)


def test_the_sentences_about_classes_name_the_class() -> None:
    per_class = {**RECALL, "by_class": True}
    clear, rare = of_class("billing", 0.8, 0.05), of_class("advice", 0.7, 0.05, support=12)
    result = verdict_on(clear, rare, of=criteria(per_class)).results[0]
    assert result.outcome is Outcome.UNDECIDED
    assert result.because == (
        "recall for class advice is based on 12 rows, the minimum is 30."
        " About 6,000 more labelled rows are needed."
    )
    absent = Measurement(metric="recall", by=BY_CLASS, slice="advice", rows=4000, support=0)
    result = verdict_on(clear, absent, of=criteria(per_class)).results[0]
    assert result.because == "recall for class advice has no rows to measure it on."
    result = verdict_on(clear, of_class("advice", 0.4, 0.05), of=criteria(per_class)).results[0]
    assert result.because == "recall for class advice 0.40 [0.35, 0.45] is below 0.6."
    result = verdict_on(clear, of_class("advice", 0.9, 0.05), of=criteria(per_class)).results[0]
    assert result.because == "All 2 classes are at least 0.6."


def test_of_many_classes_the_worst_have_a_sentence_and_the_others_are_named() -> None:
    found = [
        measurement(
            0, 0, value=value, intervals=(Interval(low=value - 0.01, high=value + 0.01),) * 8
        ).model_copy(update={"by": BY_CLASS, "slice": f"c{code}"})
        for code, value in enumerate((0.5, 0.1, 0.2, 0.9, 0.3, 0.4, 0.45, 0.55))
    ]
    result = verdict_on(*found, of=criteria({**RECALL, "by_class": True})).results[0]
    assert result.outcome is Outcome.NOT_MET
    assert result.because.startswith("recall for class c1 0.100 [0.090, 0.110] is below 0.6. ")
    assert result.because.count(" is below 0.6.") == 5
    assert result.because.endswith(" Also not met: c0, c7.")
    # The classes of the document keep all sentences.
    assert all(each.because for each in result.slices)


def test_the_difference_of_two_classes_names_both() -> None:
    gap = {**RECALL, "by_class": True, "at_least": None, "gap_at_most": 0.1}
    found = of_class("billing", 0.3, 0.05, other="advice")
    result = verdict_on(found, of=criteria(gap)).results[0]
    assert "recall for class billing − advice 0.30 [0.25, 0.35]" in result.because


# --- the decision on all criteria -----------------------------------------------------------

MET, OPEN, FAILED = (0.7, 0.8), (0.5, 0.7), (0.4, 0.5)
# A second must criterion that is met, for tests of the other one.
PRECISE = {**RECALL, "id": "precise", "metric": "precision", "at_least": 0.2}
PRECISION = measurement(0.3, 0.4, metric="precision")


@pytest.mark.parametrize(
    ("level", "ends", "decision"),
    [
        ("must", MET, Decision.READY),
        ("must", OPEN, Decision.REVIEW),
        ("must", FAILED, Decision.BLOCKED),
        ("should", OPEN, Decision.WARNINGS),
        ("should", FAILED, Decision.WARNINGS),
        ("info", FAILED, Decision.READY),
    ],
)
def test_the_decision_depends_on_the_level_of_the_criterion(
    level: str, ends: tuple[float, float], decision: Decision
) -> None:
    written = criteria({**RECALL, "level": level}, PRECISE)
    assert verdict_on(measurement(*ends), PRECISION, of=written).decision is decision


def test_only_ready_and_ready_with_warnings_are_ready_decisions() -> None:
    assert [decision for decision in Decision if decision.is_ready] == [
        Decision.READY,
        Decision.WARNINGS,
    ]


def with_waiver(until: date) -> Criteria:
    waiver = {"criterion": "catch", "until": until, "by": "Ada", "why": "New data in May."}
    return criteria(RECALL, PRECISE, waivers=(waiver,))


def test_a_waiver_is_valid_on_its_last_day_and_results_in_a_warning() -> None:
    verdict = verdict_on(measurement(*FAILED), PRECISION, of=with_waiver(TODAY))
    assert verdict.results[0].outcome is Outcome.WAIVED
    assert verdict.decision is Decision.WARNINGS
    assert "Waived by Ada until 2026-11-24: New data in May." in verdict.reasons[0]


def test_a_further_concern_needs_review() -> None:
    verdict = verdict_on(measurement(*MET), further=("A limit was raised.",))
    assert (verdict.decision, verdict.reasons[-1]) == (Decision.REVIEW, "A limit was raised.")


@pytest.mark.parametrize(
    ("written", "ends", "needs_review"),
    [
        ({"level": "should"}, MET, True),
        ({"level": "info"}, MET, True),
        ({}, FAILED, True),  # waived
        ({}, MET, False),  # the waiver is not needed
    ],
)
def test_no_verdict_is_better_than_needs_review_if_no_must_decides(
    written: dict[str, Any], ends: tuple[float, float], needs_review: bool
) -> None:
    waiver = {"criterion": "catch", "until": TODAY, "by": "Ada", "why": "New data in May."}
    alone = criteria({**RECALL, **written}, waivers=(waiver,))
    verdict = verdict_on(measurement(*ends), of=alone)
    assert (verdict.decision is Decision.REVIEW) == needs_review
    assert any("No must criterion decides" in each for each in verdict.reasons) == needs_review
    assert verdict_on(measurement(*ends), of=alone, rules=1).decision.is_ready
    live = judge([measurement(*ends)], alone, on=TODAY, of="live")
    assert live.decision.is_ready  # only some of the criteria are judged on labels


def test_an_expired_waiver_has_no_effect_and_is_reported() -> None:
    verdict = verdict_on(measurement(*FAILED), of=with_waiver(date(2026, 11, 23)))
    assert verdict.decision is Decision.BLOCKED
    assert "The waiver by Ada ended on 2026-11-23." in verdict.reasons[0]


def test_the_decision_is_needs_review_after_the_review_date() -> None:
    due = criteria(review_by=TODAY)
    assert verdict_on(measurement(*MET), of=due).decision is Decision.READY
    late = verdict_on(measurement(*MET), of=due, on=date(2026, 11, 25))
    assert late.decision is Decision.REVIEW
    assert late.reasons == ("The criteria were due for review on 2026-11-24.",)


@pytest.mark.parametrize(
    ("if_none", "decision"), [("met", Decision.READY), ("undecided", Decision.REVIEW)]
)
def test_if_none_decides_a_comparison_when_there_is_no_champion(
    if_none: str, decision: Decision
) -> None:
    modified = criteria({**RECALL, "at_least": 0, "versus": "champion", "if_none": if_none})
    assert verdict_on(of=modified).decision is decision
    assert verdict_on(of=modified, previous=modified).decision is Decision.BLOCKED


# --- loosened since the champion ------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"at_least": 0.5}, "loosened from at_least 0.6 to 0.5"),
        (
            {"at_least": None, "at_most": 5},
            {"at_least": None, "at_most": 6},
            "loosened from at_most 5 to 6",
        ),
        ({}, {"at_least": None, "at_most": 0.6}, "now of another kind"),
        ({}, {"level": "should"}, "lowered from must to should"),
        ({"by": "region"}, {"by": "region", "leaving_out": ("west",)}, "now excludes west"),
        ({}, {"metric": "precision"}, "changed to another metric"),
        ({}, {"id": "other"}, "was removed"),
        (
            {"versus": "champion"},
            {"versus": "champion", "if_none": "met"},
            "nothing to compare with",
        ),
    ],
)
def test_a_loosened_criterion_is_detected(
    before: dict[str, Any], after: dict[str, Any], expected: str
) -> None:
    sentences = loosened_criteria(criteria({**RECALL, **before}), criteria({**RECALL, **after}))
    assert len(sentences) == 1
    assert expected in sentences[0]
    assert not loosened_criteria(criteria({**RECALL, **before}), criteria({**RECALL, **before}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"confidence": 0.95}, {"confidence": 0.8}),
        ({"smallest": 30}, {"smallest": 5}),
        ({"approval": "required"}, {"approval": "automatic"}),
        ({"value": {"currency": "EUR", "true_positive": 1, "false_positive": -1}}, {}),
        ({"approvers": ["Ann Lee"]}, {}),
        ({"approvers": ["Ann Lee"]}, {"approvers": ["Ann Lee", "Bo Berg"]}),
    ],
)
def test_loosened_rules_for_the_verdict_are_detected(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert len(loosened_criteria(criteria(**before), criteria(**after))) == 1
    assert not loosened_criteria(criteria(**after), criteria(**before))


def test_another_approver_loosens_the_criteria_and_another_spelling_does_not() -> None:
    before = criteria(approvers=["Ann Lee"])
    assert loosened_criteria(before, criteria(approvers=["Bo Berg", "ann lee"])) == (
        "The approvers now include Bo Berg.",
    )
    assert loosened_criteria(before, criteria(approvers=["Bo Berg"]))
    assert not loosened_criteria(before, criteria(approvers=["ANN  lee"]))


def test_criteria_without_approvers_are_stored_without_this_field() -> None:
    assert "approvers" not in criteria().model_dump(mode="json")
    assert criteria(approvers=["Ann Lee"]).model_dump(mode="json")["approvers"] == ["Ann Lee"]


def test_a_loosened_bar_needs_review_and_a_tightened_bar_does_not() -> None:
    tight, loose = criteria({**RECALL, "at_least": 0.65}), criteria()
    assert not loosened_criteria(loose, tight)
    assert verdict_on(measurement(*MET), of=loose, previous=tight).decision is Decision.REVIEW
    assert verdict_on(measurement(*MET), of=tight, previous=loose).decision is Decision.READY


# --- valid criteria -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"at_most": 1}, "exactly one of at_least, at_most, gap_at_most"),
        ({"at_least": None}, "found none of them"),
        ({"at_least": None, "gap_at_most": 0.1}, "gap_at_most has no by"),
        ({"by": "region", "versus": "champion"}, "cannot be combined"),
        ({"leaving_out": ("west",)}, "leaving_out has no by"),
        ({"at_least": math.nan}, "finite"),
        ({"at_least": True}, "valid number"),
        ({"at_least": "0.6"}, "valid number"),
        ({"says": "  "}, "at least 1 character"),
        ({"level": "may"}, "'must', 'should' or 'info'"),
    ],
)
def test_an_invalid_criterion_is_refused(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        criteria({**RECALL, **change})
