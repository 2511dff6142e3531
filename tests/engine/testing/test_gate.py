"""``GateTests`` as a team inherits it, run on the kit under test."""

from pathlib import Path
from types import ModuleType

import pytest
from mlproduct import Product
from mlproduct.testing import GateTests
from trial_radar import flows as team_flows

from ..team import PRODUCT, PROJECT


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def product() -> Product:
    return PRODUCT


@pytest.fixture(scope="session")
def flows() -> ModuleType:
    return team_flows


class TestGate(GateTests):
    """Every refusal of the gate, on the kit under test."""
