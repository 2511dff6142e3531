"""The mistakes in a criteria file and the warnings about it.

The format of the file is checked when it is read. This module checks its names with the schema and
the registry of metrics, so that a bar on an unknown metric is found before the training.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..config.strict_yaml import Location, Mistake, nearest, parse
from ..data.columns import Columns
from ..gate.bars import exact
from ..gate.criteria import Criteria, Criterion
from ..gate.criteria_file import check_format
from ..gate.said_numbers import contradicting_sentences
from ..gate.weak_criteria import impossible_bar, weak_criteria
from ..problems import Metric, Problem
from .criteria_text import OTHER

__all__ = ["CheckedFile", "check_file", "problems"]

# Metrics of the data, counted before the training; all other metrics are measured on a model.
DATA_METRICS = frozenset(
    {"rows", "rejected_share", "age_days", "leaking_features", "doubtful_features"}
)


@dataclass(frozen=True)
class CheckedFile:
    """A criteria file with a line for each of its mistakes and for each warning."""

    criteria: Criteria
    mistakes: tuple[str, ...]
    warnings: tuple[str, ...]


def check_file(path: Path, columns: Columns, *, on: date) -> CheckedFile:
    """The criteria in the file ``path`` with all mistakes and warnings.

    Raises ConfigError if the file cannot be read or is not YAML.
    """
    file = parse(path)
    checked = check_format(file)
    found = [each for each in problems(checked.criteria, columns, on=on) if checked.confirms(each)]
    mistakes = [*checked.mistakes, *(each for each in found if not each.warning)]
    warnings = [each for each in found if each.warning]
    return CheckedFile(checked.criteria, tuple(file.listed(mistakes)), tuple(file.listed(warnings)))


def problems(criteria: Criteria, columns: Columns, *, on: date) -> tuple[Mistake, ...]:
    """All mistakes and warnings that can be found with the product."""
    problem = columns.of_target
    found = [*_of_primary(criteria, problem), *_of_value(criteria, problem)]
    for part in ("criteria", "data"):
        for place, criterion in enumerate(getattr(criteria, part)):
            found += _of_criterion((part, place), criterion, criteria, columns)
    found += _elsewhere(found, weak_criteria(criteria, problem, on=on))
    # A bar with its own warning is probably wrong, and its sentence is right.
    found += _elsewhere(found, contradicting_sentences(criteria, problem))
    return tuple(found)


def _elsewhere(found: list[Mistake], warnings: tuple[Mistake, ...]) -> list[Mistake]:
    """The warnings about criteria in which nothing else was ``found``."""
    places = {each.location[:2] for each in found}
    return [each for each in warnings if each.location[:2] not in places]


def _of_primary(criteria: Criteria, problem: Problem) -> Iterator[Mistake]:
    at: Location = ("primary",)
    usable = problem.primary_metrics
    if criteria.primary not in usable:
        expected = f"not a metric of the model – expected one of {', '.join(usable)}"
        yield Mistake(at, criteria.primary, expected, nearest(criteria.primary, usable))
    elif "value" in problem.metrics[criteria.primary].needs and criteria.value is None:
        yield _value_missing(at, criteria.primary)


def _of_value(criteria: Criteria, problem: Problem) -> Iterator[Mistake]:
    if criteria.value is None:
        return
    if complaint := problem.complaint_about(criteria.value):
        keys, value, expected = complaint
        yield Mistake(("value", *keys), value, expected)


def _of_criterion(
    at: Location, criterion: Criterion, criteria: Criteria, columns: Columns
) -> Iterator[Mistake]:
    problem = columns.of_target
    metrics = problem.metrics_for(criterion)
    if criterion.by_class and not metrics:
        yield Mistake(
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
        yield Mistake(
            (*at, "metric"),
            metric.name,
            "no column of the schema has the role time – mark one, or remove this criterion",
        )
    yield from _of_slices(at, criterion, metric, columns)
    yield from _of_comparison(at, criterion, metric)
    yield from _of_bar(at, criterion, metric)


def _unusable(at: Location, criterion: Criterion, usable: list[str], problem: Problem) -> Mistake:
    name, names = criterion.metric, f"one of {', '.join(usable)}"
    if criterion.by_class:
        return Mistake(
            at, name, f"is not a metric of one class – expected {names}", nearest(name, usable)
        )
    if name in problem.class_metrics:
        return Mistake(at, name, "is a metric of one class – add by_class: true")
    if name in DATA_METRICS:
        return Mistake(at, name, "is a metric of the data – move this criterion to data:")
    if name in problem.all_metrics:
        return Mistake(
            at,
            name,
            f"is measured on a model, but data is judged before there is one – expected {names}",
        )
    return Mistake(
        at, name, f"is not a metric of {problem.task} – expected {names}", nearest(name, usable)
    )


def _value_missing(at: Location, name: str) -> Mistake:
    return Mistake(
        at, name, "needs the value of each outcome – add value: with currency and amounts"
    )


def _of_slices(
    at: Location, criterion: Criterion, metric: Metric, columns: Columns
) -> Iterator[Mistake]:
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
        yield Mistake(
            where, by, f"{metric.name} is measured as a whole, not per slice – remove by:"
        )
    elif by in columns.private:
        yield Mistake(
            where, by, f"is personal data and never read – expected one of {', '.join(usable)}"
        )
    elif by in columns.read and by not in usable:
        yield Mistake(
            where, by, f"has too many values for slices – expected one of {', '.join(usable)}"
        )
    elif by not in usable:
        yield Mistake(
            where,
            by,
            f"no such column in schemas.py – expected one of {', '.join(usable)}",
            nearest(by, usable),
        )
    yield from _of_left_out(at, criterion, list(map(str, columns.known_values.get(by, ()))))


def _of_left_out(at: Location, criterion: Criterion, known: list[str]) -> Iterator[Mistake]:
    for place, value in enumerate(criterion.leaving_out):
        # Without a list of values in the schema, every value is possible.
        if known and value not in known:
            expected = (
                f"{criterion.sliced_by} has no such value – expected one of {', '.join(known)}"
            )
            yield Mistake((*at, "leaving_out", place), value, expected, nearest(value, known))


def _of_comparison(at: Location, criterion: Criterion, metric: Metric) -> Iterator[Mistake]:
    versus = criterion.versus
    if versus is None:
        # Only if it is in the file: the default has no effect either, but it is not a mistake.
        if "if_none" in criterion.model_fields_set:
            yield Mistake(
                (*at, "if_none"),
                criterion.if_none,
                "has no effect without versus: champion",
                warning=True,
            )
        return
    where = (*at, "versus")
    if metric.combine is None:
        yield Mistake(where, versus, f"{metric.name} is not compared row by row – remove versus:")
    elif "interval" in metric.needs and versus != "champion":
        yield Mistake(
            where,
            versus,
            f"{OTHER[versus]} has no prediction intervals, which {metric.name} needs",
        )
    elif {"score", "probabilities", "abstained"} & metric.needs and versus == "rule":
        yield Mistake(
            where,
            versus,
            f"the rule of thumb gives decisions but no probability, which {metric.name} needs",
        )


def _of_bar(at: Location, criterion: Criterion, metric: Metric) -> Iterator[Mistake]:
    if says := impossible_bar(criterion, metric):
        yield Mistake((*at, criterion.kind), exact(criterion.bar), says)
