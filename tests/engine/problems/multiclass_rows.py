"""Targets and predictions of several classes for the tests."""

from typing import Any

import numpy as np
from mlproduct.problems import MulticlassClassification, Predictions, Scored, Target

__all__ = ["NAMES", "drawn", "problem", "scored", "weights"]

NAMES = ("card", "cash", "loan", "fraud", "other", "pin")


def problem(
    *names: Any, most_abstained: float = 0.0, text: bool | None = None
) -> MulticlassClassification:
    """The problem with these classes, by default ``NAMES``."""
    values = names or NAMES
    is_text = isinstance(values[0], str) if text is None else text
    found = MulticlassClassification(most_abstained=most_abstained)
    return found.of(Target("topic", is_text, tuple(values)))


def scored(
    rows: int = 400,
    classes: int = 6,
    *,
    seed: int = 0,
    value: Any = None,
    abstained_below: float | None = None,
) -> Scored:
    """Rows whose most probable class is the right one for about half of them."""
    random = np.random.default_rng(seed)
    # Not equally frequent, because averages over classes and over rows would then be equal.
    y = random.choice(classes, rows, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    margins = random.normal(size=(rows, classes)) + 1.5 * (y[:, None] == np.arange(classes))
    chances = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
    score = chances.max(axis=1)
    person = None if abstained_below is None else score < abstained_below
    found = Predictions(
        chances.argmax(axis=1).astype(float), score, probabilities=chances, abstained=person
    )
    return Scored(y.astype(float), found, value, NAMES[:classes])


def drawn(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities, because the targets are drawn with them."""
    chances, random = scored(rows).probabilities, np.random.default_rng(5)
    return (chances.cumsum(axis=1) < random.random((rows, 1))).sum(axis=1).astype(float), chances


def weights(rows: int) -> np.ndarray:
    """The weights of four resamples."""
    return np.random.default_rng(1).poisson(1, (4, rows)).astype(float)
