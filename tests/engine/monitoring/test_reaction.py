"""What is done about what was seen, rule by rule."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from mlproduct.config.settings import Reactions
from mlproduct.monitoring.reaction import Asked, Seen, react

DAY = date(2026, 11, 24)
RULES = Reactions(cooldown_days=7)
CALM = Seen(day=DAY, champion="3", new_labels=5_000)
FAILING = replace(CALM, failing=("catch-leavers",), judged="confirmed")


def ago(days: int, cause: str = "criteria:catch-leavers") -> Asked:
    return Asked(DAY - timedelta(days=days), cause)


def test_nothing_seen_nothing_done() -> None:
    assert (react(CALM, [], RULES).action, react(CALM, [], RULES).cause) == ("nothing", "none")


def test_labels_that_say_it_fails_ask_for_retraining() -> None:
    answer = react(FAILING, [], RULES)
    assert (answer.action, answer.trust, answer.cause) == (
        "retrain",
        "confirmed",
        "criteria:catch-leavers",
    )
    assert "catch-leavers is no longer met" in answer.sentence


def test_too_few_labels_to_be_sure_wait() -> None:
    answer = react(replace(FAILING, judged="partial"), [], RULES)
    assert (answer.action, answer.trust) == ("wait", "partial")


def test_drift_with_criteria_met_on_drifted_rows_does_nothing() -> None:
    seen = replace(CALM, drifted=("logins",), drift_labelled=True, judged="confirmed")
    answer = react(seen, [], RULES)
    assert (answer.action, answer.trust) == ("nothing", "confirmed")
    assert "still met" in answer.sentence


@pytest.mark.parametrize("action", ["retrain", "wait", "nothing"])
def test_drift_before_labels_does_what_the_file_says(action: str) -> None:
    seen = replace(CALM, drifted=("logins", "plan"), judged="confirmed")
    answer = react(seen, [], RULES.model_copy(update={"drift_before_labels": action}))
    assert (answer.action, answer.trust, answer.cause) == (action, "proxy", "drift:logins,plan")


def test_the_same_cause_has_the_same_name_whatever_the_order() -> None:
    seen = replace(CALM, drifted=("b", "a"))
    assert react(seen, [], RULES).cause == react(replace(seen, drifted=("a", "b")), [], RULES).cause


@pytest.mark.parametrize("days", [0, 1, 6])
def test_a_retraining_just_asked_for_is_waited_for(days: int) -> None:
    answer = react(FAILING, [ago(days)], RULES)
    assert answer.action == "wait"
    assert f"requested on {DAY - timedelta(days=days)}" in answer.sentence
    assert react(FAILING, [ago(7)], RULES).action == "retrain"


def test_without_cooldown_there_is_still_one_retraining_a_day() -> None:
    rules = RULES.model_copy(update={"cooldown_days": 0})
    assert react(FAILING, [ago(0)], rules).action == "wait"
    assert react(FAILING, [ago(1)], rules).action == "retrain"


def test_too_few_new_labels_wait() -> None:
    answer = react(replace(FAILING, new_labels=999), [], RULES)
    assert answer.action == "wait"
    assert "Only 999 labels are new" in answer.sentence


def test_the_budget_of_a_month_is_kept() -> None:
    rules = RULES.model_copy(update={"per_month": 2})
    assert react(FAILING, [ago(8), ago(20)], rules).action == "wait"
    assert react(FAILING, [ago(8), ago(30)], rules).action == "retrain"


def test_an_unusual_volume_is_said_and_trains_nothing() -> None:
    answer = react(replace(CALM, other=("3 rows in the window (usually 1,000)",)), [], RULES)
    assert answer.action == "nothing"
    assert "3 rows" in answer.sentence
