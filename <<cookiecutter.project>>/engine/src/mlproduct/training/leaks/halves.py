"""Simple models of a few features, fitted on one half of the rows and measured on the other half.

A text that is unique to each row therefore predicts nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from ...config.settings import Split
from ...data.columns import Columns
from ...data.split_policies import POLICIES
from ...problems import Problem

__all__ = ["Guess", "Halves"]

LEAVES = 64  # of the small tree of one feature
# The lower bound needs the standard error only, which follows from fewer rows.
RESAMPLED_ROWS, RESAMPLES = 2_000, 100
CONFIDENT = 1.96  # standard errors


@dataclass(frozen=True)
class Guess:
    """What a simple model predicts for the second half, and how well; 1 is perfect."""

    halves: "Halves"
    values: np.ndarray

    @cached_property
    def strength(self) -> float:
        """The problem's own measure, at least 0."""
        return max(0.0, self.halves.problem.leak_strength(self.halves.measured, self.values))

    @property
    def usual(self) -> "Guess":
        """The guess for the second half without the few rows in which a copy may be wrong."""
        kept = self.halves.fit.copy()
        right = self.halves.problem.usual_rows(self.halves.measured, self.values)
        kept[~self.halves.fit] = right
        return Guess(self.halves.take(np.flatnonzero(kept)), self.values[right])

    def is_at_least(self, limit: float) -> bool:
        """Whether even the lower bound of the strength is at least ``limit``."""
        return self.strength >= limit and self.lower_bound() >= limit

    def lower_bound(self) -> float:
        """The lower end of the 95 % confidence interval of the strength, from a bootstrap.

        It is 1 for a perfect model, whatever the number of rows.
        """
        random, rows = np.random.default_rng(0), len(self.values)
        size = min(rows, RESAMPLED_ROWS)
        drawn = []
        for _ in range(RESAMPLES):
            chosen = random.integers(0, rows, size)
            target = self.halves.measured[chosen]
            if len(np.unique(target)) > 1:
                drawn.append(self.halves.problem.leak_strength(target, self.values[chosen]))
        error = float(np.std(drawn)) * (size / rows) ** 0.5 if drawn else 1.0
        return self.strength - CONFIDENT * error


@dataclass(frozen=True)
class Halves:
    """The targets (n, or n × K for K classes), and a mask of the rows to fit simple models on."""

    target: np.ndarray
    fit: np.ndarray
    problem: Problem

    @classmethod
    def of(cls, rows: pd.DataFrame, columns: Columns, by: Split) -> Self:
        """Every second row; or every second subject, if the split keeps subjects together."""
        problem = columns.of_target
        together = POLICIES[by.by].together(columns)
        turns = np.arange(len(rows))
        if together is not None and not rows[together].is_unique:
            turns = pd.factorize(rows[together], use_na_sentinel=False)[0]
        target = problem.leak_target(columns.encoded_target(rows))
        return cls(target, turns % 2 == 0, problem)

    @cached_property
    def measured(self) -> np.ndarray:
        """The targets of the second half."""
        return self.target[~self.fit]

    @property
    def can_be_measured(self) -> bool:
        """Whether both halves contain more than one value of the target."""
        return min(len(np.unique(self.target[self.fit])), len(np.unique(self.measured))) > 1

    def take(self, rows: np.ndarray) -> "Halves":
        """The halves of the rows at these positions."""
        return Halves(self.target[rows], self.fit[rows], self.problem)

    def alone(self, feature: pd.Series) -> Guess:
        """The better guess of two simple models: the mean per value, and a small tree."""
        guesses = [self.by_value(pd.factorize(feature, use_na_sentinel=False)[0])]
        # A tree of two values is their two means, and it handles missing values itself.
        if feature.dtype.kind in "fiu":
            guesses.append(self.by_tree(feature.to_numpy(dtype=float)[:, None], LEAVES))
        return strongest(guesses)

    def by_value(self, codes: np.ndarray) -> Guess:
        """The mean of the target per code, which also finds codes with many values."""
        size, fit = int(codes.max()) + 1, self.fit
        counts = np.bincount(codes[fit], minlength=size)

        def means(column: np.ndarray) -> np.ndarray:
            sums = np.bincount(codes[fit], column[fit], size)
            of_all = column[fit].mean()
            return np.where(counts > 0, sums / np.maximum(counts, 1), of_all)[codes[~fit]]

        if self.target.ndim == 1:
            return Guess(self, means(self.target))
        return Guess(self, np.column_stack([means(column) for column in self.target.T]))

    def by_tree(self, values: np.ndarray, leaves: int) -> Guess:
        """The guess of a tree of these columns (n × columns)."""
        predict = self.problem.tree(values[self.fit], self.target[self.fit], leaves)
        return Guess(self, predict(values[~self.fit]))


def strongest(guesses: Iterable[Guess]) -> Guess:
    """The guess with the highest strength."""
    return max(guesses, key=lambda guess: guess.strength)
