"""The reaction to the result of monitoring, rule by rule."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from mlproduct.config.settings import Reactions
from mlproduct.monitoring.reaction import Asked, Seen, react

DAY = date(2026, 11, 24)
RULES = Reactions(cooldown_days=7)
NO_ALARM = Seen(day=DAY, champion="3", new_labels=5_000)
FAILING = replace(NO_ALARM, failing=("catch-leavers",), judged="confirmed")


def retraining(days: int, cause: str = "criteria:catch-leavers") -> Asked:
    return Asked(DAY - timedelta(days=days), cause)


def test_no_alarm_results_in_no_action() -> None:
    assert (react(NO_ALARM, [], RULES).action, react(NO_ALARM, [], RULES).cause) == (
        "nothing",
        "none",
    )


def test_a_failing_criterion_confirmed_by_labels_results_in_retraining() -> None:
    reaction = react(FAILING, [], RULES)
    assert (reaction.action, reaction.trust, reaction.cause) == (
        "retrain",
        "confirmed",
        "criteria:catch-leavers",
    )
    assert "catch-leavers is no longer met" in reaction.sentence


def test_a_failing_criterion_on_partial_labels_results_in_wait() -> None:
    reaction = react(replace(FAILING, judged="partial"), [], RULES)
    assert (reaction.action, reaction.trust) == ("wait", "partial")


def test_drift_with_criteria_met_on_drifted_rows_results_in_no_action() -> None:
    seen = replace(NO_ALARM, drifted=("logins",), drift_labelled=True, judged="confirmed")
    reaction = react(seen, [], RULES)
    assert (reaction.action, reaction.trust) == ("nothing", "confirmed")
    assert "still met" in reaction.sentence


@pytest.mark.parametrize("action", ["retrain", "wait", "nothing"])
def test_drift_before_labels_results_in_the_configured_action(action: str) -> None:
    seen = replace(NO_ALARM, drifted=("logins", "plan"), judged="confirmed")
    reaction = react(seen, [], RULES.model_copy(update={"drift_before_labels": action}))
    assert (reaction.action, reaction.trust, reaction.cause) == (
        action,
        "proxy",
        "drift:logins,plan",
    )


def test_the_cause_does_not_depend_on_the_order_of_the_drifted_columns() -> None:
    seen = replace(NO_ALARM, drifted=("b", "a"))
    assert react(seen, [], RULES).cause == react(replace(seen, drifted=("a", "b")), [], RULES).cause


@pytest.mark.parametrize("days", [0, 1, 6])
def test_a_recently_requested_retraining_results_in_wait(days: int) -> None:
    reaction = react(FAILING, [retraining(days)], RULES)
    assert reaction.action == "wait"
    assert f"requested on {DAY - timedelta(days=days)}" in reaction.sentence
    assert react(FAILING, [retraining(7)], RULES).action == "retrain"


def test_at_most_one_retraining_a_day_is_requested_without_a_cooldown() -> None:
    rules = RULES.model_copy(update={"cooldown_days": 0})
    assert react(FAILING, [retraining(0)], rules).action == "wait"
    assert react(FAILING, [retraining(1)], rules).action == "retrain"


def test_too_few_new_labels_result_in_wait() -> None:
    reaction = react(replace(FAILING, new_labels=999), [], RULES)
    assert reaction.action == "wait"
    assert "Only 999 labels are new" in reaction.sentence


def test_retrainings_do_not_exceed_the_monthly_limit() -> None:
    rules = RULES.model_copy(update={"per_month": 2})
    assert react(FAILING, [retraining(8), retraining(20)], rules).action == "wait"
    assert react(FAILING, [retraining(8), retraining(30)], rules).action == "retrain"


def test_an_unusual_volume_is_reported_and_results_in_no_action() -> None:
    reaction = react(replace(NO_ALARM, other=("3 rows in the window (usually 1,000)",)), [], RULES)
    assert reaction.action == "nothing"
    assert "3 rows" in reaction.sentence
