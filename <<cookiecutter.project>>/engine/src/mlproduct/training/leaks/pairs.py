"""Pairs of features that determine the target together, although neither does alone.

All pairs are screened as pairs of a few values. Only the best ones are measured precisely.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from ...config.settings import Checks
from ...data.columns import Columns
from ...derived_numbers import days_before
from .halves import Guess, Halves, strongest
from .leak import Leak
from .screening import Screen

__all__ = ["find_pairs"]

SCREENED_AT = 0.3  # the explained variance from which a pair is measured precisely
MOST_PRECISE = 10  # pairs
LEAVES = 256  # of the tree of a pair
LEAVES_OF_A_FACTOR, ROUNDS = (2, 16), 2
# Honest features add less to each other than the parts of a leak.
GAIN = 0.2


def find_pairs(
    rows: pd.DataFrame, columns: Columns, features: list[str], halves: Halves, checks: Checks
) -> Iterator[Leak]:
    """The pairs of ``features`` that reveal the target; free texts take no part.

    If a pair is much stronger than its features alone, it is a doubt from ``doubt_at`` on, and a
    block from halfway between ``leak_at`` and 1. The limits of any other pair are stricter.
    """
    time = rows[columns.time] if columns.time else None
    values = {
        name: days_before(rows[name], time) if name in columns.dates else rows[name]
        for name in features
        if name not in columns.texts
    }
    screened = _screened(values, halves)
    # Once per feature, because a feature can be in every pair.
    names = {name for pair in screened for name in pair}
    strengths = {name: halves.alone(values[name]).strength for name in names}
    for one, other in screened:
        alone = max(strengths[one], strengths[other])
        guess = _together(values[one], values[other], halves)
        at, doubt_at = checks.combined_leak_at, checks.combined_doubt_at
        if guess.strength >= alone + GAIN:
            at, doubt_at = min(at, (1 + checks.leak_at) / 2), min(doubt_at, checks.doubt_at)
        described = f"{one} and {other} together"
        leak = Leak.of((one, other), described, guess, at=at, doubt_at=doubt_at)
        if leak is not None and guess.strength > alone:
            yield leak


def _screened(values: dict[str, pd.Series], halves: Halves) -> list[tuple[str, str]]:
    """The pairs that explain enough, and more than each of the two, strongest first.

    Of two numbers, also their difference and their ratio are tried.
    """
    screen = Screen(halves)
    features = {name: column.iloc[screen.rows] for name, column in values.items()}
    size = screen.values
    codes = {name: screen.halves_of(screen.few_values(each)) for name, each in features.items()}
    alone = {name: screen.explained(*each, size) for name, each in codes.items()}
    found = []
    for one, other in combinations(codes, 2):
        fit, others = (a * size + b for a, b in zip(codes[one], codes[other], strict=True))
        shares = [screen.explained(fit, others, size**2)]
        if _are_numbers(features[one], features[other]):
            for derived in _compared(features[one], features[other]):
                both = screen.halves_of(screen.few_values(pd.Series(derived)))
                shares.append(screen.explained(*both, size))
        if max(shares) >= max(SCREENED_AT, alone[one] + 0.01, alone[other] + 0.01):
            found.append((max(shares), one, other))
    found.sort(reverse=True)
    return [(one, other) for _, one, other in found[:MOST_PRECISE]]


def _are_numbers(*features: pd.Series) -> bool:
    return all(feature.dtype.kind in "fiub" for feature in features)


def _compared(one: pd.Series, other: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The difference and the ratio; missing where the ratio is infinite."""
    a, b = one.to_numpy(dtype=float), other.to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a / b
    return a - b, np.where(np.isinf(ratio), np.nan, ratio)


def _together(one: pd.Series, other: pd.Series, halves: Halves) -> Guess:
    """The best guess from the pairs of values or, for numbers, from a tree and from a product."""
    guesses = [halves.by_value(pd.MultiIndex.from_arrays([one, other]).factorize()[0])]
    if _are_numbers(one, other):
        derived = (one, other, *_compared(one, other), one * other, one + other)
        guesses.append(halves.by_tree(np.column_stack(derived).astype(float), LEAVES))
        guesses += [_by_product(one, other, halves, leaves) for leaves in LEAVES_OF_A_FACTOR]
    return strongest(guesses)


def _by_product(one: pd.Series, other: pd.Series, halves: Halves, leaves: int) -> Guess:
    """The guess f(one) · g(other), with a small tree as f and as g, fitted in turn.

    A tree of both finds no first split if neither is informative alone, as in an exclusive or. The
    sign of g begins with the largest singular vector of the means in the cells of few values.
    """
    from sklearn.tree import DecisionTreeRegressor

    a, b = (column.to_numpy(dtype=float)[:, None] for column in (one, other))
    screen = Screen(halves)
    size, columns = screen.values, screen.few_values(other)
    codes = screen.few_values(one) * size + columns
    guessed = []
    for target in np.atleast_2d(halves.target.T):
        centred = target - target[halves.fit].mean()
        cells = np.bincount(codes[halves.fit], centred[halves.fit], size**2)
        factor = np.linalg.svd(cells.reshape(size, size))[2][0][columns]
        product = np.zeros(len(target))
        for values in (a, b) * ROUNDS:
            tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=5)
            wanted = (centred * np.sign(factor))[halves.fit]
            product, factor = factor, tree.fit(values[halves.fit], wanted).predict(values)
        guessed.append((product * factor)[~halves.fit])
    return Guess(halves, guessed[0] if halves.target.ndim == 1 else np.column_stack(guessed))
