"""Confidence intervals from resamples, widened where the bootstrap is too narrow.

A bootstrap cannot show an outcome that did not occur: if 40 of 40 predictions are right, they are
right in every resample. Therefore the interval of a proportion is at least as wide as Wilson's, an
outcome that never occurred is considered possible at the rate of the rule of three, and the
interval for the difference of two proportions is at least as wide as Bonett and Price's.

Bounds are a pair of arrays: the lower and the upper end at each error level of ``ladder``.
"""

from itertools import product
from statistics import NormalDist

import numpy as np

from ..gate.criteria import Interval
from ..problems import Cells, Metric, Scored
from .bootstrap import BootstrapEstimate

__all__ = [
    "Bounds",
    "apart",
    "as_intervals",
    "ladder",
    "matched",
    "of_difference",
    "of_value",
    "percentile",
    "wilson",
]

Bounds = tuple[np.ndarray, np.ndarray]


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
    bounds = percentile(estimate.draws, estimate.value, errors, metric.lowest, metric.highest)
    if metric.proportion is not None:
        right, counted = metric.proportion(estimate.scored)
        bounds = _widest(bounds, wilson(right.sum(), counted.sum(), errors))
    return _widest(bounds, _unseen(estimate, errors))


def of_difference(
    estimate: BootstrapEstimate, baseline: BootstrapEstimate, errors: np.ndarray
) -> Bounds:
    """The bounds of challenger − baseline on the same rows; exactly 0 for equal predictions."""
    if estimate.scored.predictions.same_as(baseline.scored.predictions):
        # Without this, the widening below would give two equal models an interval with a width.
        return np.zeros(len(errors)), np.zeros(len(errors))
    metric, difference = estimate.metric, estimate.value - baseline.value
    bounds = percentile(
        estimate.draws - baseline.draws, difference, errors, *_range_of_difference(metric)
    )
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
    drawn = percentile(
        one.draws - other.draws, difference, errors, *_range_of_difference(one.metric)
    )
    return _widest(drawn, (difference - down, difference + up))


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
    reach = (
        _z(errors) * float(np.std(draws[~missing]))
        if not missing.all()
        else np.full(len(errors), np.inf)
    )
    reach = np.where(outside < 0, reach, 0.0)
    return _within(_widest((low, high), (value - reach, value + reach)), lowest, highest)


def wilson(right: float, trials: float, errors: np.ndarray) -> Bounds:
    """Wilson's score interval of the proportion ``right`` / ``trials``.

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical
    inference.
    """
    z2 = _z(errors) ** 2
    middle = (right + z2 / 2) / (trials + z2)
    reach = np.sqrt(z2 * (right * (trials - right) / trials + z2 / 4)) / (trials + z2)
    return _within((middle - reach, middle + reach), 0.0, 1.0)


def matched(won: float, lost: float, trials: float, errors: np.ndarray) -> Bounds:
    """The bounds of the difference of two proportions on the same rows.

    ``won`` and ``lost`` count the rows on which only the first or only the second is right.
    Source: D. G. Bonett and R. M. Price (2012), Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data, Journal of Educational and
    Behavioral Statistics 37.
    """
    first, second = (won + 1) / (trials + 2), (lost + 1) / (trials + 2)
    reach = _z(errors) * np.sqrt((first + second - (first - second) ** 2) / (trials + 2))
    return _within((first - second - reach, first - second + reach), -1.0, 1.0)


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
    reach = _rare(estimate.support, errors) * (metric.highest - metric.lowest)
    return _within((value - reach, value + reach), metric.lowest, metric.highest)


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
    rare = rows * _rare(rows, errors)
    return [seen, rare if one == 0 else rows - rare]


def _rare(rows: float, errors: np.ndarray) -> np.ndarray:
    """The largest plausible share of an outcome that never occurred in ``rows`` rows.

    Source: J. A. Hanley and A. Lippman-Hand (1983), If nothing goes wrong, is everything all
    right?, JAMA 249, 1743-1745.
    """
    return np.asarray(1 - (errors / 2) ** (1 / rows))


def _range_of_difference(metric: Metric) -> tuple[float, float]:
    return metric.lowest - metric.highest, metric.highest - metric.lowest


def _z(errors: np.ndarray) -> np.ndarray:
    return np.array([NormalDist().inv_cdf(1 - error / 2) for error in errors])


def _widest(one: Bounds, other: Bounds) -> Bounds:
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])


def _within(bounds: Bounds, lowest: float, highest: float) -> Bounds:
    return np.maximum(bounds[0], lowest), np.minimum(bounds[1], highest)
