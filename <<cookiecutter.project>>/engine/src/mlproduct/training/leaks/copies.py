"""Rows that are in the table again under another key.

Files that overlap were joined, or rows were repeated to balance the classes. Copies are on both
sides of the split, and a model that remembers them looks better than it is. Source: S. Kapoor and
A. Narayanan (2023), Leakage and the reproducibility crisis in machine-learning-based science,
Patterns 4, 100804 (L1.4, duplicates in datasets).

Rows can also be the same by chance, in a table with few columns or few values. Then there are many
more that differ in one column, which copies do not have. In a table with a few different rows only,
copies cannot be told from rows that are the same by chance, and none are reported.
"""

import numpy as np
import pandas as pd

from ...config.settings import Checks, Split
from ...data.columns import Columns
from ...data.fingerprint import row_hashes
from ...data.split_policies import POLICIES
from .leak import Leak, Level

__all__ = ["find_copies", "without_copies"]

AT_LEAST = 20  # rows, because fewer can be a coincidence
DIFFERENT = 0.1  # the smallest share of different rows
# Chance explains 0.6 to 1.3 of the pairs of equal rows in most public tables, and mostly less than
# 0.05 if a tenth of the rows are copied.
BY_CHANCE = 0.1


def find_copies(training: pd.DataFrame, columns: Columns, checks: Checks, by: Split) -> Leak | None:
    """The rows with the same features and target under another key (or group), if they are too many
    and chance explains less than a tenth of them. The strength is their share.

    None for a split by time, where a copy has the time of its row and stays on its side.
    """
    together = POLICIES[by.by].together(columns)
    if together is None:
        return None
    content = _content(training, columns)
    subject = row_hashes(training, [together])
    if not DIFFERENT * len(training) <= len(np.unique(content)) < len(training):
        return None
    distinct = pd.DataFrame({"content": content, "subject": subject}).drop_duplicates()
    subjects = distinct.groupby("content").size()
    copied = pd.Series(content).map(subjects) > 1
    share = float(copied.mean())
    if copied.sum() < AT_LEAST or share < min(checks.copied_at, checks.copied_doubt_at):
        return None
    if _share_by_chance(training, columns, content, subject) >= BY_CHANCE:
        return None
    described = f"{copied.sum():,} of {len(training):,} rows are also under another {together}"
    return Leak((), described, share, Level.BLOCK if share >= checks.copied_at else Level.DOUBT)


def without_copies(training: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The first of all rows with the same features and target."""
    return training[~pd.Series(_content(training, columns)).duplicated().to_numpy()]


def _content(rows: pd.DataFrame, columns: Columns) -> np.ndarray:
    """A uint64 per row: the sum of the hashes of its features and its target."""
    hashed = np.zeros(len(rows), dtype=np.uint64)
    for name in _names(columns):
        hashed += row_hashes(rows, [name])
    return hashed


def _names(columns: Columns) -> tuple[str, ...]:
    return (*columns.features, str(columns.target))


def _share_by_chance(
    rows: pd.DataFrame, columns: Columns, content: np.ndarray, subject: np.ndarray
) -> float:
    """The pairs of equal rows that chance explains, as a share of all of them.

    The higher of two estimates. If all columns were independent, the shares of pairs that are equal
    in one column would be multiplied. The second one uses the two columns without which most pairs
    are equal: of the pairs that are equal in all other columns, ``one`` and ``other`` are equal in
    one of the two only, and ``neither`` in none. If these two were independent, one × other /
    neither pairs would be equal in both.
    """

    def equal(hashed: np.ndarray) -> float:
        return _pairs(hashed) - _pairs(hashed + subject)

    every, both = equal(np.zeros_like(content)), equal(content)
    independent, without = every, {}
    for name in _names(columns):
        cells = row_hashes(rows, [name])
        independent *= equal(cells) / every
        without[name] = equal(content - cells)
    first, second = sorted(without, key=lambda name: without[name])[-2:]
    one, other = without[first] - both, without[second] - both
    rest = content - row_hashes(rows, [first]) - row_hashes(rows, [second])
    neither = equal(rest) - both - one - other
    return max(independent, one * other / max(neither, 1.0)) / both


def _pairs(hashed: np.ndarray) -> float:
    """The number of pairs with the same hash."""
    counts = np.unique(hashed, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1) / 2).sum())
