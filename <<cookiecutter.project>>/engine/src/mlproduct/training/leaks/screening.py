"""A fast measure of features as a few values, for thousands of combinations."""

import numpy as np
import pandas as pd

from .halves import Halves

__all__ = ["VALUES", "Screen", "few_values"]

VALUES = 16  # of a feature; one of them is "missing"
MISSING = VALUES - 1
AT_MOST_ROWS = 5_000  # to screen with


def few_values(column: pd.Series) -> np.ndarray:
    """The feature as numbers from 0 to 15: its most frequent values, or equal parts of a number.

    Missing is 15.
    """
    if column.dtype.kind in "fiu" and column.nunique() > MISSING:
        numbers = column.to_numpy(dtype=float)
        edges = np.nanquantile(numbers, np.linspace(0, 1, VALUES)[1:-1])
        return np.where(np.isnan(numbers), MISSING, np.searchsorted(edges, numbers, "right"))
    # All values that are not frequent share one number.
    frequent = column.value_counts().index[: MISSING - 1]
    places = frequent.get_indexer(column)
    return np.where(column.isna(), MISSING, np.where(places < 0, MISSING - 1, places))


class Screen:
    """The first rows of ``halves``, prepared so that a measurement takes some additions only."""

    def __init__(self, halves: Halves) -> None:
        self.rows = np.arange(min(len(halves.fit), AT_MOST_ROWS))
        self.fit = halves.fit[self.rows]
        target = halves.target[self.rows]
        columns = target[None, :] if target.ndim == 1 else target.T
        self.fitted, self.measured = columns[:, self.fit], columns[:, ~self.fit]
        self.of_all = self.fitted.mean(axis=1)
        self.squares = (self.measured**2).sum(axis=1)
        self.spread = float(self.measured.var(axis=1).sum() * self.measured.shape[1])

    def halves_of(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The codes of the rows of each half."""
        return codes[self.fit], codes[~self.fit]

    def explained(self, fit: np.ndarray, others: np.ndarray, size: int) -> float:
        """The share of the second half's variance that the means per code of the first explain.

        ``fit`` and ``others`` are codes below ``size``.
        """
        counts, of_others = np.bincount(fit, minlength=size), np.bincount(others, minlength=size)
        left = 0.0
        for of_fit, measured, mean, squares in zip(
            self.fitted, self.measured, self.of_all, self.squares, strict=True
        ):
            means = np.bincount(fit, of_fit, size) / np.maximum(counts, 1)
            means[counts == 0] = mean
            products = means @ np.bincount(others, measured, size)
            left += squares - 2 * products + means**2 @ of_others
        return 1 - left / self.spread if self.spread > 0 else 0.0
