"""The number of rows that settles an undecided result, against samples of that size."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from mlproduct.gate.criteria import Criterion, Interval, Measurement
from mlproduct.gate.more_rows import more_rows, rows_needed

Z = NormalDist().inv_cdf(0.975)
SAMPLES = 4000
AT_FIRST = 400
# From a true value and a number of rows: the middle and half the width of each interval.
Draw = Callable[[np.random.Generator, float, int], tuple[np.ndarray, np.ndarray]]


def shares(random: np.random.Generator, true: float, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of the share of right rows in each sample: its middle and half width."""
    right = random.binomial(rows, true, SAMPLES)
    middle = (right + Z**2 / 2) / (rows + Z**2)
    half = Z * np.sqrt(right * (rows - right) / rows + Z**2 / 4) / (rows + Z**2)
    return middle, half


def means(random: np.random.Generator, true: float, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of an exponential quantity (an error, for example) in each sample."""
    # The sum of exponential values has a gamma distribution, and so on for the standard error.
    middle = random.gamma(rows, true / rows, SAMPLES)
    return middle, Z * middle / np.sqrt(rows)


def rows_at_which_most_decide(draw: Draw, true: float, bar: float) -> int:
    """The smallest number of rows, in steps of 5 %, with which 80 % of the samples decide."""
    random, rows = np.random.default_rng(1), 50
    while True:
        middle, half = draw(random, true, rows)
        if np.mean(np.abs(middle - bar) > half) >= 0.8:
            return rows
        rows = int(rows * 1.05) + 1


@pytest.mark.parametrize(
    ("draw", "true", "bar"),
    [
        (shares, 0.55, 0.6),
        (shares, 0.62, 0.6),
        (shares, 0.65, 0.6),
        (shares, 0.93, 0.9),
        (shares, 0.04, 0.05),
        (means, 1.05, 1.0),
        (means, 0.8, 1.0),
        (means, 12.0, 10.0),
    ],
)
def test_given_the_true_value_the_number_is_right_within_a_factor_of_one_and_a_half(
    draw: Draw, true: float, bar: float
) -> None:
    half_width = float(np.mean(draw(np.random.default_rng(2), true, AT_FIRST)[1]))
    estimated = rows_needed(AT_FIRST, half_width, abs(true - bar), error=0.05)
    assert 1 / 1.5 < estimated / rows_at_which_most_decide(draw, true, bar) < 1.5


def test_the_range_contains_the_number_for_the_true_value_in_most_samples() -> None:
    """Of the samples for which it is stated; one standard error holds two of three."""
    true, bar, rows = 0.65, 0.6, 300
    criterion = Criterion(id="c", says="s", why="w", metric="recall", at_least=bar)
    needed = rows_at_which_most_decide(shares, true, bar) - rows
    hits = []
    for middle, half in zip(*shares(np.random.default_rng(3), true, rows), strict=True):
        interval = Interval(low=middle - half, high=middle + half)
        found = Measurement(metric="recall", value=middle, intervals=(interval,), rows=rows)
        if interval.low < bar <= interval.high and (
            more := more_rows(criterion, found, interval, error=0.05)
        ):
            hits.append(more.at_least <= needed <= more.at_most)
    assert np.mean(hits) > 0.6


def test_a_stricter_level_needs_more_rows_for_the_same_error() -> None:
    """The slices of a criterion are judged at stricter levels, with wider intervals."""
    strict = NormalDist().inv_cdf(1 - 0.01 / 2)
    assert rows_needed(100, Z * 0.1, 0.1, error=0.05) == pytest.approx(
        100 * (Z + 0.8416) ** 2, 1e-3
    )
    assert rows_needed(100, strict * 0.1, 0.1, error=0.01) == pytest.approx(
        100 * (strict + 0.8416) ** 2, 1e-3
    )
