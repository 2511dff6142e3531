"""Predictions of a model, a rule or the do-nothing baseline in one form.

All evaluation and scoring uses ``Predictions``. A scikit-learn model, the kit's rule of thumb and
the do-nothing baseline can thus be compared row by row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["Predict", "Predictions", "numbers"]

DECIMALS = 9  # of a probability in the log: a float in JSON takes twice the space


@dataclass(frozen=True)
class Predictions:
    """One entry per row, in the order of the rows; a part that the model does not have is None.

    ``decision`` is the predicted number, or the code of the predicted class. ``score`` is the
    probability of 1 (binary) or of the predicted class. ``low`` and ``high`` are the bounds of a
    prediction interval. ``probabilities`` has a column per class (n × K). ``abstained`` is True
    for the rows that a person has to decide.
    """

    decision: np.ndarray
    score: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    abstained: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.decision)

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The parts that the model has, by name."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: values for name, values in found.items() if values is not None}

    @property
    def logged(self) -> dict[str, Any]:
        """The columns of the prediction log, each with one entry per row.

        Which rows a person decides is not among them: it follows from the score and the threshold
        of the version.
        """
        found: dict[str, Any] = {
            name: values for name, values in self.parts.items() if values.ndim == 1
        }
        found.pop("abstained", None)
        if self.probabilities is not None:
            found["probabilities"] = np.round(self.probabilities, DECIMALS).tolist()
        return found

    @classmethod
    def from_log(cls, rows: pd.DataFrame) -> Self:
        """The predictions in rows of the prediction log; a part that a row lacks is None."""
        found = {
            name: rows[name].to_numpy(dtype=float)
            for name in ("decision", "score", "low", "high")
            if name in rows and rows[name].notna().all()
        }
        if "probabilities" in rows and rows["probabilities"].notna().all():
            found["probabilities"] = np.array(rows["probabilities"].tolist(), dtype=float)
        return cls(**found)

    def take(self, rows: np.ndarray | slice) -> Self:
        """The predictions of ``rows`` (positions, a mask or a slice), in that order."""
        return type(self)(**{name: values[rows] for name, values in self.parts.items()})

    @classmethod
    def joined(cls, predictions: Sequence["Predictions"]) -> Self:
        """The rows of all of ``predictions``, without a part that one of them does not have."""
        parts = [each.parts for each in predictions]
        common = [name for name in parts[0] if all(name in each for each in parts)]
        return cls(**{name: np.concatenate([each[name] for each in parts]) for name in common})

    def same_as(self, other: "Predictions") -> bool:
        """Whether all predictions are equal, as for a model that is submitted again."""
        mine, theirs = self.parts, other.parts
        return mine.keys() == theirs.keys() and all(
            np.array_equal(values, theirs[name]) for name, values in mine.items()
        )


Predict = Callable[[pd.DataFrame], Predictions]


def numbers(values: Any) -> np.ndarray:
    """The values as one float per row."""
    return np.asarray(values, dtype=float).reshape(-1)
