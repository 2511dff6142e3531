"""The number of additional rows that would settle an undecided result, as a range."""

import math
from statistics import NormalDist
from typing import NamedTuple

from .criteria import Criterion, Interval, Measurement

__all__ = ["MoreRows", "more_rows", "rows_in_words", "rows_needed"]

# The share of samples of this size that decide.
POWER = 0.8
# From here on, the value counts as being at the bar: the number would be useless.
USELESS = 1e12


class MoreRows(NamedTuple):
    """The smallest and the largest plausible number of additional rows."""

    at_least: int
    at_most: int


def more_rows(
    criterion: Criterion, found: Measurement, interval: Interval, error: float
) -> MoreRows | None:
    """The range of additional rows after which 80 % of samples would decide.

    ``interval`` is the interval of ``found`` at the confidence 1 − ``error``. The true value is
    assumed to be within one standard error of the measured one: the lower end is the number for
    the value that is furthest from the bar, the upper end for the nearest. None if the nearest
    reaches the bar, because the number then has no upper limit.
    """
    value = abs(found.value) if criterion.gap_at_most is not None else found.value
    distance = abs(value - criterion.bar)
    half_width = (interval.high - interval.low) / 2
    standard_error = half_width / _z(error)
    if not standard_error < distance:
        return None
    fewest, most = (
        rows_needed(found.rows, half_width, each, error) - found.rows
        for each in (distance + standard_error, distance - standard_error)
    )
    if most >= USELESS:
        return None
    # At least 1: an interval that is not symmetric can contain the bar although the distance is
    # larger than half its width, and the estimate is then not positive.
    return MoreRows(max(1, _two_digits(fewest)), max(1, _two_digits(most)))


def rows_needed(rows: int, half_width: float, distance: float, error: float) -> float:
    """The number of rows with which 80 % of samples have an interval that excludes the bar.

    ``half_width`` is half the width of the interval on ``rows`` rows at the confidence 1 −
    ``error``; it shrinks with the square root of the number of rows. ``distance`` is the distance
    of the true value from the bar. Source: J. M. Lachin (1981), Introduction to sample size
    determination and power analysis for clinical trials, Controlled Clinical Trials 2, 93-113.
    """
    z = _z(error)
    return rows * ((z + NormalDist().inv_cdf(POWER)) / z * half_width / distance) ** 2


def rows_in_words(more: MoreRows | None, counted: str) -> str:
    """The sentence about the number of rows; ``counted`` is their kind."""
    if more is None:
        return (
            f"It cannot be estimated how many more {counted} would settle it: the value is too near"
            " the bar."
        )
    fewest, most = f"{more.at_least:,}", f"{more.at_most:,}"
    about = fewest if fewest == most else f"{fewest} to {most}"
    return f"About {about} more {counted} would settle it."


def _z(error: float) -> float:
    return NormalDist().inv_cdf(1 - error / 2)


def _two_digits(value: float) -> int:
    """``value`` rounded up to two digits, because an estimate should not look exact."""
    if value < 10:
        return math.ceil(value)
    unit = 10 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / unit) * unit
