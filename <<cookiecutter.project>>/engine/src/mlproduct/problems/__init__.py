"""The kinds of ML tasks.

A product has one of them, named in its ``product.py``. A problem contains only the name of its
task. The modules that use it select the metrics, baselines and intervals.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = ["BinaryClassification", "Problem", "Regression", "Task"]

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Problem:
    """One kind of ML task; use one of its subclasses."""

    task: ClassVar[Task]


@dataclass(frozen=True)
class BinaryClassification(Problem):
    """The target is 0 or 1; a prediction is a probability of 1 and a decision."""

    task: ClassVar[Task] = "classification"


@dataclass(frozen=True)
class Regression(Problem):
    """The target is a number; a prediction is a number, with an interval if the model has one."""

    task: ClassVar[Task] = "regression"
