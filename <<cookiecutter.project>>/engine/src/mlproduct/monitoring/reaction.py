"""Decide what follows from a monitoring run, by the rules of config/monitoring.yaml in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from ..config.settings import Reactions

__all__ = ["Asked", "Reaction", "Seen", "react"]

Trust = Literal["proxy", "partial", "confirmed"]
MONTH = timedelta(days=30)  # the period of per_month


@dataclass(frozen=True)
class Seen:
    """The result of one monitoring run.

    ``drifted`` are the columns with an alarm, and ``drift_labelled`` is whether the labelled rows
    show the same drift. ``failing`` are the must-criteria that are not met according to labels, and
    ``judged`` is the trust in that judgement, None if there was none. ``other`` are alarms that a
    retraining cannot correct.
    """

    day: date
    champion: str
    drifted: tuple[str, ...] = ()
    drift_labelled: bool = False
    failing: tuple[str, ...] = ()
    judged: Trust | None = None
    other: tuple[str, ...] = ()
    new_labels: int = 0


@dataclass(frozen=True)
class Asked:
    """A retraining that was requested earlier."""

    day: date
    cause: str


@dataclass(frozen=True)
class Reaction:
    """The decision; ``cause`` identifies its cause, independent of the action."""

    action: Literal["retrain", "wait", "nothing"]
    cause: str
    sentence: str
    trust: Trust
    notes: tuple[str, ...] = field(default=())


def react(seen: Seen, before: Sequence[Asked], rules: Reactions) -> Reaction:
    """The reaction to ``seen``, given the retrainings requested ``before``.

    A pure function: the same input results in the same reaction.
    """
    wanted = _wanted(seen, rules)
    if wanted.action != "retrain":
        return wanted
    held = _held_back(seen, before, rules)
    if held is None:
        return wanted
    return Reaction("wait", wanted.cause, f"{wanted.sentence} {held}", wanted.trust)


def _wanted(seen: Seen, rules: Reactions) -> Reaction:
    # Sorted, because the same columns in another order are the same cause.
    drift = f"drift:{','.join(sorted(seen.drifted))}"
    moved = f"{_named(seen.drifted)} drifted"
    if seen.failing and seen.judged == "confirmed":
        sentence = (
            f"Labels confirm that {_named(seen.failing)} {_are(seen.failing)} no longer"
            f" met{f', and {moved}' if seen.drifted else ''}."
        )
        return Reaction(
            rules.criteria_fail, f"criteria:{','.join(sorted(seen.failing))}", sentence, "confirmed"
        )
    if seen.failing:
        sentence = (
            f"The labels so far indicate that {_named(seen.failing)} {_are(seen.failing)} not met,"
            " but there are too few to be sure."
        )
        return Reaction("wait", f"criteria:{','.join(sorted(seen.failing))}", sentence, "partial")
    if seen.drifted and seen.drift_labelled and seen.judged is not None:
        sentence = (
            f"{moved}. The labelled rows show the same drift, and every criterion that labels can"
            " judge is still met."
        )
        return Reaction(rules.drift_and_criteria_met, drift, sentence, seen.judged)
    if seen.drifted:
        sentence = (
            f"{moved}. The changed rows have no labels yet, so it is not known whether this"
            " matters."
        )
        return Reaction(rules.drift_before_labels, drift, sentence, "proxy")
    if seen.other:
        return Reaction(
            "nothing", f"alarm:{','.join(sorted(seen.other))}", f"{'; '.join(seen.other)}.", "proxy"
        )
    sentence = f"No drift. {'Labels confirm the criteria. ' if seen.judged else ''}No action."
    return Reaction("nothing", "none", sentence, seen.judged or "proxy")


def _held_back(seen: Seen, before: Sequence[Asked], rules: Reactions) -> str | None:
    """Why no retraining is requested now, None if nothing prevents it."""
    recent = [request for request in before if request.day > seen.day - MONTH]
    last = max((request.day for request in before), default=None)
    # At least one day, so that a second run on the same day does not request another retraining.
    wait = timedelta(days=max(rules.cooldown_days, 1))
    if last is not None and seen.day < last + wait:
        return f"A retraining was requested on {last}; the next one is possible from {last + wait}."
    if seen.new_labels < rules.new_labels_at_least:
        return (
            f"Only {seen.new_labels:,} labels are new since the champion was trained;"
            f" {rules.new_labels_at_least:,} are required."
        )
    if len(recent) >= rules.per_month:
        return (
            f"{len(recent)} retrainings were requested within 30 days; the limit is"
            f" {rules.per_month}."
        )
    return None


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _named(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
