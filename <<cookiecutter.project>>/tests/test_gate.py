"""The gate, tried on this product's own flow and data: everything that must be refused is.

Each test trains on 6,000 rows of sample.py, or on rows generated from schemas.py where there is
none.
"""

from mlproduct.testing import GateTests


class TestGate(GateTests):
    """Shuffled labels, a leaked target, a tie, a tampered model and the others. Add your own."""
