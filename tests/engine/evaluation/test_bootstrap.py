"""Bootstrap weights, and the coverage and width of confidence intervals."""

import numpy as np
import pandas as pd
import pytest
from mlproduct.evaluation.bootstrap import BootstrapEstimate, Sample, clusters_of, resample, take
from mlproduct.evaluation.intervals import ladder, of_difference, of_value, percentile
from mlproduct.evaluation.proportions import matched, wilson
from mlproduct.problems import BinaryClassification, Predictions, Regression, Scored

METRICS = {**BinaryClassification.metrics, **Regression.metrics}

ERRORS = ladder(0.95)


def estimates(
    metric: str,
    seed: int = 0,
    resamples: int = 400,
    clusters: np.ndarray | None = None,
    **views: Scored,
) -> dict[str, BootstrapEstimate]:
    found = take(
        {("all",): Sample(views, {name: [METRICS[metric]] for name in views})},
        resample(len(next(iter(views.values()))), resamples, seed, clusters),
    )["all",]
    return {name: by_metric[metric] for name, by_metric in found.items()}


def scored_by_decision(y: np.ndarray, decision: np.ndarray) -> Scored:
    return Scored(y.astype(float), Predictions(decision.astype(float)))


def test_resampling_weights_are_multinomial_seeded_and_in_blocks_of_limited_size() -> None:
    blocks = list(resample(300_000, 8, seed=1))
    assert max(len(block) for block in blocks) < 8
    weights = np.concatenate(blocks)
    assert weights.shape == (8, 300_000)
    assert (weights.sum(axis=1, dtype=float) == 300_000).all()
    assert weights.var() == pytest.approx(1, abs=0.01)
    assert np.array_equal(weights[:1], next(resample(300_000, 1, seed=1)))


def test_the_interval_of_a_recall_covers_the_true_value() -> None:
    random, covered = np.random.default_rng(3), 0
    for run in range(200):
        y = random.random(300) < 0.3
        scored = scored_by_decision(y, np.where(y, random.random(300) < 0.8, False))
        (low,), (high,) = of_value(estimates("recall", run, view=scored)["view"], ERRORS)
        covered += low <= 0.8 <= high
    assert covered >= 0.92 * 200


def test_the_interval_of_a_paired_difference_covers_the_true_value_and_is_narrow() -> None:
    random, covered, widths = np.random.default_rng(4), 0, []
    for run in range(200):
        y = random.random(400) < 0.5
        first = random.random(400) < 0.8
        second = np.where(random.random(400) < 0.9, first, random.random(400) < 0.5)
        both = estimates(
            "accuracy",
            run,
            one=scored_by_decision(y, np.where(first, y, ~y)),
            two=scored_by_decision(y, np.where(second, y, ~y)),
        )
        (low,), (high,) = of_difference(both["one"], both["two"], ERRORS)
        covered += low <= 0.03 <= high
        widths.append(high - low)
    assert covered >= 0.92 * 200
    assert np.mean(widths) < 0.06


def test_the_difference_of_equal_predictions_is_exactly_zero() -> None:
    random = np.random.default_rng(5)
    y, score = (random.random(100) < 0.3).astype(float), random.random(100)
    one, two = (Scored(y, Predictions((score > 0.5).astype(float), score.copy())) for _ in range(2))
    for metric in ("recall", "roc_auc", "log_loss"):
        both = estimates(metric, one=one, two=two)
        low, high = of_difference(both["one"], both["two"], ladder(0.95, 3))
        assert low.tolist() == high.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "metric", ["accuracy", "recall", "precision", "balanced_accuracy", "f1", "roc_auc"]
)
def test_the_interval_of_a_perfect_value_on_few_rows_has_a_width(metric: str) -> None:
    y = np.arange(60) % 2
    perfect = Scored(y.astype(float), Predictions(y.astype(float), y.astype(float)))
    constant = Scored(y.astype(float), Predictions(np.zeros(60), np.full(60, 0.5)))
    both = estimates(metric, perfect=perfect, constant=constant)
    (low,), (high,) = of_value(both["perfect"], ERRORS)
    assert high == 1
    assert 0.8 < low < 0.97
    if both["constant"].support:
        (low,), (high,) = of_difference(both["perfect"], both["constant"], ERRORS)
        assert low < both["perfect"].value - both["constant"].value


def test_rows_of_one_subject_are_resampled_together() -> None:
    random = np.random.default_rng(6)
    right = np.repeat(random.random(40) < 0.7, 10)
    scored, keys = scored_by_decision(np.ones(400), right), pd.Series(np.repeat(np.arange(40), 10))
    separate_width = np.subtract(
        *of_value(estimates("accuracy", view=scored)["view"], ERRORS)[::-1]
    )
    clustered_width = np.subtract(
        *of_value(estimates("accuracy", view=scored, clusters=clusters_of(keys))["view"], ERRORS)[
            ::-1
        ]
    )
    assert clustered_width > 2 * separate_width
    assert clusters_of(pd.Series(["a", "b"])) is None


def test_undefined_draws_widen_the_interval() -> None:
    draws = np.r_[np.full(90, 0.5), np.full(10, np.nan)]
    (low,), (high,) = percentile(draws, 0.5, ERRORS, 0.0, 1.0)
    assert (low, high) == (0, 1)


def test_bounds_beyond_the_resolution_of_the_draws_include_their_extremes() -> None:
    draws = np.random.default_rng(7).normal(size=200)
    low, high = percentile(draws, 0.0, ladder(0.95, 100))
    assert (np.diff(low) <= 0).all()
    assert (np.diff(high) >= 0).all()
    assert low[-1] <= draws.min()
    assert high[-1] >= draws.max()


def test_wilson_and_matched_return_known_intervals() -> None:
    (low,), (high,) = wilson(15, 20, ERRORS)
    assert (low, high) == (pytest.approx(0.5313, abs=1e-4), pytest.approx(0.8881, abs=1e-4))
    (low,), (high,) = matched(0, 0, 20, ERRORS)
    assert low == pytest.approx(-high)
    assert high > 0.1
