"""The gate refuses what it must, on this product's own flow, schema and data.

Each test trains on 6,000 rows of sample.py. A product without sample.py uses rows generated from
schemas.py.
"""

from mlproduct.testing import GateTests


class TestGate(GateTests):
    """Shuffled labels, a leaked target, a tied challenger, a tampered model and more.

    Add your own tests here.
    """
