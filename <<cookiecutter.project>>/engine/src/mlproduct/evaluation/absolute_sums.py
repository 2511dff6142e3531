"""What resamples say about a sum of absolute means, such as the calibration error.

The sum is biased upwards, because an error of a mean adds to it in either direction, and the sum of
a resample contains such errors twice. The percentiles of resamples are therefore too high. Instead,
the errors of the means are drawn, and the bounds are the sums that a test does not reject:

    |d̂| − |d| = max(z, −2|d| − z)      d: a true mean, d̂: the observed one
                                       z: its error in the direction of d

A larger |d| makes this smaller. The lower bound therefore assumes for each |d| the smallest value
that is plausible, and the upper bound the largest ones that the sum allows. Without any plausible
deviation the lower bound is 0.
"""

import numpy as np
from scipy.special import ndtri

from ..problems import Deviations
from ..problems.weighted_sums import Weighted
from .bootstrap import BootstrapEstimate
from .proportions import normal_quantiles, wilson

__all__ = ["plausible_sums"]

# A mean that is so many standard errors from 0 has the sign that was observed.
CERTAIN = 3.0
ROUNDS = 3


def plausible_sums(
    estimate: BootstrapEstimate, deviations: Deviations, errors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The sums that the truth can be, for a lower and for an upper bound (two per resample).

    An undefined resample gives NaN. Source of the largest and smallest bias that is plausible:
    R. Berger and D. Boos (1994), P values maximized over a confidence set for the nuisance
    parameter, Journal of the American Statistical Association 89.
    """
    error = errors.min(keepdims=True)
    means, noise = _noise(estimate, deviations, error)
    size, spread = np.abs(means), np.nanstd(noise, axis=0)
    low = size.sum() - _excess(noise, np.maximum(size - CERTAIN * spread, 0.0))
    high = size.sum() - noise.sum(axis=1)
    for _ in range(ROUNDS):
        largest = np.nanmean(high) + normal_quantiles(error) * np.nanstd(high)
        # Of all means with this absolute sum, those in proportion to their errors have the
        # smallest bias.
        high = size.sum() - _excess(noise, largest * spread / spread.sum())
    return low, high


def _excess(noise: np.ndarray, size: np.ndarray) -> np.ndarray:
    """By how much the observed sum is above the sum of ``size``, for each row of ``noise``."""
    return np.asarray(np.maximum(noise, -2 * size - noise).sum(axis=1))


def _noise(
    estimate: BootstrapEstimate, deviations: Deviations, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The observed means of the parts with rows, and their errors in the observed direction.

    The errors are those of the resamples, each with both signs, so that their distribution is
    symmetric. They are as wide as the most variable plausible share of outcomes makes them.
    """
    scored, rows = estimate.scored, len(estimate.scored)
    hits, trials = (mask.sum(axis=0) for mask in deviations.outcomes(scored))
    seen = trials > 0
    hits, trials, draws = hits[seen], trials[seen], estimate.draws[:, seen]
    everything = Weighted(scored, np.ones((1, rows)), estimate.metric.terms)
    means = deviations.means(everything)[0, seen]
    drawn = np.nanstd(draws, axis=0)
    independent = scored.term(deviations.term).std(axis=0)[seen] / np.sqrt(rows)
    # Repeated keys have the effect of fewer rows.
    ratio = np.divide(drawn, independent, out=np.ones_like(drawn), where=independent > 0)
    copies = np.maximum(ratio**2, 1.0)
    share = np.clip(0.5, *wilson(hits / copies, trials / copies, error))
    spread = np.maximum(drawn, np.sqrt(trials * copies * share * (1 - share)) / rows)
    # If no resample differs from the others, the errors are taken from the normal distribution.
    normal = ndtri((np.arange(len(draws)) + 0.5) / len(draws))[:, None]
    standard = np.where(drawn > 0, (draws - means) / np.where(drawn > 0, drawn, 1.0), normal)
    noise = standard * spread * np.where(means < 0, -1, 1)
    return means, np.concatenate([noise, -noise])
