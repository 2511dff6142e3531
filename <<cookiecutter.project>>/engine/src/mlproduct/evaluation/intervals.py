"""Confidence intervals from resamples, widened where the bootstrap is too narrow.

A bootstrap cannot show an outcome that did not occur: if 40 of 40 predictions are right, they are
right in every resample. Therefore the interval of a proportion is at least as wide as Wilson's, an
outcome that never occurred is considered possible at the rate of the rule of three, and the
interval for the difference of two proportions is at least as wide as Bonett and Price's.

Bounds are a pair of arrays: the lower and the upper end at each error level of ``ladder``.
"""

from functools import reduce
from itertools import product

import numpy as np
from scipy.special import expit, logit

from ..gate.criteria import Interval
from ..problems import Cells, Deviations, Metric, Scored
from ..problems.metric import TAIL
from .absolute_sums import plausible_sums
from .bootstrap import BootstrapEstimate
from .proportions import Bounds, matched, normal_quantiles, rule_of_three, wilson, within
from .skewness import reach, totals

__all__ = [
    "Bounds",
    "apart",
    "as_intervals",
    "ladder",
    "of_difference",
    "of_value",
    "on_logit_scale",
    "percentile",
]


def ladder(confidence: float, steps: int = 1) -> np.ndarray:
    """The error level of each step k: (1 − confidence)/(k + 1)."""
    return (1 - confidence) / np.arange(1, steps + 1)


def as_intervals(bounds: Bounds) -> tuple[Interval, ...]:
    """The bounds as one ``Interval`` per error level."""
    return tuple(
        Interval(low=float(low), high=float(high)) for low, high in zip(*bounds, strict=True)
    )


def of_value(estimate: BootstrapEstimate, errors: np.ndarray) -> Bounds:
    """The bounds of one value at each error level."""
    metric = estimate.metric
    bounds = _estimated(estimate, None, errors)
    if metric.proportion is not None:
        right, counted = metric.proportion(estimate.scored)
        bounds = _widest(bounds, wilson(right.sum(), counted.sum(), errors))
    if metric.without_own is not None:
        without_own = on_logit_scale(estimate.draws[:, 1], estimate.support, errors)
        bounds = _widest(bounds, without_own)
    return _widest(bounds, _unseen(estimate, errors))


def of_difference(
    estimate: BootstrapEstimate, baseline: BootstrapEstimate, errors: np.ndarray
) -> Bounds:
    """The bounds of challenger − baseline on the same rows; exactly 0 for equal predictions."""
    if estimate.scored.predictions.same_as(baseline.scored.predictions):
        # Without this, the widening below would give two equal models an interval with a width.
        return np.zeros(len(errors)), np.zeros(len(errors))
    metric, bounds = estimate.metric, _estimated(estimate, baseline, errors)
    if metric.proportion is not None:
        (mine, counted), (theirs, of_baseline) = (
            metric.proportion(estimate.scored),
            metric.proportion(baseline.scored),
        )
        # The paired interval needs the same rows in both proportions. Precision, for example, has
        # other rows for each model.
        if np.array_equal(counted, of_baseline):
            won, lost = (mine & ~theirs & counted).sum(), (theirs & ~mine & counted).sum()
            bounds = _widest(bounds, matched(won, lost, counted.sum(), errors))
    # Only the challenger's outcomes that never occurred widen the interval: mistakes that the
    # baseline has not made so far could only favour the challenger.
    low, high = _unseen(estimate, errors)
    return _widest(bounds, (low - baseline.value, high - baseline.value))


def apart(
    one: BootstrapEstimate,
    other: BootstrapEstimate,
    errors: np.ndarray,
    of_one: Bounds,
    of_other: Bounds,
) -> Bounds:
    """The bounds of one − other on different rows, from the bounds of each value.

    They are at least as wide as the combined bounds of both values. Source: R. Newcombe (1998),
    Interval estimation for the difference between independent proportions, Statistics in
    Medicine 17, 873-890.
    """
    difference = one.value - other.value
    down = np.hypot(one.value - of_one[0], of_other[1] - other.value)
    up = np.hypot(of_one[1] - one.value, other.value - of_other[0])
    return _widest(_drawn(one, other, errors), (difference - down, difference + up))


