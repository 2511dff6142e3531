"""Confidence intervals of a proportion and of the difference of two, from counts.

Bounds are a pair of arrays: the lower and the upper end at each error level.
"""

from statistics import NormalDist

import numpy as np

__all__ = ["Bounds", "matched", "normal_quantiles", "rule_of_three", "wilson", "within"]

Bounds = tuple[np.ndarray, np.ndarray]


def wilson(right: float | np.ndarray, trials: float | np.ndarray, errors: np.ndarray) -> Bounds:
    """Wilson's score interval of the proportion ``right`` / ``trials``.

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical
    inference.
    """
    z2 = normal_quantiles(errors) ** 2
    middle = (right + z2 / 2) / (trials + z2)
    reach = np.sqrt(z2 * (right * (trials - right) / trials + z2 / 4)) / (trials + z2)
    return within((middle - reach, middle + reach), 0.0, 1.0)


def matched(won: float, lost: float, trials: float, errors: np.ndarray) -> Bounds:
    """The bounds of the difference of two proportions on the same rows.

    ``won`` and ``lost`` count the rows on which only the first or only the second is right.
    Source: D. G. Bonett and R. M. Price (2012), Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data, Journal of Educational and
    Behavioral Statistics 37.
    """
    first, second = (won + 1) / (trials + 2), (lost + 1) / (trials + 2)
    reach = np.sqrt((first + second - (first - second) ** 2) / (trials + 2))
    reach = normal_quantiles(errors) * reach
    return within((first - second - reach, first - second + reach), -1.0, 1.0)


def rule_of_three(rows: float, errors: np.ndarray) -> np.ndarray:
    """The largest plausible share of an outcome that never occurred in ``rows`` rows.

    Source: J. A. Hanley and A. Lippman-Hand (1983), If nothing goes wrong, is everything all
    right?, JAMA 249, 1743-1745.
    """
    return np.asarray(1 - (errors / 2) ** (1 / rows))


def normal_quantiles(errors: np.ndarray) -> np.ndarray:
    """The quantile of the normal distribution that leaves error/2 above it, at each level."""
    return np.array([NormalDist().inv_cdf(1 - error / 2) for error in errors])


def within(bounds: Bounds, lowest: float, highest: float) -> Bounds:
    """The bounds without the part outside of ``lowest`` to ``highest``."""
    return np.maximum(bounds[0], lowest), np.minimum(bounds[1], highest)
