"""The temperature of probabilities, and the threshold below which a person decides."""

import numpy as np
import pytest
from mlproduct.estimators import tempered
from mlproduct.problems.abstention import best_abstention, temperature

from .multiclass_rows import drawn, scored


def test_tempered_probabilities_sum_to_1_and_keep_their_order() -> None:
    chances = scored().probabilities
    for heat in (0.1, 0.5, 2.0, 10.0):
        found = tempered(chances, heat)
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert (found.argsort(axis=1) == chances.argsort(axis=1)).all()
    np.testing.assert_array_equal(tempered(chances, 1.0), chances)


def test_a_probability_of_zero_stays_zero() -> None:
    np.testing.assert_allclose(tempered(np.array([[0.0, 0.2, 0.8]]), 2.0)[0], [0, 1 / 3, 2 / 3])


@pytest.mark.parametrize("heat", [0.5, 2.0, 4.0])
def test_a_known_temperature_is_found_again(heat: float) -> None:
    y, chances = drawn()
    assert temperature(y, tempered(chances, 1 / heat)) == pytest.approx(heat, rel=0.1)


def test_calibrated_probabilities_keep_the_temperature_1() -> None:
    assert temperature(*drawn()) == 1.0


def test_the_temperature_is_defined_with_probabilities_of_exactly_0_and_1() -> None:
    y = np.array([0.0, 1, 2, 0])
    found = temperature(y, np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]))
    assert 0.1 <= found <= 10


def higher(a: float, b: float) -> bool:
    return a > b


@pytest.mark.parametrize("most", [0.05, 0.2, 0.9])
def test_never_more_than_the_allowed_share_is_left_to_a_person(most: float) -> None:
    score = np.random.default_rng(0).random(997)
    threshold = best_abstention(score, most, lambda asked: asked.mean(), higher)
    assert most - 0.03 < (score < threshold).mean() <= most


def test_equal_scores_are_left_to_a_person_together_or_not_at_all() -> None:
    score = np.repeat([0.5, 0.9], [30, 70])
    for most, share in ((0.2, 0.0), (0.29, 0.0), (0.5, 0.3)):
        threshold = best_abstention(score, most, lambda asked: asked.mean(), higher)
        assert (score < threshold).mean() == share


def test_of_equally_good_thresholds_the_one_with_the_fewest_rows_is_used() -> None:
    score = np.random.default_rng(0).random(500)
    assert best_abstention(score, 0.5, lambda asked: 1.0, higher) == 0.0
    threshold = best_abstention(score, 0.5, lambda asked: min(asked.mean(), 0.2), higher)
    assert (score < threshold).mean() == pytest.approx(0.2, abs=0.02)


def test_the_best_value_can_be_inside_the_allowed_range() -> None:
    """A person is worth 0, a right decision 1, a wrong one -3: decide from a chance of 0.75 on."""
    random = np.random.default_rng(0)
    score = random.random(20_000)
    right = random.random(20_000) < score

    def value(asked: np.ndarray) -> float:
        return float(np.where(asked, 0.0, np.where(right, 1.0, -3.0)).mean())

    assert best_abstention(score, 0.95, value, higher) == pytest.approx(0.75, abs=0.03)


def test_a_metric_that_is_better_when_lower_is_lowered() -> None:
    score = np.random.default_rng(0).random(500)
    threshold = best_abstention(score, 0.3, lambda asked: -asked.mean(), lambda a, b: a < b)
    assert (score < threshold).mean() > 0.25
