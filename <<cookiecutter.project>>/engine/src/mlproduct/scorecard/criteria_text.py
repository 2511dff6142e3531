"""The criteria file in plain sentences."""

from ..gate.bars import bar_in_words, exact
from ..gate.criteria import ALWAYS, ALWAYS_DATA, Criteria, Criterion
from ..problems import Problem

__all__ = ["OTHER", "explain", "statement"]

# The baselines of versus.
OTHER = {"champion": "the champion", "do_nothing": "doing nothing", "rule": "the rule of thumb"}


def explain(criteria: Criteria, problem: Problem) -> str:
    """The whole file as sentences, grouped by the effect of the criteria."""
    parts = [_opening(criteria)]
    groups = (
        ("A model is released only if all of these are met (must)", _at_level(criteria, "must")),
        (
            "A model is released with a warning if one of these is not met (should)",
            _at_level(criteria, "should"),
        ),
        ("Measured and shown only (info)", _at_level(criteria, "info")),
        ("A model is trained only if all of these are met (data)", criteria.data),
        ("Always required (built in)", (*ALWAYS, *ALWAYS_DATA)),
    )
    number = 0
    for heading, members in groups:
        if members:
            lines = [
                _sentences(number + place, each, criteria, problem)
                for place, each in enumerate(members, 1)
            ]
            parts.append("\n".join([heading, *lines]))
            number += len(members)
    parts += [_waivers(criteria)] if criteria.waivers else []
    return "\n\n".join((*parts, _how_decided(criteria, problem)))


def statement(criterion: Criterion) -> str:
    """The criterion as metric and bar: ``recall in every region at least 0.6``."""
    words = [criterion.metric]
    if criterion.versus:
        words = [f"{criterion.metric}: difference to {OTHER[criterion.versus]}"]
    if criterion.sliced_by:
        words.append(
            f"in every {criterion.sliced_by}"
            if criterion.gap_at_most is None
            else f"by {criterion.sliced_by}"
        )
    return " ".join((*words, bar_in_words(criterion)))


def _opening(criteria: Criteria) -> str:
    owner = f"{criteria.owner.name} ({criteria.owner.contact})"
    lines = [criteria.decision, f"Owner: {owner}. Review the criteria by {criteria.review_by}."]
    if criteria.draft:
        lines.insert(0, "This is a draft: no model that it judges becomes champion.")
    return "\n".join(lines)


def _at_level(criteria: Criteria, level: str) -> tuple[Criterion, ...]:
    return tuple(each for each in criteria.criteria if each.level == level)


def _sentences(number: int, criterion: Criterion, criteria: Criteria, problem: Problem) -> str:
    level = (
        f" ({criterion.level})" if criterion in criteria.data and criterion.level != "must" else ""
    )
    lines = [
        f"{number:>3}. {criterion.says}{level}",
        f"Bar: {statement(criterion)}.{_meaning(criterion, problem)}",
    ]
    if criterion.leaving_out:
        lines.append(f"Excluded: {', '.join(criterion.leaving_out)}.")
    if criterion.versus == "champion":
        lines.append(f"Without a champion, it counts as {criterion.if_none}.")
    lines.append(f"Why: {criterion.why}")
    return "\n     ".join(lines)


def _meaning(criterion: Criterion, problem: Problem) -> str:
    metric = problem.metrics_for(criterion).get(criterion.metric)
    return f" {metric.says}" if metric else ""


def _waivers(criteria: Criteria) -> str:
    lines = [
        f"  {each.criterion} until {each.until}, by {each.by}: {each.why}"
        for each in criteria.waivers
    ]
    return "\n".join(("Waived until a date", *lines))


def _how_decided(criteria: Criteria, problem: Problem) -> str:
    primary = problem.all_metrics.get(criteria.primary)
    approval = (
        "A model that is good enough remains the challenger until a named person approves it."
        if criteria.approval == "required"
        else "A model that is ready becomes the champion automatically, without an approval."
    )
    if criteria.approvers:
        approval += f" Only {', '.join(criteria.approvers)} may approve, reject and roll back."
    lines = (
        f"Candidates are compared by {criteria.primary}.{f' {primary.says}' if primary else ''}",
        f"Every quality metric has a {exact(criteria.confidence * 100)} % confidence interval;"
        " counts and ages are exact. Intervals for slices are widened to correct for multiple"
        " comparisons.",
        "Met: the whole interval meets the bar.",
        "Not met: the whole interval misses the bar.",
        "In a comparison, equal is not better.",
        "Undecided: the bar is inside the interval, or the measurement is based on fewer than"
        f" {criteria.smallest} rows. A named person has to accept this risk.",
        "A criterion that could not be measured is not met and cannot be waived, except a"
        " comparison with a champion while there is none.",
        approval,
    )
    return "\n  ".join(("How the verdict is decided", *lines))
