"""How often an interval excludes the truth: at most 2.5 % on each side, nominally.

Each test has a fixed seed and allows 3 % plus 2.6 standard errors.
"""

from collections.abc import Callable

import numpy as np
import pytest
from mlproduct.evaluation.bootstrap import BootstrapEstimate, Key, Sample, resample, take
from mlproduct.evaluation.intervals import Bounds, apart, ladder, of_difference, of_value
from mlproduct.problems import (
    BinaryClassification,
    Metric,
    MulticlassClassification,
    Predictions,
    Scored,
)

SAMPLES = 200
MOST = 0.03 + 2.6 * np.sqrt(0.03 * 0.97 / SAMPLES)
CALIBRATION = BinaryClassification.metrics["expected_calibration_error"]
OF_CLASSES = MulticlassClassification.metrics["expected_calibration_error"]
Draw = Callable[[np.random.Generator, int], Scored]


def sigmoid(odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-odds)))


def stated(
    random: np.random.Generator, rows: int, centre: float, scale: float, shift: float
) -> Scored:
    """Rows whose log odds are normal; the model states ``scale`` × odds + ``shift``."""
    odds = centre + random.standard_normal(rows)
    y = (random.random(rows) < sigmoid(odds)).astype(float)
    return Scored(y, Predictions(y, sigmoid(scale * odds + shift)))


def estimated(
    metric: Metric, seed: int, resamples: int = 200, **views: Scored
) -> list[BootstrapEstimate]:
    sample = {("all",): Sample(views, dict.fromkeys(views, [metric]))}
    rows = len(next(iter(views.values())))
    found = take(sample, resample(rows, resamples, seed))["all",]
    return [by_metric[metric.name] for by_metric in found.values()]


def outside(bounds: Callable[[int], Bounds], truth: float) -> tuple[float, float]:
    """The share of intervals wholly above and wholly below the truth."""
    found = np.array([np.ravel(bounds(seed)) for seed in range(SAMPLES)])
    return float((found[:, 0] > truth).mean()), float((found[:, 1] < truth).mean())


@pytest.mark.parametrize(
    ("centre", "scale", "shift"),
    [(0, 1, 0), (0, 1, 0.15), (0, 2, 0), (-3.5, 1, 0), (-3.5, 1, -0.7)],
    ids=["calibrated", "nearly calibrated", "overconfident", "rare", "rare and too low"],
)
def test_the_interval_of_a_calibration_error_is_rarely_wholly_on_one_side_of_the_truth(
    centre: float, scale: float, shift: float
) -> None:
    random = np.random.default_rng(1)
    truth = CALIBRATION.compute(stated(random, 1_000_000, centre, scale, shift))[0]

    def bounds(seed: int) -> Bounds:
        scored = stated(random, 500, centre, scale, shift)
        return of_value(estimated(CALIBRATION, seed, scored=scored)[0], ladder(0.95))

    above, below = outside(bounds, truth)
    assert above <= MOST
    assert below <= MOST
