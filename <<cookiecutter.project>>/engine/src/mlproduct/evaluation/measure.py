"""All measurements of a challenger that the judge needs, on rows that it was not trained on.

    challenger          each metric of its task, overall and for the slices of the criteria
    comparisons         the difference of each metric to each baseline, on rows unseen by both
    operation           speed, size, training time
    plots               curves and feature importance

A metric that cannot be measured results in a measurement with a ``problem``. It is never omitted,
so that the judge can refuse it with the reason.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

import numpy as np
import pandas as pd

from ..config import settings
from ..data.columns import Columns
from ..errors import ConfigError
from ..gate.criteria import BY_CLASS, Criteria, Criterion, Interval, Measurement, Versus
from ..gate.document import Importance
from ..problems import Predict, Predictions, Problem
from ..problems.curves import Curves
from .bootstrap import BootstrapEstimate, Key, Views, clusters_of, in_words, resample, take
from .comparison import CHALLENGER, Baseline, Challenger, Comparison, comparison_of
from .importance import importance
from .intervals import Bounds, as_intervals, ladder, of_difference, of_value
from .latency import measure_speed
from .slices import SlicedMetric, measure_slices, problem_of_slices, sliced_metrics

__all__ = [
    "Baseline",
    "Challenger",
    "Evaluation",
    "against",
    "by_slice",
    "evaluate",
    "measure_data",
    "overall",
]


@dataclass(frozen=True)
class Evaluation:
    """The measurements of a challenger, and the feature importance and curves for the scorecard."""

    measurements: tuple[Measurement, ...]
    importance: tuple[Importance, ...] = ()
    curves: Curves = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()


def evaluate(
    challenger: Challenger,
    baselines: Mapping[Versus, Baseline],
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    identities: np.ndarray,
    *,
    columns: Columns,
    criteria: Criteria,
    settings: settings.EvaluationBudget,
    seed: int,
) -> Evaluation:
    """The measurements of ``challenger`` on ``holdout``, whose row identities are ``identities``.

    A baseline is compared only on the rows that it was not trained on. ``training`` is used only
    to find the slices that occur in it. The same input and seed give the same measurements,
    except those of speed.
    """

    problem = columns.of_target

    def predicted(rows: pd.DataFrame) -> Predictions:
        return problem.predict(challenger.model, rows)

    comparison = comparison_of(
        predicted, baselines, training, holdout, identities, columns, criteria
    )
    # From the rows of the comparison, because these are in another order than ``holdout``.
    clusters = clusters_of(comparison.holdout[columns.group or columns.key])
    # Without rows nothing can be drawn: every metric then has no value.
    weights = (
        resample(len(holdout), settings.resamples, seed, clusters) if len(holdout) else iter(())
    )
    estimates = take(comparison.samples, weights, clusters)
    features = comparison.holdout[list(columns.inputs)]
    measurements = [
        *overall(comparison, estimates),
        *(m for name in comparison.baselines for m in against(comparison, name, estimates)),
        *(
            m
            for sliced in sliced_metrics(criteria, problem.class_metrics)
            for m in by_slice(comparison, sliced, estimates)
        ),
        *measure_speed(predicted, features, confidence=criteria.confidence, seed=seed),
        *_counted(challenger, identities),
    ]
    measurements += _skill(measurements, problem)
    measurements += _unanswered(criteria, measurements, baselines, problem)
    plots, losses = _plots(comparison, predicted, features, settings.importance_rows, seed)
    return Evaluation(tuple(measurements), losses, plots, _confusion(comparison))


def measure_data(
    *,
    rows: int,
    rejected_share: float,
    newest: datetime | None,
    leaking: Sequence[str],
    doubtful: Sequence[str],
    today: date,
) -> tuple[Measurement, ...]:
    """The measurements of the data: accepted rows, rejected share, age in days, leaks.

    ``leaking`` are the leaks that block, ``doubtful`` those that a person has to accept.
    """
    return (
        _exact("rows", rows, rows),
        _exact("rejected_share", rejected_share, rows),
        _age(newest, today, rows),
        _exact("leaking_features", len(leaking), rows, note=", ".join(leaking) or None),
        _exact("doubtful_features", len(doubtful), rows, note=", ".join(doubtful) or None),
    )


def _age(newest: datetime | None, today: date, rows: int) -> Measurement:
    if newest is None or pd.isna(newest):
        return Measurement(metric="age_days", rows=rows, problem="no row has a time")
    age = (today - newest.date()).days
    if age < -1:  # one day, for clocks of other time zones
        return Measurement(
            metric="age_days",
            rows=rows,
            problem=f"the newest row is from {newest.date()}, after {today}",
        )
    return _exact("age_days", max(age, 0), rows)


def _exact(metric: str, value: float, rows: int, note: str | None = None) -> Measurement:
    """A measurement without a sampling error: something that was counted or timed."""
    exactly = Interval(low=value, high=value)
    return Measurement(metric=metric, value=value, intervals=(exactly,), rows=rows, note=note)


def _counted(challenger: Challenger, identities: np.ndarray) -> list[Measurement]:
    trained_on = int(np.isin(identities, challenger.trained_on).sum())
    return [
        _exact("model_megabytes", challenger.bytes / 1e6, 0),
        _exact("training_seconds", challenger.seconds, 0),
        _exact("holdout_rows_trained_on", trained_on, len(identities)),
    ]


def _skill(measurements: Sequence[Measurement], problem: Problem) -> list[Measurement]:
    """How much better than a constant prediction the model is, by the problem's own measure.

    Also how far this is above what is plausible. That is a question and not an estimate, so it has
    no interval.
    """
    chance = problem.chance
    overall = (chance.metric, None, None)
    found = next(m for m in measurements if (m.metric, m.by, m.versus) == overall)

    def moved(number: float) -> float:
        return (number - chance.value) * chance.scale

    intervals = tuple(Interval(low=moved(i.low), high=moved(i.high)) for i in found.intervals)
    value = moved(found.value)
    skill = found.model_copy(update={"metric": "skill", "value": value, "intervals": intervals})
    limit = problem.plausible_skill
    if found.problem or not found.support:
        return [skill, skill.model_copy(update={"metric": "implausible_skill"})]
    note = f"skill {value:.3f}; nearly perfect from {limit:g} on"
    return [skill, _exact("implausible_skill", max(value - limit, 0.0), found.rows, note=note)]


def overall(comparison: Comparison, estimates: dict[Key, Views]) -> Iterable[Measurement]:
    """Each metric of the challenger on all rows."""
    errors = ladder(comparison.criteria.confidence)
    problem = comparison.problems.get(CHALLENGER)
    for metric in comparison.metrics():
        if problem:
            yield Measurement(metric=metric.name, rows=len(comparison.holdout), problem=problem)
            continue
        own = estimates["all",][CHALLENGER][metric.name]
        yield _measurement([own], own.value, partial(of_value, own, errors))


def against(
    comparison: Comparison, baseline: Versus, estimates: dict[Key, Views]
) -> Iterable[Measurement]:
    """Each metric as challenger − baseline, on rows that neither model was trained on."""
    errors, rows = ladder(comparison.criteria.confidence), len(comparison.holdout)
    problem = comparison.problems.get(CHALLENGER) or comparison.problems.get(baseline)
    note = None
    if baseline in comparison.unseen:
        left = len(comparison.unseen[baseline])
        note = f"compared on {left:,} of {rows:,} rows; the {baseline} was trained on the others"
    for metric in comparison.metrics(baseline):
        if problem:
            yield Measurement(metric=metric.name, versus=baseline, rows=rows, problem=problem)
            continue
        views = estimates[comparison.sample_of(baseline)]
        own, other = views[CHALLENGER][metric.name], views[baseline][metric.name]
        bounds = partial(of_difference, own, other, errors)
        yield _measurement(
            [own, other], own.value - other.value, bounds, versus=baseline, note=note
        )


def _measurement(
    estimates: Sequence[BootstrapEstimate],
    value: float,
    bounds: Callable[[], Bounds],
    versus: Versus | None = None,
    note: str | None = None,
) -> Measurement:
    """A value or a difference with its interval.

    Without rows it has neither. This is not a ``problem``, because the judge treats it as too few
    rows.
    """
    problem = next((t.problem for t in estimates if t.problem), None)
    support = min(t.support for t in estimates)
    intervals: tuple[Interval, ...] = ()
    if problem is None and support:
        try:
            intervals = as_intervals(bounds())
        except Exception as error:  # an error in one metric must not hide the other metrics
            problem = in_words(error)
    return Measurement(
        metric=estimates[0].metric.name,
        value=value,
        intervals=intervals,
        rows=len(estimates[0].scored),
        support=None if problem else support,
        versus=versus,
        problem=problem,
        note=note,
    )


def by_slice(
    comparison: Comparison, sliced: SlicedMetric, estimates: dict[Key, Views]
) -> list[Measurement]:
    """The metric in each slice or the difference of any two slices.

    The intervals are corrected for the number of slices or pairs.
    """
    slices: Collection[str] | None = (
        comparison.classes if sliced.by == BY_CLASS else comparison.slices.get(sliced.by)
    )
    problem = comparison.problems.get(CHALLENGER) or problem_of_slices(
        sliced, comparison.holdout, slices
    )
    problem = problem or _not_computed(sliced, comparison)
    if problem is None and slices is not None:
        by_name = {
            name: estimates["slice", sliced.by, name][CHALLENGER][sliced.metric] for name in slices
        }
        try:
            return measure_slices(sliced, by_name, comparison.criteria.confidence)
        except Exception as error:  # an error in one metric must not hide the other metrics
            problem = in_words(error)
    return [
        _refusal(sliced.metric, problem, by=sliced.by, gap=sliced.gap, rows=len(comparison.holdout))
    ]


def _not_computed(sliced: SlicedMetric, comparison: Comparison) -> str | None:
    """Why the metric cannot be computed from predictions of this task, or None if it can."""
    problem, metric = comparison.columns.of_target, sliced.metric
    known = problem.class_metrics if sliced.by == BY_CLASS else problem.metrics
    if metric in known:
        return None
    try:
        problem.metric(metric)
    except ConfigError as error:
        return str(error)
    return f"{metric} is measured as a whole and cannot be computed per slice"


def _refusal(
    metric: str,
    problem: str | None,
    *,
    by: str | None,
    gap: bool,
    rows: int = 0,
    versus: Versus | None = None,
) -> Measurement:
    """A measurement with a problem, in the place where the judge expects the family's."""
    # The judge matches a measurement by metric, by, versus and whether there is an other slice.
    slice_, other = ("any" if by else None), ("any other" if gap else None)
    return Measurement(
        metric=metric,
        by=by,
        slice=slice_,
        other=other,
        versus=versus,
        rows=rows,
        problem=problem or "not measured",
    )


