"""The criteria file in plain sentences, and the errors in it that only the product can show.

The format of the file is checked when it is read. This module checks its names with the schema and
the registry of metrics, so that a bar on an unknown metric is found before the training.
"""

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import date

from ..config.strict_yaml import line_of, nearest
from ..data.columns import Columns
from ..gate.bars import bar_in_words, exact
from ..gate.criteria import ALWAYS, ALWAYS_DATA, Criteria, Criterion
from ..problems import Metric, Problem

__all__ = ["CriteriaMistake", "explain", "problems", "statement"]

Location = tuple[Hashable, ...]

# Metrics of the data, counted before the training; all other metrics are measured on a model.
DATA_METRICS = frozenset({"rows", "rejected_share", "age_days", "leaking_features"})


@dataclass(frozen=True)
class CriteriaMistake:
    """A mistake in the criteria file, or a ``note`` about a valid entry that is unlikely."""

    location: Location
    value: str
    expected: str
    nearest: str | None = None
    note: bool = False

    def in_words(self, path: object, text: str) -> str:
        """The message with file, line, key, value, what is expected and the nearest valid name."""
        key = ".".join(map(str, self.location))
        hint = f" – did you mean {self.nearest!r}?" if self.nearest else ""
        kind = "note: " if self.note else ""
        return (
            f"{path}:{line_of(text, self.location)}: {kind}{key}: {self.value}:"
            f" {self.expected}{hint}"
        )


# --- the file as sentences ------------------------------------------------------------------


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
        words = [f"{criterion.metric}: difference to {_OTHER[criterion.versus]}"]
    if criterion.sliced_by:
        words.append(
            f"in every {criterion.sliced_by}"
            if criterion.gap_at_most is None
            else f"by {criterion.sliced_by}"
        )
    return " ".join((*words, bar_in_words(criterion)))


_OTHER = {"champion": "the champion", "do_nothing": "doing nothing", "rule": "the rule of thumb"}


def _opening(criteria: Criteria) -> str:
    owner = f"{criteria.owner.name} ({criteria.owner.contact})"
    return f"{criteria.decision}\nOwner: {owner}. Review the criteria by {criteria.review_by}."


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
    metrics = problem.class_metrics if criterion.by_class else problem.all_metrics
    metric = metrics.get(criterion.metric)
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


# --- mistakes in the file -------------------------------------------------------------------


def problems(criteria: Criteria, columns: Columns, *, on: date) -> tuple[CriteriaMistake, ...]:
    """All mistakes and notes in the order of the file; a ``note`` is not an error."""
    found = [*_of_primary(criteria, columns.of_target), *_of_value(criteria, columns.of_target)]
    for part in ("criteria", "data"):
        for place, criterion in enumerate(getattr(criteria, part)):
            found += _of_criterion((part, place), criterion, criteria, columns)
    return (*found, *_past(criteria, on))


def _of_primary(criteria: Criteria, problem: Problem) -> Iterator[CriteriaMistake]:
    at: Location = ("primary",)
    usable = problem.primary_metrics
    if criteria.primary not in usable:
        expected = f"not a metric of the model – expected one of {', '.join(usable)}"
        yield CriteriaMistake(at, criteria.primary, expected, nearest(criteria.primary, usable))
    elif "value" in problem.metrics[criteria.primary].needs and criteria.value is None:
        yield _value_missing(at, criteria.primary)


def _of_value(criteria: Criteria, problem: Problem) -> Iterator[CriteriaMistake]:
    if criteria.value is None:
        return
    if complaint := problem.complaint_about(criteria.value):
        keys, value, expected = complaint
        yield CriteriaMistake(("value", *keys), value, expected)


def _of_criterion(
    at: Location, criterion: Criterion, criteria: Criteria, columns: Columns
) -> Iterator[CriteriaMistake]:
    problem = columns.of_target
    metrics = problem.class_metrics if criterion.by_class else problem.all_metrics
    if criterion.by_class and not metrics:
        yield CriteriaMistake(
            (*at, "by_class"), "true", f"a target of {problem.task} has no classes – remove it"
        )
        return
    usable = [name for name in metrics if (name in DATA_METRICS) == (at[0] == "data")]
    metric = metrics.get(criterion.metric)
    if metric is None or criterion.metric not in usable:
        yield _unusable((*at, "metric"), criterion, usable, problem)
        return
    if "value" in metric.needs and criteria.value is None:
        yield _value_missing((*at, "metric"), metric.name)
    if metric.name == "age_days" and columns.time is None:
        yield CriteriaMistake(
            (*at, "metric"),
            metric.name,
            "no column of the schema has the role time – mark one, or remove this criterion",
        )
    yield from _of_slices(at, criterion, metric, columns)
    yield from _of_comparison(at, criterion, metric)
    yield from _of_bar(at, criterion, metric)


def _unusable(
    at: Location, criterion: Criterion, usable: list[str], problem: Problem
) -> CriteriaMistake:
    name, names = criterion.metric, f"one of {', '.join(usable)}"
    if criterion.by_class:
        return CriteriaMistake(
            at, name, f"is not a metric of one class – expected {names}", nearest(name, usable)
        )
    if name in problem.class_metrics:
        return CriteriaMistake(at, name, "is a metric of one class – add by_class: true")
    if name in DATA_METRICS:
        return CriteriaMistake(at, name, "is a metric of the data – move this criterion to data:")
    if name in problem.all_metrics:
        return CriteriaMistake(
            at,
            name,
            f"is measured on a model, but data is judged before there is one – expected {names}",
        )
    return CriteriaMistake(
        at, name, f"is not a metric of {problem.task} – expected {names}", nearest(name, usable)
    )


