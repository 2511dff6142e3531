"""The gate, tried on a team's own product: ``tests/test_gate.py`` runs ``GateTests``.

The fixtures are in ``mlproduct.testing.plugin``, which pytest loads by the product's
pyproject.toml.
"""

from typing import TYPE_CHECKING

from .generated_rows import generated_rows
from .trial import TrialProduct, make_trial, trial_rows, validated

if TYPE_CHECKING:
    from .gate_tests import GateTests

__all__ = ["GateTests", "TrialProduct", "generated_rows", "make_trial", "trial_rows", "validated"]


def __getattr__(name: str) -> object:
    """``GateTests``, imported when it is used: pytest rewrites its asserts, which it can only
    before that.
    """
    if name == "GateTests":
        from .gate_tests import GateTests

        return GateTests
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
