"""A few numbers whose weighted sum or product is the target.

A product is a sum of logarithms, which exist for positive numbers only.
"""

import warnings
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from ...config.settings import Checks
from ...data.columns import Columns
from .leak import Leak, Level

__all__ = ["find_sums"]

MOST_TERMS = 5
# Rows in which all numbers of a sum are known; a result from fewer rows is not reliable.
MIN_ROWS = 50
ROWS_PER_NUMBER = 5
# Three or more numbers with any weights can be an honest law with little noise. They block if the
# error is not larger than that of rounding, or if the numbers are added as they are.
EXACT = 1 - 1e-6
AS_THEY_ARE = 0.02  # the largest distance of a weight from 1 or −1
# A pair explains this much more than one of its numbers.
GAIN_OF_PAIR = 0.005


def find_sums(
    rows: pd.DataFrame, columns: Columns, features: list[str], checks: Checks
) -> Iterator[Leak]:
    """The pairs of numbers, and the smallest set of three to five, whose sum or product is the
    target.

    Every number is needed: without one of them, the strength is below the limit.
    """
    names = [name for name in columns.numeric if name in features]
    values, target = rows[names].to_numpy(dtype=float), columns.encoded_target(rows)
    forms = [(values, target)]
    if (target > 0).all():
        forms.append((np.log(np.where(values > 0, values, np.nan)), np.log(target)))
    found = list(_pairs(names, forms, checks))
    if not any(leak.level is Level.BLOCK for leak in found):
        sets = [leak for form in forms if (leak := _several(names, *form, checks)) is not None]
        found += sorted(sets, key=lambda leak: (leak.level, len(leak.columns)))[:1]
    yield from found


def _leak(names: list[str], strength: float, *, blocks: bool) -> Leak:
    listed = f"{', '.join(names[:-1])} and {names[-1]} together"
    return Leak(tuple(names), listed, strength, Level.BLOCK if blocks else Level.DOUBT)


def _pairs(
    names: list[str], forms: list[tuple[np.ndarray, np.ndarray]], checks: Checks
) -> Iterator[Leak]:
    if len(names) < 2:
        return
    shares = np.max([_of_pairs(*form) for form in forms], axis=0)
    for one, other in combinations(range(len(names)), 2):
        share = float(shares[one, other])
        # Stricter than for one feature: two honest factors of a price with 5 % noise already
        # explain 0.986.
        if share >= min(checks.combined_leak_at, checks.combined_doubt_at):
            pair = [names[one], names[other]]
            yield _leak(pair, share, blocks=share >= checks.combined_leak_at)


def _of_pairs(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The share of the target's variance that each pair of columns explains linearly.

    It is 0 if one of the two is sufficient. All pairs are computed at once, from sums over the rows
    in which both are known. The multiple correlation of two regressors follows from the three
    simple correlations.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without values have no mean
        x = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    y = (target - target.mean()) / (target.std() or 1.0)
    there = np.isfinite(x).astype(float)
    x = np.where(there > 0, x, 0.0)
    n = there.T @ there
    with np.errstate(divide="ignore", invalid="ignore"):
        own, others = x.T @ there / n, (there * y[:, None]).T @ there / n
        spread = (x**2).T @ there / n - own**2
        spread_y = (there * y[:, None] ** 2).T @ there / n - others**2
        with_y = ((x * y[:, None]).T @ there / n - own * others) / np.sqrt(spread * spread_y)
        together = (x.T @ x / n - own * own.T) / np.sqrt(spread * spread.T)
        both = (with_y**2 + with_y.T**2 - 2 * with_y * with_y.T * together) / (1 - together**2)
        # Left out: nearly collinear pairs, and pairs that are hardly better than one column alone.
        clear = (
            (n >= MIN_ROWS)
            & (1 - together**2 > 1e-6)
            & (np.maximum(with_y**2, with_y.T**2) < both - GAIN_OF_PAIR)
        )
    return np.where(clear, np.minimum(both, 1.0), 0.0)


def _several(
    names: list[str], values: np.ndarray, target: np.ndarray, checks: Checks
) -> Leak | None:
    """The smallest set of three to five columns that explains the target, as a block or a doubt."""
    values, target, kept = _known_rows(values, target)
    if len(kept) < 3:
        return None
    for at in (EXACT, checks.combined_leak_at, checks.combined_doubt_at):
        terms, weights, share = _needed(values, target, at)
        if not 3 <= len(terms) <= MOST_TERMS:
            continue
        added = bool((np.abs(np.abs(weights) - 1) <= AS_THEY_ARE).all())
        blocks = share >= EXACT or (added and share >= checks.combined_leak_at)
        return _leak([names[kept[term]] for term in terms], share, blocks=blocks)
    return None


def _known_rows(values: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """The rows in which all of the kept columns are known, and the positions of these columns.

    The column with the most gaps is left out until there are enough rows, and then the columns that
    are constant in these rows.
    """
    there = np.isfinite(values)
    kept = list(range(values.shape[1]))
    while kept:
        known = there[:, kept].all(axis=1)
        if known.sum() >= max(MIN_ROWS, ROWS_PER_NUMBER * len(kept)):
            if np.ptp(target[known]) == 0:
                break
            varied = [place for place in kept if np.ptp(values[known, place]) > 0]
            if varied == kept:
                return values[np.ix_(known, kept)], target[known], kept
            kept = varied
            continue
        kept.remove(min(kept, key=lambda place: int(there[:, place].sum())))
    return values[:0, :0], target[:0], []


def _needed(
    values: np.ndarray, target: np.ndarray, at: float
) -> tuple[list[int], np.ndarray, float]:
    """The columns that are left when none can be removed without explaining less than ``at``, their
    weights, and the explained share; no columns if all of them explain less.

    Backward elimination, which finds an exact sum whatever the other columns are. The increase of
    the error without a column follows from the inverse of the correlations. Source: A. Miller
    (2002), Subset Selection in Regression, chapter 3.
    """
    spread, spread_y = values.std(axis=0), float(target.std())
    x, y = (values - values.mean(axis=0)) / spread, (target - target.mean()) / spread_y
    correlations, with_y = x.T @ x / len(y), x.T @ y / len(y)
    terms = list(range(values.shape[1]))
    while True:
        # A little on the diagonal, so that equal columns have an inverse.
        inverse = np.linalg.inv(correlations[np.ix_(terms, terms)] + 1e-9 * np.eye(len(terms)))
        weights = inverse @ with_y[terms]
        share = float(1 - np.mean((y - x[:, terms] @ weights) ** 2))
        losses = weights**2 / np.diag(inverse)
        weakest = int(np.argmin(losses))
        if share < at:
            return [], weights[:0], share
        if len(terms) == 1 or share - losses[weakest] < at:
            return terms, weights * spread_y / spread[terms], share
        del terms[weakest]
