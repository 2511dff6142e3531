"""Fixtures for the stores: one registry and one saved model for all tests, a separate product for
each test.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from mlproduct.config.settings import Settings
from mlproduct.registry.model_files import save
from mlproduct.registry.versions import Saved

from .trial_releases import Trial, fitted, rows, settings_in

NUMBERS = count(1)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of an MLflow registry. Its database is created once, because that takes longer than
    most tests.
    """
    return settings_in(tmp_path_factory.mktemp("registry") / "product")


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    seen = np.array([5, 3, 3, 2**63], dtype=np.uint64)
    return save(
        fitted(), tmp_path_factory.mktemp("saved") / "model", features=rows(), training_rows=seen
    )


@pytest.fixture
def new_trial(tmp_path: Path, registry: Settings, saved: Saved) -> Callable[[], Trial]:
    """Opens the same product and audit log again, as another process would."""
    settings = replace(registry, database_url=f"sqlite:///{tmp_path / 'product.db'}")
    product = f"Radar {next(NUMBERS)}"
    return lambda: Trial(settings, product, saved)


@pytest.fixture
def trial(new_trial: Callable[[], Trial]) -> Trial:
    return new_trial()
