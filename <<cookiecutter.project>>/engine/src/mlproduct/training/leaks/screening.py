"""A fast measure of features as a few values, for thousands of combinations."""

import numpy as np
import pandas as pd

from .halves import Halves

__all__ = ["Screen"]

MOST_VALUES, FEWEST_VALUES = 16, 5  # of a feature; one of them is "missing"
ROWS_PER_PAIR = 5  # of values, on average
AT_MOST_ROWS = 5_000  # to screen with


class Screen:
    """The first rows of ``halves``, prepared so that a measurement takes some additions only.

    ``values`` is the number of values that a feature is reduced to, fewer for few rows.
    """

    def __init__(self, halves: Halves) -> None:
        self.rows = np.arange(min(len(halves.fit), AT_MOST_ROWS))
        self.fit = halves.fit[self.rows]
        target = halves.target[self.rows]
        columns = target[None, :] if target.ndim == 1 else target.T
        self.fitted, self.measured = columns[:, self.fit], columns[:, ~self.fit]
        self.of_all = self.fitted.mean(axis=1)
        self.squares = (self.measured**2).sum(axis=1)
        self.spread = float(self.measured.var(axis=1).sum() * self.measured.shape[1])
        enough = int((self.fit.sum() / ROWS_PER_PAIR) ** 0.5)
        self.values = min(max(enough, FEWEST_VALUES), MOST_VALUES)

    def few_values(self, column: pd.Series) -> np.ndarray:
        """The feature as numbers below ``values``: its most frequent values, or equal parts of a
        number. Missing is the highest one.
        """
        missing = self.values - 1
        if column.dtype.kind in "fiu" and column.nunique() > missing:
            numbers = column.to_numpy(dtype=float)
            edges = np.nanquantile(numbers, np.linspace(0, 1, self.values)[1:-1])
            return np.where(np.isnan(numbers), missing, np.searchsorted(edges, numbers, "right"))
        # All values that are not frequent share one number.
        frequent = column.value_counts().index[: missing - 1]
        places = frequent.get_indexer(column)
        return np.where(column.isna(), missing, np.where(places < 0, missing - 1, places))

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