def _estimated(
    one: BootstrapEstimate, other: BootstrapEstimate | None, errors: np.ndarray
) -> Bounds:
    """The bounds of a value, or of one − other on the same rows.

    They contain those from resamples and, if the metric states it, those from the influence of
    each row. Few rows can make a value skewed, which resamples do not show, and a metric of counts
    jumps, which the influence does not show.
    """
    drawn, by_influence = _drawn(one, other, errors), _by_influence(one, other, errors)
    return drawn if by_influence is None else _widest(drawn, by_influence)


def _by_influence(
    one: BootstrapEstimate, other: BootstrapEstimate | None, errors: np.ndarray
) -> Bounds | None:
    """The bounds from the influence of each row.

    None if the metric does not state it, or if all rows have the same. A proportion does not need
    them, but a difference of two proportions of different rows does.
    """
    metric = one.metric
    # Differences of two models on the same rows are less skewed than the values.
    power, weight = (metric.power, metric.tail) if other is None else (1, TAIL)
    value = one.value - (0.0 if other is None else other.value)
    if metric.influence is None or (metric.proportion is not None and other is None):
        return None
    influence = one.influence - (0.0 if other is None else other.influence)
    # On the scale of a mean, where the distance to the truth is that of the mean.
    found = totals(influence * power * value ** (power - 1), one.clusters)
    # The range of NaN, for an undefined value, is not above 0 either.
    if len(found) < 2 or not np.ptp(found) > 0:
        return None
    denominator = None
    if metric.denominator is not None:
        of_rows = one.scored.term(metric.denominator)[:, 0]
        denominator = totals(of_rows / of_rows.mean(), one.clusters)
    down, up = reach(found, errors, weight, denominator)
    if power != 1:
        low, high = np.maximum(value**power - down, 0.0), value**power + up
        return low ** (1 / power), high ** (1 / power)
    return within((value - down, value + up), *_ends(metric, other is not None))


def _ends(metric: Metric, of_difference: bool) -> tuple[float, float]:
    """The lowest and the highest value, or difference of two values."""
    ends = metric.lowest, metric.highest
    return (ends[0] - ends[1], ends[1] - ends[0]) if of_difference else ends


def _drawn(one: BootstrapEstimate, other: BootstrapEstimate | None, errors: np.ndarray) -> Bounds:
    """The bounds of a value, or of one − other, from the resamples of both."""
    metric, value = one.metric, one.value
    ends = _ends(metric, other is not None)
    if other is not None:
        value -= other.value
    if metric.deviations is not None:
        sums = _plausible_sums(one, other, metric.deviations, errors)
        low, high = (percentile(each, float(np.nanmean(each)), errors, *ends) for each in sums)
        return _widest((low[0], high[1]), (np.full(len(errors), value),) * 2)
    draws = one.draws if other is None else one.draws - other.draws
    bounds = [percentile(column, value, errors, *ends) for column in draws.T]
    return reduce(_widest, bounds)


def _plausible_sums(
    one: BootstrapEstimate,
    other: BootstrapEstimate | None,
    deviations: Deviations,
    errors: np.ndarray,
) -> Bounds:
    low, high = plausible_sums(one, deviations, errors)
    if other is None:
        return low, high
    low_of_other, high_of_other = plausible_sums(other, deviations, errors)
    return low - high_of_other, high - low_of_other


