"""The criteria, and the checks of the data, that were loosened since the champion was judged."""

from collections.abc import Iterator, Mapping
from typing import Any

from .bars import exact
from .criteria import LEVELS, Criteria, Criterion, same_name

__all__ = ["loosened_checks", "loosened_criteria"]

# Each kind of bar, and the direction in which it becomes easier to meet.
EASIER = (("at_least", -1), ("at_most", 1), ("gap_at_most", 1))
# The limits of the leak check in config/pipeline.yaml; a higher one finds less.
LEAK_LIMITS = (
    *("leak_at", "doubt_at", "combined_leak_at", "combined_doubt_at"),
    *("copied_at", "copied_doubt_at"),
)


def loosened_criteria(previous: Criteria, current: Criteria) -> tuple[str, ...]:
    """A sentence for every way in which ``current`` requires less than ``previous``."""
    now = {criterion.id: criterion for criterion in (*current.criteria, *current.data)}
    found: list[str] = []
    for before in (*previous.criteria, *previous.data):
        if before.level == "info":  # it decided nothing, so it cannot be loosened
            continue
        if before.id in now:
            found += _loosened(before, now[before.id])
        else:
            found.append(f"The criterion {before.id} was removed since the champion was judged.")
    return (*found, *_loosened_as_a_whole(previous, current))


def loosened_checks(previous: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for every way in which the checks for leaks of the configuration ``current`` find
    less than those of ``previous``; none if ``previous`` is empty, as before 0.5.
    """
    before, after = previous.get("checks", {}), current.get("checks", {})
    found = [
        f"The limit {name} of the check for leaks was raised from {exact(before[name])} to"
        f" {exact(after[name])}."
        for name in LEAK_LIMITS
        if name in before and name in after and after[name] > before[name]
    ]
    known = {leak["feature"] for leak in before.get("accepted_leaks", ())}
    more = [leak["feature"] for leak in after.get("accepted_leaks", ())] if before else []
    if more := sorted(set(more) - known):
        found.append(f"The check for leaks now leaves out {', '.join(more)}.")
    return tuple(found)


def _loosened_as_a_whole(previous: Criteria, current: Criteria) -> Iterator[str]:
    if current.confidence < previous.confidence:
        yield (
            f"The confidence level was lowered from {previous.confidence:g} to"
            f" {current.confidence:g}."
        )
    if current.smallest < previous.smallest:
        yield (
            f"The minimum number of rows (smallest) was lowered from {previous.smallest} to"
            f" {current.smallest}."
        )
    if previous.value is not None and current.value != previous.value:
        # Any change: whether other amounts make a bar on the value easier depends on the model.
        yield "The value of the outcomes was changed since the champion was judged."
    if previous.approval == "required" and current.approval == "automatic":
        yield (
            "The approval is now automatic; when the champion was judged, a person had to approve."
        )
    if previous.approvers and not current.approvers:
        yield "The list of approvers was removed since the champion was judged."
    elif previous.approvers:
        before = set(map(same_name, previous.approvers))
        if more := [name for name in current.approvers if same_name(name) not in before]:
            yield f"The approvers now include {', '.join(more)}."


def _loosened(before: Criterion, after: Criterion) -> Iterator[str]:
    if (before.metric, before.by, before.versus) != (after.metric, after.by, after.versus):
        yield (
            f"The criterion {before.id} was changed to another metric, column or baseline since the"
            " champion was judged."
        )
        return  # bars of different metrics cannot be compared
    yield from _lower_bar(before, after)
    if LEVELS.index(after.level) > LEVELS.index(before.level):
        yield f"The level of {before.id} was lowered from {before.level} to {after.level}."
    if more := sorted(set(after.leaving_out) - set(before.leaving_out)):
        yield f"The criterion {before.id} now excludes {', '.join(more)}."
    if before.versus and before.if_none == "undecided" and after.if_none == "met":
        yield f"The criterion {before.id} now counts as met if there is nothing to compare with."


def _lower_bar(before: Criterion, after: Criterion) -> Iterator[str]:
    for name, easier in EASIER:
        old, new = getattr(before, name), getattr(after, name)
        if old is None:
            continue
        if new is None:
            yield f"The bar of {before.id} was {name} {exact(old)} and is now of another kind."
        elif (new - old) * easier > 0:
            yield f"The bar of {before.id} was loosened from {name} {exact(old)} to {exact(new)}."
