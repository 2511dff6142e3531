"""Warnings about criteria that are valid but decide less than they seem to."""

import math
from collections.abc import Iterator
from datetime import date, timedelta

from ..config.strict_yaml import Location, Mistake
from ..problems import Metric, Problem
from .bars import exact
from .criteria import Criteria, Criterion

__all__ = ["impossible_bar", "weak_criteria"]

# One day more than 365 and 730, for leap years.
YEAR, TWO_YEARS = timedelta(days=366), timedelta(days=731)

# What a constant or random prediction reaches, of metrics that are better when higher.
BY_CHANCE = {"roc_auc": 0.5, "skill": 0.0, "r2": 0.0, "matthews_correlation": 0.0}

# Metrics that do not depend on whether the predictions are right.
OPERATION = frozenset(
    {
        "latency_p50_ms",
        "latency_p95_ms",
        "rows_per_second",
        "model_megabytes",
        "training_seconds",
        "holdout_rows_trained_on",
    }
)


def weak_criteria(criteria: Criteria, problem: Problem, *, on: date) -> tuple[Mistake, ...]:
    """The warnings about the bars, the levels, and the dates as seen ``on`` a day."""
    found = [*_no_must(criteria, on), *_no_data(criteria), *_of_dates(criteria, on)]
    for part in ("criteria", "data"):
        for place, criterion in enumerate(getattr(criteria, part)):
            if metric := problem.metrics_for(criterion).get(criterion.metric):
                for says in _of_bar(criterion, metric, problem):
                    found.append(
                        _warning((part, place, criterion.kind), exact(criterion.bar), says)
                    )
    return tuple(found)


def impossible_bar(criterion: Criterion, metric: Metric) -> str | None:
    """Why no model can meet the bar, None if one can."""
    lowest, highest = _range(criterion, metric)
    bar, above, below = criterion.bar, criterion.at_least, criterion.at_most
    # With versus, equal is not better, so the end of the range is out of reach.
    at_end = criterion.versus is not None and bar in (lowest, highest)
    if (above is not None and (bar > highest or (at_end and bar == highest))) or (
        below is not None and (bar < lowest or (at_end and bar == lowest))
    ):
        return f"no model can meet this bar – {_values(criterion, metric)}"
    return None


def _warning(location: Location, value: str, says: str) -> Mistake:
    return Mistake(location, value, says, warning=True)


def _no_must(criteria: Criteria, on: date) -> Iterator[Mistake]:
    waived = {each.criterion for each in criteria.waivers if each.until >= on}
    musts = [each for each in criteria.criteria if each.level == "must"]
    deciding = [each for each in musts if each.id not in waived]
    if not deciding:
        why = "each must is waived" if musts else "no criterion has the level must"
        says = f"{why} – no verdict is better than 'needs review' without a must that decides"
        yield _warning(("criteria",), "", says)
    elif all(map(_of_operation, deciding)):
        says = "no must is about the predictions – expected one, because speed and size say nothing"
        yield _warning(("criteria",), "", f"{says} about whether they are right")


def _of_operation(criterion: Criterion) -> bool:
    # With by or versus, such a metric is a separate mistake.
    compared = criterion.versus is not None or criterion.sliced_by is not None
    return criterion.metric in OPERATION and not compared


def _no_data(criteria: Criteria) -> Iterator[Mistake]:
    if not criteria.data:
        says = "no criterion on the data – expected one, for example on rows or rejected_share"
        yield _warning(("data",), "", says)


def _of_dates(criteria: Criteria, on: date) -> Iterator[Mistake]:
    review = criteria.review_by
    if review < on:
        says = "has passed – no verdict is better than 'needs review' until the criteria are"
        yield _warning(("review_by",), str(review), f"{says} reviewed")
    elif review - on > TWO_YEARS:
        says = "more than two years away – expected an earlier day"
        yield _warning(("review_by",), str(review), says)
    for place, waiver in enumerate(criteria.waivers):
        at, until = ("waivers", place, "until"), str(waiver.until)
        if waiver.until < on:
            says = f"this waiver of {waiver.criterion} has ended and has no effect"
            yield _warning(at, until, says)
        elif waiver.until - on > YEAR:
            says = "more than a year away – expected an earlier day, or another bar"
            yield _warning(at, until, says)


def _of_bar(criterion: Criterion, metric: Metric, problem: Problem) -> Iterator[str]:
    lowest, highest = _range(criterion, metric)
    bar = criterion.bar
    always = bar <= lowest if criterion.at_least is not None else bar >= highest
    if always:
        yield f"every model meets this bar – {_values(criterion, metric)}"
    elif _is_chance(criterion, problem):
        yield "every model that is no worse than guessing meets this bar – expected a higher one"
    if criterion.kind == {"higher": "at_most", "lower": "at_least"}[metric.better]:
        usual = {"higher": "at_least", "lower": "at_most"}[metric.better]
        yield f"{metric.name} is better when {metric.better} – the usual bar is {usual}"


def _is_chance(criterion: Criterion, problem: Problem) -> bool:
    # The model as a whole only: a slice can be worse than guessing.
    if criterion.at_least is None or criterion.versus or criterion.sliced_by:
        return False
    own = {problem.chance.metric: problem.chance.value} if problem.chance.scale > 0 else {}
    return criterion.at_least <= {**BY_CHANCE, **own}.get(criterion.metric, -math.inf)


def _values(criterion: Criterion, metric: Metric) -> str:
    """The range of the metric, or of its difference, in words."""
    lowest, highest = _range(criterion, metric)
    compared = criterion.versus is not None or criterion.gap_at_most is not None
    subject = f"the difference in {metric.name}" if compared else metric.name
    if highest == math.inf:
        return f"{subject} is at least {exact(lowest)}"
    return f"{subject} is between {exact(lowest)} and {exact(highest)}"


def _range(criterion: Criterion, metric: Metric) -> tuple[float, float]:
    width = metric.highest - metric.lowest
    if criterion.gap_at_most is not None:
        return 0.0, width
    if criterion.versus is not None:
        return -width, width
    return metric.lowest, metric.highest
