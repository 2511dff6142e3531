"""Find features that reveal the target.

A feature that alone predicts the target nearly perfectly is usually not known when the prediction
is needed. It was recorded later, or it is the target under another name.
"""

import difflib
import warnings
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.columns import Columns
from ..errors import ConfigError
from ..problems import Problem

__all__ = ["Leak", "leaking_features"]

AT_MOST_ROWS = 50_000  # a leak shows in a sample, and a tree per feature takes seconds
LEAVES = 64  # of the small tree

# Rows in which both numbers of a pair are known; a result from fewer rows is not reliable.
MIN_ROWS = 50


@dataclass(frozen=True)
class Leak:
    """A feature, or a pair, that reveals the target; a strength of 1 is a perfect prediction."""

    feature: str
    strength: float


def leaking_features(
    training: pd.DataFrame, columns: Columns, *, at: float, accepted: Collection[str], seed: int = 0
) -> tuple[Leak, ...]:
    """The features with a strength of at least ``at``, strongest first, without the accepted ones.

    Two simple models of one feature, a small tree and the mean per value, are fitted on one half of
    the rows and measured on the other half, by the problem's own measure. The strength is the
    better of the two results. Of a date, its days are a number too; of a text, its length and the
    presence of each frequent word are features too (``data/feature_kinds.py``).

    If the target is a number, also pairs of numbers are found whose weighted sum, product or ratio
    is the target. Raises ConfigError for an accepted name that is not a feature.
    """
    _known(accepted, columns)
    # The sample is shuffled as well: every second row is then a random half (``_strength``).
    rows = training.sample(min(len(training), AT_MOST_ROWS), random_state=seed)
    problem = columns.of_target
    target = problem.leak_target(columns.encoded_target(rows))
    asked = [name for name in columns.features if name not in accepted]
    time = rows[columns.time] if columns.time else None
    found = []
    for name in asked:
        signals = columns.kind_of(name).signals(rows[name], time)
        tried = [
            Leak(f"{name} ({words})" if words else name, _strength(signal, target, problem))
            for words, signal in signals
        ]
        found.append(max(tried, key=lambda leak: leak.strength))
    leaks = [leak for leak in found if leak.strength >= at]
    if problem.finds_pairs:
        numbers = [
            name
            for name in columns.numeric
            if name in asked and name not in {leak.feature for leak in leaks}
        ]
        leaks += _pairs(rows[numbers], columns.encoded_target(rows), at)
    return tuple(sorted(leaks, key=lambda leak: -leak.strength))


def _known(accepted: Collection[str], columns: Columns) -> None:
    for name in accepted:
        if name not in columns.features:
            near = difflib.get_close_matches(name, columns.features, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"expected one of {', '.join(columns.features)}"
            )
            raise ConfigError(
                f"config/pipeline.yaml: checks.accepted_leaks: {name!r} is not a feature – {hint}"
            )


def _strength(feature: pd.Series, target: np.ndarray, problem: Problem) -> float:
    """The strength of one feature, fitted on the even rows and measured on the odd ones.

    A text that is unique to each row predicts nothing on the other rows.
    """
    even = np.arange(len(target)) % 2 == 0
    # A half with only one value of the target cannot be fitted or measured.
    if min(len(np.unique(target[even])), len(np.unique(target[~even]))) < 2:
        return 0.0
    guesses = [_by_value(feature, target, even)]
    # A tree of two values is their two means.
    if feature.dtype.kind in "fiu":
        # The tree handles missing values itself.
        values = feature.to_numpy(dtype=float)[:, None]
        guesses.append(problem.tree(values[even], target[even], LEAVES)(values[~even]))
    return max(0.0, *(problem.leak_strength(target[~even], guess) for guess in guesses))


def _by_value(feature: pd.Series, target: np.ndarray, even: np.ndarray) -> np.ndarray:
    """The mean of the target per value of the feature, which also finds codes with many values.

    Missing is a value.
    """
    codes, values = pd.factorize(feature, use_na_sentinel=False)
    counts = np.bincount(codes[even], minlength=len(values))

    def means(column: np.ndarray) -> np.ndarray:
        sums = np.bincount(codes[even], column[even], len(values))
        of_all = column[even].mean()
        return np.where(counts > 0, sums / np.maximum(counts, 1), of_all)[codes[~even]]

    # Several columns if the target is one of several classes.
    return means(target) if target.ndim == 1 else np.column_stack([means(c) for c in target.T])


def _pairs(numbers: pd.DataFrame, target: np.ndarray, at: float) -> list[Leak]:
    """Pairs of numbers of which the target is a weighted sum, product or ratio.

    Both numbers of a pair are needed: one alone does not explain the target.
    """
    values = numbers.to_numpy(dtype=float)
    positive = np.where(values > 0, values, np.nan)
    best = _explained(values, target)
    # A product is a sum of logarithms, which exist for positive numbers only.
    if (target > 0).all():
        best = np.maximum(best, _explained(np.log(positive), np.log(target)))
    # Stricter than ``at``: two honest factors of a price with 5 % noise already explain 0.986.
    return [
        Leak(f"{numbers.columns[i]} and {numbers.columns[j]} together", float(best[i, j]))
        for i, j in zip(*np.nonzero(np.triu(best, 1) >= max(at, 0.999)), strict=True)
    ]


def _explained(values: np.ndarray, target: np.ndarray) -> np.ndarray:
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
            & (np.maximum(with_y**2, with_y.T**2) < both - 0.005)
        )
    return np.where(clear, np.minimum(both, 1.0), 0.0)
