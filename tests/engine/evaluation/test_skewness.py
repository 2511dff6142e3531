"""Intervals of means that a few rows dominate."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from mlproduct.evaluation.bootstrap import BootstrapEstimate, Key, Sample, resample, take
from mlproduct.evaluation.intervals import ladder, of_difference, of_value
from mlproduct.evaluation.skewness import reach, totals
from mlproduct.problems import BinaryClassification, Metric, Predictions, Regression, Scored
from mlproduct.problems.metric import TAIL

Noise = Callable[[np.random.Generator, int], np.ndarray]
SAMPLES, ERRORS = 1_000, ladder(0.95)
# 3 % plus a standard error.
MOST = 0.03 + np.sqrt(0.03 * 0.97 / SAMPLES)
RMSE, R2 = Regression.metrics["rmse"], Regression.metrics["r2"]
ROC_AUC = BinaryClassification.metrics["roc_auc"]
VALUE = BinaryClassification.metrics["value_per_1000"]


def estimated(
    metric: Metric, clusters: np.ndarray | None = None, resamples: int = 2, **views: Scored
) -> dict[str, BootstrapEstimate]:
    sample: dict[Key, Sample] = {("all",): Sample(views, {name: [metric] for name in views})}
    rows = len(next(iter(views.values())))
    found = take(sample, resample(rows, resamples, 0, clusters), clusters)["all",]
    return {name: by_metric[metric.name] for name, by_metric in found.items()}


def outside(
    metric: Metric, rows: Callable[[np.random.Generator], Scored], truth: float
) -> tuple[float, float]:
    """The share of intervals wholly above and wholly below the truth, without resamples.

    Resamples can only widen an interval. Without their spread, the influence of the rows decides.
    """
    random = np.random.default_rng(1)
    found = []
    for _ in range(SAMPLES):
        scored = rows(random)
        value = float(metric.compute(scored)[0])
        constant = [np.full((99, 1), value)]
        estimate = BootstrapEstimate(metric, scored, value, metric.support(scored), chunks=constant)
        found.append(of_value(estimate, ERRORS))
    low, high = np.array(found)[:, :, 0].T
    return float((low > truth).mean()), float((high < truth).mean())


def exponential(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.exponential(1, rows) - 1


def lognormal(random: np.random.Generator, rows: int) -> np.ndarray:
    return np.exp(0.5 * random.standard_normal(rows)) - np.exp(0.125)


def gamma(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.gamma(0.5, np.sqrt(2), rows) - np.sqrt(0.5)


def far(random: np.random.Generator, rows: int) -> np.ndarray:
    """Lognormal numbers with a skewness of 3, of predictions of different sizes."""
    numbers = np.exp(0.75 * random.standard_normal(rows)) - np.exp(0.28125)
    return np.asarray(numbers * np.exp(0.5 * random.standard_normal(rows)))


def heavy(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.standard_t(5, rows)


@pytest.mark.parametrize(
    ("noise", "truth"),
    [
        (exponential, 1.0),
        (lognormal, np.sqrt(np.exp(0.25) * (np.exp(0.25) - 1))),
        (far, np.sqrt(np.exp(0.5 + 0.5625) * (np.exp(0.5625) - 1))),
        (heavy, np.sqrt(5 / 3)),
    ],
)
def test_the_interval_of_the_rmse_of_skewed_errors_rarely_excludes_the_truth(
    noise: Noise, truth: float
) -> None:
    def errors(random: np.random.Generator) -> Scored:
        error = noise(random, 500)
        return Scored(error, Predictions(0 * error))

    assert max(outside(RMSE, errors, truth)) <= MOST


@pytest.mark.parametrize("noise", [exponential, gamma])
def test_the_interval_of_the_r2_of_skewed_errors_rarely_excludes_the_truth(noise: Noise) -> None:
    def rows(random: np.random.Generator) -> Scored:
        known = np.exp(3 + 0.5 * random.standard_normal(500))
        return Scored(known * (1 + 0.2 * noise(random, 500)), Predictions(known))

    # The variances of the target and of the errors, both with the mean square of ``known``.
    of_errors = 0.04 * np.exp(6.5)
    of_targets = np.exp(6.25) * (np.exp(0.25) - 1) + of_errors
    assert max(outside(R2, rows, 1 - of_errors / of_targets)) <= MOST


@pytest.mark.parametrize("share", [0.5, 0.1], ids=["250 positives", "50 positives"])
def test_the_interval_of_a_high_roc_auc_rarely_excludes_the_truth(share: float) -> None:
    def rows(random: np.random.Generator) -> Scored:
        y = (random.random(500) < share).astype(float)
        score = random.standard_normal(500) + 3 * y
        return Scored(y, Predictions((score > 1.5).astype(float), score))

    # The difference of two scores is normal with mean 3 and variance 2.
    assert max(outside(ROC_AUC, rows, NormalDist().cdf(3 / np.sqrt(2)))) <= MOST


def test_the_interval_of_normal_numbers_is_that_of_student() -> None:
    centred = totals(np.random.default_rng(2).standard_normal(20_000), None)
    down, up = reach(centred, ERRORS, TAIL)
    expected = 1.96 * centred.std() / np.sqrt(20_000)
    assert down[0] == pytest.approx(expected, rel=0.01)
    assert up[0] == pytest.approx(expected, rel=0.01)


def test_an_interval_reaches_further_on_the_side_of_the_long_tail() -> None:
    centred = totals(np.random.default_rng(3).exponential(1, 300) ** 2, None)
    down, up = reach(centred, ladder(0.95, 5), TAIL)
    assert (up > 1.3 * down).all()
    assert (np.diff(down) > 0).all()
    assert (np.diff(up) > 0).all()
    mirrored = reach(-centred, ladder(0.95, 5), TAIL)
    assert mirrored[0] == pytest.approx(up)
    assert mirrored[1] == pytest.approx(down)


def test_copies_of_each_row_do_not_make_the_interval_narrower_if_keys_repeat() -> None:
    y = lognormal(np.random.default_rng(4), 60)
    once = estimated(RMSE, own=Scored(y, Predictions(0 * y)))["own"]
    several, subjects = np.repeat(y, 7), np.repeat(np.arange(60), 7)
    copied = estimated(RMSE, subjects, own=Scored(several, Predictions(0 * several)))["own"]
    assert np.array(of_value(copied, ERRORS)) == pytest.approx(np.array(of_value(once, ERRORS)))


def test_the_interval_of_a_difference_of_r2_contains_it_and_is_as_wide_as_that_of_resamples() -> (
    None
):
    random = np.random.default_rng(6)
    y = random.standard_normal(3_000)
    views = {
        name: Scored(y, Predictions(y + spread * random.standard_normal(3_000)))
        for name, spread in (("challenger", 0.5), ("baseline", 0.6))
    }
    both = estimated(R2, None, 200, **views)
    own, other = both["challenger"], both["baseline"]
    (low,), (high,) = of_difference(own, other, ERRORS)
    assert low < own.value - other.value < high
    drawn = np.std(own.draws - other.draws)
    assert high - low == pytest.approx(2 * 1.96 * drawn, rel=0.25)


def test_the_value_is_based_on_the_rows_of_the_rarer_class() -> None:
    y = (np.arange(200) < 7).astype(float)
    assert VALUE.support(Scored(y, Predictions(y))) == 7
    assert VALUE.support(Scored(1 - y, Predictions(y))) == 7


def test_equal_errors_have_an_interval_without_a_width() -> None:
    y = np.ones(50)
    (low,), (high,) = of_value(estimated(RMSE, own=Scored(y, Predictions(0 * y)))["own"], ERRORS)
    assert (low, high) == (1, 1)