def _unanswered(
    criteria: Criteria,
    measurements: Sequence[Measurement],
    baselines: Mapping[Versus, Baseline],
    problem: Problem,
) -> list[Measurement]:
    """A measurement with a problem for every criterion without a measurement."""
    had = {(m.metric, m.by, m.versus, m.other is not None) for m in measurements}
    found = []
    for c in criteria.criteria:
        gap = c.gap_at_most is not None
        if (c.metric, c.sliced_by, c.versus, gap) in had or _waits_for_a_champion(
            c, baselines, problem
        ):
            continue
        found.append(
            _refusal(
                c.metric, _why_not(c, baselines, problem), by=c.sliced_by, gap=gap, versus=c.versus
            )
        )
    return found


def _waits_for_a_champion(
    criterion: Criterion, baselines: Mapping[Versus, Baseline], problem: Problem
) -> bool:
    """Whether ``if_none`` of the criterion applies because there is no champion."""
    absent = criterion.versus == "champion" and "champion" not in baselines
    return absent and criterion.metric in problem.metrics


def _why_not(criterion: Criterion, baselines: Mapping[Versus, Baseline], problem: Problem) -> str:
    try:
        problem.metric(criterion.metric)
    except ConfigError as error:
        return str(error)
    if criterion.versus is not None and criterion.versus not in baselines:
        return f"there is no {criterion.versus.replace('_', ' ')} to compare with"
    if criterion.versus is not None and criterion.metric not in problem.metrics:
        return f"{criterion.metric} cannot be compared with a baseline"
    return f"{criterion.metric} is not a metric of this task, or it is not measured in this step"


def _confusion(comparison: Comparison) -> tuple[tuple[int, ...], ...]:
    scored = comparison.views.get(CHALLENGER)
    try:
        return () if scored is None else comparison.columns.of_target.confusion(scored)
    except ValueError:  # of decisions that are no classes; every metric reports this
        return ()


def _plots(
    comparison: Comparison, predicted: Predict, features: pd.DataFrame, at_most: int, seed: int
) -> tuple[Curves, tuple[Importance, ...]]:
    scored = comparison.views.get(CHALLENGER)
    if scored is None or len(scored) == 0:
        return {}, ()
    try:
        losses = importance(
            predicted,
            features,
            scored.y,
            comparison.columns,
            at_most=at_most,
            seed=seed,
        )
        return comparison.columns.of_target.curves(scored), losses
    except Exception:
        # Plots decide nothing, and the measurements contain every problem of the predictions.
        return {}, ()
