"""Answers and predictions side by side, and the weighted sums over them that metrics are made of.

A resample of the bootstrap is a weight per row. Nearly every metric is a formula over a few weighted
sums of per-row terms (how many caught, how much squared error), so the sums of all terms for all
resamples are one matrix product.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..criteria import Value
from .predict import Predictions

__all__ = ["BINS", "Scored", "Weighted"]

BINS = 10
"""Equally wide bins of the score for the calibration error."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The answers ``y`` of n rows, and what was predicted for them."""

    y: np.ndarray
    predictions: Predictions
    value: Value | None = None
    _blocks: dict[tuple[tuple[str, ...], str], np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def decision(self) -> np.ndarray:
        return self.predictions.decision

    @property
    def score(self) -> np.ndarray:
        """Raises ValueError where the predictions have no score."""
        if self.predictions.score is None:
            raise ValueError("there are decisions and no scores")
        return self.predictions.score

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError where the predictions have no interval."""
        if self.predictions.low is None or self.predictions.high is None:
            raise ValueError("there are no prediction intervals")
        return self.predictions.low, self.predictions.high

    def take(self, rows: np.ndarray) -> "Scored":
        return Scored(self.y[rows], self.predictions.take(rows), self.value)

    def block(self, terms: tuple[str, ...], dtype: np.dtype) -> np.ndarray:
        """The columns of ``terms`` as one matrix, kept for the next resamples."""
        wanted = (terms, dtype.str)
        if wanted not in self._blocks:
            self._blocks[wanted] = np.concatenate([self.term(name) for name in terms], axis=1, dtype=dtype)
        return self._blocks[wanted]

    def term(self, name: str) -> np.ndarray:
        columns = TERMS[name](self)
        return columns.reshape(len(self), -1).astype(float)

    @cached_property
    def by_error(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows ordered by their absolute error, and these errors."""
        error = np.abs(self.y - self.decision)
        order = np.argsort(error, kind="stable")
        return order, error[order]

    @cached_property
    def ranks(self) -> "Ranks":
        return Ranks.of(self.score, self.y == 1)


@dataclass(frozen=True)
class Ranks:
    """The rows by ascending score, cut where a level of the score with positives begins or ends.

    Rows of equal score form one level. Only levels with positives matter to the area under either
    curve, so that everything between two of them is one segment.
    """

    order: np.ndarray | None
    """None where the rows are in order already."""
    cuts: np.ndarray
    below: np.ndarray
    """For each level with positives, the cut at which it begins."""
    positives: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, score: np.ndarray, positive: np.ndarray) -> "Ranks":
        order = np.argsort(score, kind="stable")
        ordered, flags = score[order], positive[order]
        edges = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(score) else np.zeros(0, dtype=int)
        level = np.searchsorted(edges, np.flatnonzero(flags), side="right") - 1
        levels, starts = np.unique(level, return_index=True)
        ends = np.r_[edges, len(score)][levels + 1]
        cuts = np.unique(np.r_[0, edges[levels], ends[ends < len(score)]])
        is_sorted = bool(np.array_equal(order, np.arange(len(order))))
        return cls(
            order=None if is_sorted else order,
            cuts=cuts,
            below=np.searchsorted(cuts, edges[levels]),
            positives=order[flags],
            starts=starts,
        )


class Weighted:
    """The weighted sums of ``scored`` for each row of ``weights`` (B × n)."""

    def __init__(self, scored: Scored, weights: np.ndarray, terms: Iterable[str]) -> None:
        self.scored, self.weights, self.terms = scored, weights, tuple(dict.fromkeys(terms))

    @cached_property
    def _sums(self) -> dict[str, np.ndarray]:
        sums = self.weights @ self.scored.block(self.terms, self.weights.dtype)
        ends = np.cumsum([WIDTHS.get(name, 1) for name in self.terms])
        parts = np.split(sums.astype(float), ends[:-1], axis=1)
        return dict(zip(self.terms, parts, strict=True))

    def sum(self, term: str) -> np.ndarray:
        """One sum per resample; a term of k columns gives B × k."""
        found = self._sums[term]
        return found[:, 0] if found.shape[1] == 1 else found

    @cached_property
    def levels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Per level of the score with positives: their weight, all weight below, all weight in it."""
        ranks, weights = self.scored.ranks, self.weights
        ordered = weights if ranks.order is None else np.take(weights, ranks.order, axis=1)
        segments = np.add.reduceat(ordered, ranks.cuts, axis=1).astype(float)
        after = np.cumsum(segments, axis=1)
        positive = np.add.reduceat(np.take(weights, ranks.positives, axis=1), ranks.starts, axis=1)
        inside = segments[:, ranks.below]
        return positive.astype(float), after[:, ranks.below] - inside, inside


def _cell(decided: int, answer: int) -> Callable[[Scored], np.ndarray]:
    return lambda s: (s.decision == decided) & (s.y == answer)


def _log_loss(s: Scored) -> np.ndarray:
    smallest = np.finfo(float).eps
    chance = np.clip(np.where(s.y == 1, s.score, 1 - s.score), smallest, 1 - smallest)
    return -np.log(chance)


def _calibration(s: Scored) -> np.ndarray:
    bins = np.minimum((s.score * BINS).astype(int), BINS - 1)
    return np.where(bins[:, None] == np.arange(BINS), (s.score - s.y)[:, None], 0.0)


def _relative(s: Scored) -> np.ndarray:
    if not np.all(s.y):
        raise ValueError("an answer is 0, and an error in percent of 0 means nothing")
    return np.abs((s.y - s.decision) / s.y)


def _covered(s: Scored) -> np.ndarray:
    low, high = s.interval
    return (low <= s.y) & (s.y <= high)


TERMS: dict[str, Callable[[Scored], np.ndarray]] = {
    "rows": lambda s: np.ones(len(s)),
    "tp": _cell(1, 1),
    "fp": _cell(1, 0),
    "fn": _cell(0, 1),
    "tn": _cell(0, 0),
    "log_loss": _log_loss,
    "squared_score_error": lambda s: (s.score - s.y) ** 2,
    "calibration": _calibration,
    "error": lambda s: np.abs(s.y - s.decision),
    "squared_error": lambda s: (s.y - s.decision) ** 2,
    "relative_error": _relative,
    # Centred first: the difference of two large sums would lose its digits.
    "answer": lambda s: s.y - s.y.mean(),
    "squared_answer": lambda s: (s.y - s.y.mean()) ** 2,
    "covered": _covered,
}

WIDTHS = {"calibration": BINS}
