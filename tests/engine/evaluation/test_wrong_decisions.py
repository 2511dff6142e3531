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
    Weighted,
)

SAMPLES = 200
MOST = 0.03 + 2.6 * np.sqrt(0.03 * 0.97 / SAMPLES)
CALIBRATION = BinaryClassification.metrics["expected_calibration_error"]
AVERAGE_PRECISION = BinaryClassification.metrics["average_precision"]
OF_CLASSES = MulticlassClassification.metrics["expected_calibration_error"]


def sigmoid(odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-odds)))


def stated(
    random: np.random.Generator, rows: int, centre: float, scale: float, shift: float
) -> Scored:
    """Rows whose log odds are normal; the model states ``scale`` × odds + ``shift``."""
    odds = centre + random.standard_normal(rows)
    y = (random.random(rows) < sigmoid(odds)).astype(float)
    return Scored(y, Predictions(y, sigmoid(scale * odds + shift)))


def estimated(metric: Metric, seed: int, **views: Scored) -> list[BootstrapEstimate]:
    sample: dict[Key, Sample] = {("all",): Sample(views, {name: [metric] for name in views})}
    rows = len(next(iter(views.values())))
    found = take(sample, resample(rows, 200, seed))["all",]
    return [by_metric[metric.name] for by_metric in found.values()]


def outside(bounds: Callable[[int], Bounds], truth: float) -> tuple[float, float]:
    """The share of intervals wholly above and wholly below the truth."""
    found = np.array([np.ravel(bounds(seed)) for seed in range(SAMPLES)])
    return float((found[:, 0] > truth).mean()), float((found[:, 1] < truth).mean())


