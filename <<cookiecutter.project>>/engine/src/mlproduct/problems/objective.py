"""The metric by which candidates are compared."""

from dataclasses import dataclass

import numpy as np

from ..gate.criteria import AnyValue
from .metric import Metric
from .predictions import Predictions
from .weighted_sums import Scored

__all__ = ["Objective"]


@dataclass(frozen=True)
class Objective:
    """The primary metric with its direction.

    ``value`` is the value of the decisions, ``classes`` are the names of the classes, if any.
    """

    metric: Metric
    value: AnyValue | None = None
    classes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the metric."""
        return self.metric.name

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` is better than ``b``; a tie is not.

        NaN is never better, and any number is better than NaN.
        """
        if np.isnan(a) or np.isnan(b):
            return not np.isnan(a)
        return a > b if self.metric.better == "higher" else a < b

    def score(self, y: np.ndarray, predictions: Predictions) -> float:
        """The metric on these rows, NaN if it is not defined."""
        target = np.asarray(y, dtype=float)
        return float(self.metric.compute(Scored(target, predictions, self.value, self.classes))[0])
