"""What binary and multi-class classification have in common: classes and their codes.

The schema lists the values of the target. Inside the engine, a class is its position in this list,
a code from 0 to K - 1. Tables, labels and responses contain the values themselves.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InvalidData
from .predictions import Predict, Predictions
from .problem import Problem

__all__ = ["Classification"]


@dataclass(frozen=True)
class Classification(Problem):
    """The target is one of K values; use one of the subclasses."""

    @property
    @abstractmethod
    def classes(self) -> tuple[Any, ...]:
        """The values of the target in the order of their codes."""

    @property
    def named(self) -> str:
        """The name of the target column."""
        return self.target.name if self.target else "the target"

    def encode(self, values: Any) -> np.ndarray:
        """The code of each value. Raises InvalidData for a value that is not a class."""
        given = np.asarray(values) if self.holds_text else np.asarray(values, dtype=float)
        known = self.classes if self.holds_text else [float(value) for value in self.classes]
        codes = pd.Index(known).get_indexer(pd.Index(given))
        if (codes < 0).any():
            other = given[codes < 0]
            raise InvalidData(
                f"{self.named} has the value {_shown(other[0])} in {len(other):,} of"
                f" {len(given):,} rows – expected one of {', '.join(map(str, self.classes))} –"
                " list the value in schemas.py, or correct the rows"
            )
        return codes.astype(float)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The class of each code."""
        return np.array(self.classes, dtype=object)[np.asarray(codes, dtype=int)]

    def response_schema(self) -> dict[str, Any]:
        return {"decision": {"enum": list(self.classes)}, "score": {"type": "number"}}

    def by_rule(self, rule: Callable[[pd.DataFrame], Any]) -> Predict:
        """The classes that the kit's rule of thumb returns; they have no probabilities."""
        return lambda features: Predictions(self.encode(rule(features)))

    def complaint(self, target: np.ndarray) -> str | None:
        found = np.unique(target)
        if len(found) >= 2:
            return None
        only = self.classes[int(found[0])]
        return (
            f"{self.named} is {only} in all {len(target):,} training rows – expected several of"
            f" {', '.join(map(str, self.classes))} – get rows with another value, or change split"
            " in config/pipeline.yaml"
        )

    def strata(self, target: np.ndarray) -> np.ndarray:
        return target


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(str(value))
