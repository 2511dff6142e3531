"""The kinds of ML tasks, one policy each.

A product has one problem, named in its ``product.py``. Other modules call it and never ask for its
kind: what differs between tasks is in this folder.
"""

from typing import Literal

from .binary import BinaryClassification
from .problem import Chance, Performance, Problem
from .regression import Regression

__all__ = ["BinaryClassification", "Chance", "Performance", "Problem", "Regression", "Task"]

# The tasks of this release. A team's own problem has another name.
Task = Literal["classification", "regression"]