def on_logit_scale(draws: np.ndarray, rows: int, errors: np.ndarray) -> Bounds:
    """The normal interval of the log odds of ``draws``, which are shares of ``rows`` rows.

    It is 0 to 1 if every draw is undefined. Source: K. Boyd, K. Eng and D. Page (2013), Area under
    the precision-recall curve: point estimates and confidence intervals, ECML PKDD.
    """
    if np.isnan(draws).all():
        return np.zeros(len(errors)), np.ones(len(errors))
    # The log odds of 0 and 1 are infinite.
    odds = logit(np.clip(draws, 0.5 / rows, 1 - 0.5 / rows))
    middle, half = np.nanmean(odds), normal_quantiles(errors) * np.nanstd(odds)
    return expit(middle - half), expit(middle + half)


def percentile(
    draws: np.ndarray,
    value: float,
    errors: np.ndarray,
    lowest: float = -np.inf,
    highest: float = np.inf,
) -> Bounds:
    """The bounds with a share of error/2 of the draws outside on each side; they include ``value``.

    An undefined draw (NaN) counts as ``lowest`` at the lower end and as ``highest`` at the upper
    end. With too few draws for an error level, the bounds are the extreme draws or the normal
    approximation, whichever is wider. Source of the ranks: B. Efron and R. Tibshirani (1993), An
    Introduction to the Bootstrap, chapter 12.
    """
    missing = np.isnan(draws)
    # 1e-9 is for products that are whole numbers up to the rounding of floats.
    outside = np.floor((len(draws) + 1) * errors / 2 + 1e-9).astype(int) - 1
    inside = np.maximum(outside, 0)
    low = np.sort(np.where(missing, lowest, draws))[inside]
    high = np.sort(np.where(missing, highest, draws))[len(draws) - 1 - inside]
    beyond = (
        normal_quantiles(errors) * float(np.std(draws[~missing]))
        if not missing.all()
        else np.full(len(errors), np.inf)
    )
    beyond = np.where(outside < 0, beyond, 0.0)
    return within(_widest((low, high), (value - beyond, value + beyond)), lowest, highest)


def _unseen(estimate: BootstrapEstimate, errors: np.ndarray) -> Bounds:
    """The bounds of the value if outcomes that never occurred are possible but rare."""
    metric, value = estimate.metric, estimate.value
    nothing = (np.full(len(errors), value), np.full(len(errors), value))
    if metric.cells is not None:
        found = _with_rare_outcomes(metric, metric.cells, estimate.scored, errors)
        return _widest(
            nothing,
            (np.nanmin(found, axis=0, initial=value), np.nanmax(found, axis=0, initial=value)),
        )
    # Only at an end of its range, such as an error of 0, can a value hide outcomes that are rare.
    if value not in (metric.lowest, metric.highest) or not np.isfinite(
        metric.highest - metric.lowest
    ):
        return nothing
    rare = rule_of_three(estimate.support, errors) * (metric.highest - metric.lowest)
    return within((value - rare, value + rare), metric.lowest, metric.highest)


def _with_rare_outcomes(
    metric: Metric, cells: Cells, scored: Scored, errors: np.ndarray
) -> np.ndarray:
    tp, fp, fn, tn = (float(scored.term(counted).sum()) for counted in metric.terms)
    # A combination for which the metric is undefined gives NaN, which is ignored later.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array(
            [
                cells(caught, raised, tp + fn - caught, fp + tn - raised, scored.value)
                for caught, raised in product(_moved(tp, fn, errors), _moved(fp, tn, errors))
            ]
        )


def _moved(one: float, other: float, errors: np.ndarray) -> list[np.ndarray]:
    """The possible counts of ``one`` among one + other rows.

    The observed count, and the largest plausible change if either outcome never occurred.
    """
    rows = one + other
    seen = np.full(len(errors), one)
    if rows == 0 or (one > 0 and other > 0):
        return [seen]
    rare = rows * rule_of_three(rows, errors)
    return [seen, rare if one == 0 else rows - rare]


def _widest(one: Bounds, other: Bounds) -> Bounds:
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])
