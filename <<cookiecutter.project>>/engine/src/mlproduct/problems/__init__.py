"""The kinds of ML task.

A product has one of them, named in its ``product.py``. For now a problem only names its task; what
follows from the task (metrics, baselines, intervals) is decided where it is needed.
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
    """The target is a number; a prediction is a number, with an interval where the model has
    one.
    """

    task: ClassVar[Task] = "regression"