@pytest.mark.parametrize(
    ("centre", "scale", "shift"),
    [(0, 1, 0), (0, 1, 0.15), (0, 2, 0), (-3.5, 1, -0.7)],
    ids=["calibrated", "nearly calibrated", "overconfident", "rare and too low"],
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


def test_the_interval_of_the_calibration_error_of_several_classes_rarely_excludes_the_truth() -> (
    None
):
    random = np.random.default_rng(2)

    def calibrated(rows: int) -> Scored:
        chances = random.dirichlet([1, 1, 1], rows)
        y = (np.log(chances) + random.gumbel(size=chances.shape)).argmax(axis=1).astype(float)
        decision = chances.argmax(axis=1).astype(float)
        return Scored(y, Predictions(decision, probabilities=chances), None, ("a", "b", "c"))

    def bounds(seed: int) -> Bounds:
        return of_value(estimated(OF_CLASSES, seed, scored=calibrated(500))[0], ladder(0.95))

    above, _ = outside(bounds, 0.0)
    assert above <= MOST


def test_the_interval_of_a_difference_of_calibration_errors_rarely_excludes_the_truth() -> None:
    random = np.random.default_rng(3)

    # The errors of the two models have opposite signs on the same rows.
    def both(rows: int) -> tuple[Scored, Scored]:
        odds = random.standard_normal(rows)
        y = (random.random(rows) < sigmoid(odds)).astype(float)
        one, other = (Scored(y, Predictions(y, sigmoid(odds + each))) for each in (0.8, -0.5))
        return one, other

    one, other = (CALIBRATION.compute(each)[0] for each in both(1_000_000))

    def bounds(seed: int) -> Bounds:
        views = dict(zip(("one", "other"), both(500), strict=True))
        challenger, baseline = estimated(CALIBRATION, seed, **views)
        return of_difference(challenger, baseline, ladder(0.95))

    above, below = outside(bounds, one - other)
    assert above <= MOST
    assert below <= MOST


def test_the_interval_of_the_average_precision_of_few_positives_rarely_excludes_the_truth() -> None:
    random = np.random.default_rng(4)

    def weak(rows: int) -> Scored:
        y = (random.random(rows) < 0.09).astype(float)
        score = sigmoid(random.standard_normal(rows) + 0.4 * y)
        return Scored(y, Predictions(y, score))

    truth = AVERAGE_PRECISION.compute(weak(1_000_000))[0]

    def bounds(seed: int) -> Bounds:
        return of_value(estimated(AVERAGE_PRECISION, seed, scored=weak(500))[0], ladder(0.95))

    above, below = outside(bounds, truth)
    assert above <= MOST
    assert below <= MOST


def test_a_good_model_meets_a_calibration_bar_and_a_bad_one_does_not() -> None:
    random = np.random.default_rng(5)
    good, bad = (stated(random, 20_000, 0, 1, shift) for shift in (0.05, 0.3))
    (_,), (high,) = of_value(estimated(CALIBRATION, 0, scored=good)[0], ladder(0.95))
    (low,), (_,) = of_value(estimated(CALIBRATION, 0, scored=bad)[0], ladder(0.95))
    assert high <= 0.03 < low


@pytest.mark.parametrize("metric", [CALIBRATION, AVERAGE_PRECISION], ids=lambda m: m.name)
def test_the_value_is_inside_of_intervals_that_grow_with_the_number_of_slices(
    metric: Metric,
) -> None:
    random = np.random.default_rng(6)
    one, other = (
        estimated(metric, seed, scored=stated(random, 150, 0, 2, 0))[0] for seed in range(2)
    )
    errors = ladder(0.95, 50)
    alone = of_value(one, errors)
    gap = apart(one, other, errors, alone, of_value(other, errors))
    for (low, high), value in ((alone, one.value), (gap, one.value - other.value)):
        assert (low <= value).all()
        assert (high >= value).all()
        assert (np.diff(low) <= 0).all()
        assert (np.diff(high) >= 0).all()


@pytest.mark.parametrize("rows", [1, 60])
def test_rows_without_any_positive_do_not_make_a_calibration_error_certain(rows: int) -> None:
    scored = Scored(np.zeros(rows), Predictions(np.zeros(rows), np.full(rows, 0.03)))
    (low,), (high,) = of_value(estimated(CALIBRATION, 0, scored=scored)[0], ladder(0.95))
    assert low == 0
    assert high > 0.06


def test_a_slice_that_some_resamples_do_not_contain_can_have_any_calibration_error() -> None:
    scored = stated(np.random.default_rng(7), 200, 0, 1, 0)
    place = np.array([3])
    part = {"scored": scored.take(place)}
    sample: dict[Key, Sample] = {("part",): Sample(part, {"scored": [CALIBRATION]}, place)}
    estimate = take(sample, resample(200, 200, 0))["part",]["scored"][CALIBRATION.name]
    (low,), (high,) = of_value(estimate, ladder(0.95))
    assert (low, high) == (0, 1)


@pytest.mark.filterwarnings("error")
def test_the_average_precision_of_a_single_positive_at_the_top_can_be_anything() -> None:
    y = np.arange(40) == 39
    scored = Scored(y.astype(float), Predictions(y.astype(float), np.linspace(0, 1, 40)))
    (low,), (high,) = of_value(estimated(AVERAGE_PRECISION, 0, scored=scored)[0], ladder(0.95))
    assert (low, high) == (0, 1)


@pytest.mark.parametrize("digits", [1, 9], ids=["ties", "no ties"])
def test_the_precision_of_others_equals_that_of_a_loop_over_the_thresholds(digits: int) -> None:
    random = np.random.default_rng(8)
    y, score = (random.random(60) < 0.4).astype(float), np.round(random.random(60), digits)
    w = random.poisson(1, 60).astype(float)
    drawn = AVERAGE_PRECISION.drawn(Weighted(Scored(y, Predictions(y, score)), w[None, :], ()))
    total = weight = 0.0
    for threshold in np.unique(score):
        at_score = w[(score == threshold) & (y == 1)]
        if at_score.sum() == 0:
            continue
        # The copies of the positive row, on average over the drawn positives of this score.
        own = np.average(at_score, weights=at_score)
        above = w[score >= threshold].sum() - own
        if above > 0:
            total += at_score.sum() * (w[(score >= threshold) & (y == 1)].sum() - own) / above
            weight += at_score.sum()
    assert drawn[0, 1] == pytest.approx(total / weight)
