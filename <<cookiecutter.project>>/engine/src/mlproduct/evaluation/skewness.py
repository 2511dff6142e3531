"""Confidence intervals of means of skewed numbers, from the numbers themselves.

A few large errors decide about a mean. A sample with none of them has a small mean and a small
standard error at the same time, and its resamples contain none either. The percentiles of
resamples therefore end too early on the side of the long tail. Two corrections are made there:

- Hall's cubic transformation, with which the studentized mean has no skewness. Source: P. Hall
  (1992), On the removal of skewness by transformation, Journal of the Royal Statistical Society B
  54, 221-228.
- The largest number counts once more, with a weight that grows with the skewness, because numbers
  that are at least as large can be missing from the sample. Adjusted empirical likelihood also adds
  a number that was not seen. Source: J. Chen, A. Variyath and B. Abraham (2008), Adjusted empirical
  likelihood and its properties, Journal of Computational and Graphical Statistics 17, 426-443.

The variance must be finite: without it no method has the right coverage.
"""

import numpy as np
from scipy.special import stdtrit

__all__ = ["reach", "totals"]

# The standard error of a ratio depends on the ratio that is assumed. It changes little.
ROUNDS = 4


def totals(influence: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """The influence of each cluster, whose mean is 0; without ``clusters`` that of each row.

    ``influence`` is the change of a metric with the weight of a row, times the number of rows.
    """
    centred = influence - influence.mean()
    if clusters is None:
        return np.asarray(centred)
    _, codes = np.unique(clusters, return_inverse=True)
    sums = np.bincount(codes, weights=centred)
    return np.asarray(sums * len(sums) / len(influence))


def reach(
    influence: np.ndarray,
    errors: np.ndarray,
    weight: float,
    denominator: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """How far the truth can be below and above a mean, or a ratio of means, at each error level.

    ``influence`` has the mean 0 and at least two different numbers. The largest one counts once
    more, with ``weight`` times the skewness of the mean. The ``denominator`` of a ratio is relative
    to its own mean, which is subtracted. The truths of a ratio are those that a test does not
    reject. Source: E. Fieller (1954), Some problems in interval estimation, Journal of
    the Royal Statistical Society B 16, 175-185.
    """
    down, up = _above(-influence, errors, weight), _above(influence, errors, weight)
    if denominator is None:
        return down, up
    for _ in range(ROUNDS):
        for place, level in enumerate(np.split(errors, len(errors))):
            below, above = (
                -influence - down[place] * denominator,
                influence - up[place] * denominator,
            )
            down[place] = _above(below, level, weight, ratio=True)[0]
            up[place] = _above(above, level, weight, ratio=True)[0]
    return down, up


def _above(
    numbers: np.ndarray, errors: np.ndarray, weight: float, ratio: bool = False
) -> np.ndarray:
    count, largest, lowest = len(numbers), numbers.max(), numbers.min()
    squares, cubes = (numbers**2).sum(), (numbers**3).sum()
    above = (np.maximum(numbers, 0.0) ** 3).sum()
    weight *= above / squares**1.5
    # A tail on the other side brings the end nearer. Its most extreme number can be an accident.
    # In a ratio it is the tail of the other mean, and does not make up for rows that are missing.
    cubes = above if ratio else max(cubes, min(cubes - lowest**3, 0.0))
    # The mean, and the second and third central sums, of the numbers with the additional one.
    mean = weight * largest / (count + weight)
    second = squares + count * mean**2 + weight * (largest - mean) ** 2
    third = cubes - 3 * mean * squares - count * mean**3 + weight * (largest - mean) ** 3
    error = np.sqrt(second / (count + weight) / (count - 1 + weight))
    quantiles = stdtrit(count - 1, 1 - errors / 2)
    return np.asarray(mean + error * _without_skewness(third / second**1.5, quantiles))


def _without_skewness(skewness: float, quantiles: np.ndarray) -> np.ndarray:
    """The standard errors from a mean with this skewness to the truth, at each quantile.

    The cubic transformation needs fewer of them beyond a certain skewness; the most are returned.
    """
    # From almost 0, where the formula is 0 / 0.
    steps = np.linspace(1e-6, 1, 32)[:, None] * (skewness or 1e-9)
    found = 3 / steps * (1 - np.cbrt(1 - steps * (quantiles + steps / 6)))
    return np.asarray(found.max(axis=0) if skewness > 0 else found[-1])
