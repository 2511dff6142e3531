"""Profiles, drift and row volume: which changes are alarms."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import DriftLimits
from mlproduct.data.columns import Columns
from mlproduct.monitoring.drift import Finding, drift, psi, volume
from mlproduct.monitoring.profile import PREDICTION, Profile, profile_of, with_prediction
from mlproduct.problems import BinaryClassification, Predictions

NUMBERS = tuple(f"x{place}" for place in range(12))
COLUMNS = Columns(
    key="id",
    time=None,
    group=None,
    target="y",
    problem=BinaryClassification(),
    numeric=NUMBERS,
    categorical=("plan",),
    ignored=(),
    private=(),
    known_values={},
)
LIMITS = DriftLimits()


def table(
    rows: int, seed: int, shift: float = 0.0, plans: tuple[float, ...] = (0.7, 0.2, 0.1)
) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {name: random.normal(size=rows) for name in NUMBERS}
    found["x3"] = found["x3"] + shift
    found["x5"] = random.poisson(2, rows).astype(float)
    found["plan"] = random.choice(["basic", "plus", "other"], rows, p=plans)
    found[PREDICTION] = random.uniform(size=rows)
    return pd.DataFrame(found)


@pytest.fixture(scope="module")
def reference() -> Profile:
    return profile_of(table(10_000, 0), COLUMNS)


def alarms(
    reference: Profile, window: pd.DataFrame, limits: DriftLimits = LIMITS
) -> list[tuple[str, str]]:
    return [
        (f.column, f.what) for f in drift(reference, reference.counted(window), limits) if f.alarm
    ]


def test_a_shift_by_half_a_standard_deviation_in_one_column_is_detected_in_2000_rows(
    reference: Profile,
) -> None:
    for seed in range(1, 6):
        assert alarms(reference, table(2_000, seed, shift=0.5)) == [("x3", "values")]


def test_a_doubled_category_is_detected_in_2000_rows(reference: Profile) -> None:
    for seed in range(1, 6):
        assert alarms(reference, table(2_000, seed, plans=(0.6, 0.2, 0.2))) == [("plan", "values")]


def test_52_weeks_without_drift_have_alarms_in_at_most_two(reference: Profile) -> None:
    assert sum(bool(alarms(reference, table(2_000, seed))) for seed in range(100, 152)) <= 2


def test_a_significant_but_small_shift_is_no_alarm(reference: Profile) -> None:
    window = table(400_000, 1, shift=0.05)
    found = next(f for f in drift(reference, reference.counted(window), LIMITS) if f.column == "x3")
    assert found.p < 0.01
    assert not found.alarm


def test_missing_values_and_new_categories_have_separate_alarms(reference: Profile) -> None:
    window = table(2_000, 1)
    window.loc[:199, "x7"] = np.nan
    window.loc[:99, "plan"] = "platinum"
    found = alarms(reference, window)
    assert {("x7", "missing"), ("plan", "new values")} <= set(found)
    assert not {"x1", "x2", PREDICTION} & {column for column, _ in found}


def test_a_shift_of_the_predictions_is_an_alarm(reference: Profile) -> None:
    window = table(2_000, 1)
    window[PREDICTION] = window[PREDICTION] ** 2
    assert (PREDICTION, "values") in alarms(reference, window)


def test_the_sentence_of_a_finding_describes_the_shift(reference: Profile) -> None:
    worst = drift(reference, reference.counted(table(2_000, 1, shift=3.0)), LIMITS)[0]
    assert worst.column == "x3"
    assert "of rows are ≥" in worst.sentence
    assert "reference: 50%" in worst.sentence


def test_profiles_of_parts_add_up_to_the_profile_of_the_whole(reference: Profile) -> None:
    whole = table(3_000, 4)
    parts = [reference.counted(whole.iloc[rows]) for rows in np.array_split(np.arange(3_000), 7)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    assert total == reference.counted(whole)
    assert Profile.model_validate_json(total.model_dump_json()) == total


def test_an_empty_or_constant_column_causes_no_alarm_until_it_changes() -> None:
    empty = table(600, 1).assign(x1=np.nan, x2=3.0)
    found = profile_of(empty, COLUMNS)
    assert not [f for f in drift(found, found.counted(empty), LIMITS) if f.alarm]
    filled = drift(found, found.counted(empty.assign(x1=1.0)), LIMITS)
    assert ("x1", "missing") in [(f.column, f.what) for f in filled if f.alarm]


@pytest.mark.parametrize("seed", range(20))
def test_psi_is_zero_for_equal_counts_symmetric_and_never_negative(seed: int) -> None:
    before, now = (
        np.random.default_rng(seed).integers(0, 10 ** (seed % 4), (2, 2 + seed % 7)).tolist()
    )
    assert psi(before, before) == pytest.approx(0)
    assert psi(before, now) >= 0
    assert psi(before, now) == pytest.approx(psi(now, before))


@pytest.mark.parametrize(("rows", "alarm"), [(1000, False), (499, True), (2001, True), (0, True)])
def test_volume_compares_the_number_of_rows_with_the_usual_number(rows: int, alarm: bool) -> None:
    found = volume(rows, [900, 1000, 1100], LIMITS)
    assert isinstance(found, Finding)
    assert found.alarm is alarm
    assert volume(rows, [], LIMITS) is None


def test_with_prediction_adds_the_score_or_else_the_decision() -> None:
    features = pd.DataFrame({"x": [1.0, 2.0]})
    scored = Predictions(np.array([0.0, 1.0]), np.array([0.2, 0.7]))
    assert with_prediction(features, scored)[PREDICTION].tolist() == [0.2, 0.7]
    assert with_prediction(features, Predictions(np.array([3.0, 4.0])))[PREDICTION].tolist() == [
        3.0,
        4.0,
    ]
