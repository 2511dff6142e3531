"""Tests of the gate on a team's own product: ``tests/test_gate.py`` runs ``GateTests``.

The fixtures are in ``mlproduct.testing.plugin``, which the product's pyproject.toml loads.
"""

from typing import TYPE_CHECKING

from ..data.generated_rows import generated_rows
from .trial import TrialProduct, make_trial, trial_rows, validated

if TYPE_CHECKING:
    from .gate_tests import GateTests

__all__ = ["GateTests", "TrialProduct", "generated_rows", "make_trial", "trial_rows", "validated"]


def __getattr__(name: str) -> object:
    """``GateTests``, imported on first use.

    pytest can rewrite the asserts of a module only before the module is imported.
    """
    if name == "GateTests":
        from .gate_tests import GateTests

        return GateTests
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
