"""What every problem has to state; the other modules of the engine call nothing else of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd

__all__ = ["Chance", "Performance", "Problem"]


class _OfTask(Protocol):
    @property
    def task(self) -> str: ...


@dataclass(frozen=True)
class Chance:
    """The metric from which the skill is computed: ``scale`` × (metric − ``value``).

    ``value`` is the metric of a constant prediction. The skill of a perfect model is 1.
    """

    metric: str
    value: float
    scale: float


@dataclass(frozen=True)
class Performance:
    """What Evidently needs for its report on labelled rows."""

    definition: Any
    preset: Any
    dtype: type


@dataclass(frozen=True)
class Problem(ABC):
    """One kind of ML task; use one of its subclasses."""

    task: ClassVar[str]
    """The name that is stored with verdicts; metrics with the same name belong to the problem."""
    chance: ClassVar[Chance]
    importance: ClassVar[str]
    """The metric whose loss is the importance of a feature."""
    slice_metric: ClassVar[str]
    """A metric that is defined for every slice with rows, for the tests of the gate."""
    has_threshold: ClassVar[bool]
    """Whether decisions follow from a score and a threshold that the search chooses."""
    finds_pairs: ClassVar[bool]
    """Whether a weighted sum, product or ratio of two numbers can be the target."""

    def has(self, metric: _OfTask) -> bool:
        """Whether the metric belongs to this problem, or to every problem."""
        return metric.task in (self.task, "any")

    @abstractmethod
    def complaint(self, name: str, target: np.ndarray) -> str | None:
        """Why no model can be trained on this target, None if one can."""

    @abstractmethod
    def strata(self, target: np.ndarray) -> np.ndarray | None:
        """The groups that every fold has in the same proportions; None for random folds."""

    @abstractmethod
    def out_of_fold(self, model: Any, features: pd.DataFrame) -> np.ndarray:
        """One number per row that is stored for the choice of threshold, calibration, interval."""

    @abstractmethod
    def constant(self, target: np.ndarray) -> tuple[float, float | None]:
        """Decision and score of the do-nothing baseline, from the target of the training rows."""

    @abstractmethod
    def leak_target(self, target: np.ndarray) -> np.ndarray:
        """The target as the check for leaks compares it."""

    @abstractmethod
    def leak_strength(self, target: np.ndarray, guess: np.ndarray) -> float:
        """How well ``guess`` predicts the target; 1 is perfect, 0 or below is nothing."""

    @abstractmethod
    def tree(self, values: np.ndarray, target: np.ndarray, leaves: int) -> Callable[..., Any]:
        """The predictions of a small tree, fitted on ``values``, as a function of other values."""

    @abstractmethod
    def performance(self) -> Performance:
        """Evidently's roles and preset for rows with the columns outcome and decision."""

    @abstractmethod
    def generated(self, score: np.ndarray, cells: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A target that follows ``score``; ``cells`` returns cells at shares of their range."""
