"""The benchmark that simulates years of weekly retraining: its values, its truth, its shortcut."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "years.py"
NAMES = (
    "binary, 28 % positives",
    "binary, 10 % positives",
    "binary, 3 % positives",
    "binary, 1 % positives, worth 800",
    "regression, normal errors",
    "regression, heavy tails",
    "six classes",
)


@pytest.fixture(scope="module")
def years() -> Any:
    """The benchmark as a module."""
    spec = spec_from_file_location("years", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["years"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def holdout(years: Any, name: str, seed: int, rows: int = 250) -> Any:
    """A year of ``name`` in its first week, with four weeks of ``rows`` rows."""
    family = years.families()[name]
    random = np.random.default_rng(seed)
    return years.Year(family, years.Split(4, rows, 1000), 0.5, random, 0.0, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_value_of_rows_is_the_metric_of_the_kit(years: Any, name: str) -> None:
    year = holdout(years, name, seed=0)
    metric, family = years.METRICS[year.family.kit], year.family
    views = year.sample(year.decisions(0.5), metric).views
    value = family.worth(year.y, year.champion).mean()
    expected = -value if metric.name == "mae" else 1000 * value
    assert float(metric.compute(views["champion"])[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_challenger_that_is_not_resampled_would_not_be_promoted(years: Any, name: str) -> None:
    drawn = [holdout(years, name, seed) for seed in range(60)]
    asked = {place: (year, year.decisions(1.0)) for place, year in enumerate(drawn)}
    won = dict(years.promoted(asked, drawn[0].family.kit, 0))
    skipped = [place for place, (year, each) in asked.items() if not year.may_win(each)]
    assert len(skipped) > 30
    assert not any(won[place] for place in skipped)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_with_the_noise_of_a_value_has_this_value(years: Any, name: str) -> None:
    family = years.families()[name]
    truth = years.Truth.of(family, seed=1, rows=400_000)
    wanted = 1.1 * truth.first if truth.first > 0 else 0.9 * truth.first
    random = np.random.default_rng(2)
    known, y = family.draw(random, 400_000)
    noise = truth.noise(wanted) * random.standard_normal(400_000, dtype=np.float32)
    value = family.worth(y, family.decide(known, y, noise)).mean()
    assert value == pytest.approx(wanted, rel=0.06)
