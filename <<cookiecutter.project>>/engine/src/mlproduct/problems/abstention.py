"""The probability below which a person decides, and the temperature of the probabilities."""

from collections.abc import Callable

import numpy as np

from ..estimators import tempered

__all__ = ["best_abstention", "temperature"]

STEPS = 40  # thresholds that are tried between no abstention and the highest allowed share

# The relative decrease of the log loss from which on a temperature is worth the additional step.
CLEARLY = 0.005


def temperature(y: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature with the lowest log loss on out-of-fold ``probabilities`` (n × K).

    It is 1, which changes nothing, unless the log loss is clearly lower with another one.
    """
    from scipy.optimize import minimize_scalar

    rows, actual = np.arange(len(y)), y.astype(int)
    # Away from 0, whose logarithm is infinite for any temperature.
    safe = np.clip(probabilities, 1e-12, 1.0)

    def loss(logarithm: float) -> float:
        chance = tempered(safe, float(np.exp(logarithm)))[rows, actual]
        return float(-np.log(np.clip(chance, 1e-12, 1.0)).mean())

    # Between a tenth and ten times: beyond, all probabilities are equal, or one of them is 1.
    best = minimize_scalar(loss, bounds=(-np.log(10), np.log(10)), method="bounded")
    return float(np.exp(best.x)) if best.fun < loss(0.0) * (1 - CLEARLY) else 1.0


def best_abstention(
    score: np.ndarray,
    most: float,
    value: Callable[[np.ndarray], float],
    better: Callable[[float, float], bool],
) -> float:
    """The threshold at which the metric is best if rows with a lower ``score`` go to a person.

    At most the share ``most`` of the rows may. ``value`` returns the metric for a mask of these
    rows. Of equally good thresholds, the lowest is used, because it leaves fewest to a person.
    """
    best, found = 0.0, value(np.zeros(len(score), dtype=bool))
    ordered = np.sort(score)
    for share in np.linspace(0, most, STEPS + 1)[1:]:
        place = int(share * len(ordered))
        # The row at ``place`` is still decided by the model, so at most ``place`` rows are not.
        threshold = float(ordered[place]) if place < len(ordered) else float(ordered[-1])
        tried = value(score < threshold)
        if better(tried, found):
            best, found = threshold, tried
    return best