def _value_missing(at: Location, name: str) -> CriteriaMistake:
    return CriteriaMistake(
        at, name, "needs the value of each outcome – add value: with currency and amounts"
    )


def _of_slices(
    at: Location, criterion: Criterion, metric: Metric, columns: Columns
) -> Iterator[CriteriaMistake]:
    if criterion.by_class:
        yield from _of_left_out(at, criterion, list(columns.of_target.class_names))
        return
    by = criterion.by
    if by is None:
        return
    where = (*at, "by")
    group = (columns.group,) if columns.group else ()
    usable = (*columns.categorical, *columns.ignored, *group)
    if metric.combine is None:
        yield CriteriaMistake(
            where, by, f"{metric.name} is measured as a whole, not per slice – remove by:"
        )
    elif by in columns.private:
        yield CriteriaMistake(
            where, by, f"is personal data and never read – expected one of {', '.join(usable)}"
        )
    elif by in columns.read and by not in usable:
        yield CriteriaMistake(
            where, by, f"has too many values for slices – expected one of {', '.join(usable)}"
        )
    elif by not in usable:
        yield CriteriaMistake(
            where,
            by,
            f"no such column in schemas.py – expected one of {', '.join(usable)}",
            nearest(by, usable),
        )
    yield from _of_left_out(at, criterion, list(map(str, columns.known_values.get(by, ()))))


def _of_left_out(at: Location, criterion: Criterion, known: list[str]) -> Iterator[CriteriaMistake]:
    for place, value in enumerate(criterion.leaving_out):
        # Without a list of values in the schema, every value is possible.
        if known and value not in known:
            expected = (
                f"{criterion.sliced_by} has no such value – expected one of {', '.join(known)}"
            )
            yield CriteriaMistake(
                (*at, "leaving_out", place), value, expected, nearest(value, known)
            )


def _of_comparison(at: Location, criterion: Criterion, metric: Metric) -> Iterator[CriteriaMistake]:
    versus = criterion.versus
    if versus is None:
        # Only if it is in the file: the default has no effect either, but it is not a mistake.
        if "if_none" in criterion.model_fields_set:
            yield CriteriaMistake(
                (*at, "if_none"),
                criterion.if_none,
                "has no effect without versus: champion",
                note=True,
            )
        return
    where = (*at, "versus")
    if metric.combine is None:
        yield CriteriaMistake(
            where, versus, f"{metric.name} is not compared row by row – remove versus:"
        )
    elif "interval" in metric.needs and versus != "champion":
        yield CriteriaMistake(
            where,
            versus,
            f"{_OTHER[versus]} has no prediction intervals, which {metric.name} needs",
        )
    elif {"score", "probabilities", "abstained"} & metric.needs and versus == "rule":
        yield CriteriaMistake(
            where,
            versus,
            f"the rule of thumb gives decisions but no probability, which {metric.name} needs",
        )


def _of_bar(at: Location, criterion: Criterion, metric: Metric) -> Iterator[CriteriaMistake]:
    name = next(
        each
        for each in ("at_least", "at_most", "gap_at_most")
        if getattr(criterion, each) is not None
    )
    where, bar, shown = (*at, name), criterion.bar, exact(criterion.bar)
    lowest, highest = _range(criterion, metric)
    upwards = (
        f"at least {exact(lowest)}"
        if highest == math.inf
        else f"between {exact(lowest)} and {exact(highest)}"
    )
    values = f"{_subject(criterion)} is {upwards}"
    if (name == "at_least" and bar > highest) or (name == "at_most" and bar < lowest):
        yield CriteriaMistake(where, shown, f"no model can meet this bar – {values}")
    elif (name == "at_least" and bar <= lowest) or (name != "at_least" and bar >= highest):
        yield CriteriaMistake(where, shown, f"every model meets this bar – {values}", note=True)
    if name == {"higher": "at_most", "lower": "at_least"}[metric.better]:
        other = {"at_most": "at_least", "at_least": "at_most"}[name]
        yield CriteriaMistake(
            where,
            shown,
            f"{metric.name} is better when {metric.better} – the usual bar is {other}",
            note=True,
        )


def _subject(criterion: Criterion) -> str:
    return (
        f"the difference in {criterion.metric}"
        if criterion.versus or criterion.gap_at_most
        else criterion.metric
    )


def _range(criterion: Criterion, metric: Metric) -> tuple[float, float]:
    if criterion.gap_at_most is not None:
        return 0.0, metric.highest - metric.lowest
    if criterion.versus is not None:
        return metric.lowest - metric.highest, metric.highest - metric.lowest
    return metric.lowest, metric.highest


def _past(criteria: Criteria, on: date) -> Iterator[CriteriaMistake]:
    if criteria.review_by < on:
        expected = (
            "has passed – no verdict is better than 'needs review' until the criteria are reviewed"
        )
        yield CriteriaMistake(("review_by",), str(criteria.review_by), expected, note=True)
    for place, waiver in enumerate(criteria.waivers):
        if waiver.until < on:
            expected = f"this waiver of {waiver.criterion} has ended and has no effect"
            yield CriteriaMistake(
                ("waivers", place, "until"), str(waiver.until), expected, note=True
            )
