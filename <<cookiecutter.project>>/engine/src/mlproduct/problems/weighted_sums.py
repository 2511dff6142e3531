"""Targets with their predictions, and the weighted sums from which metrics are computed.

A bootstrap resample is one weight per row. Nearly every metric is a formula of a few weighted sums
of per-row terms (for example true positives or squared errors). The sums of all terms for all
resamples are therefore one matrix product.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..gate.criteria import AnyValue
from .predictions import Predictions

__all__ = ["Scored", "Term", "Weighted", "rows"]


# Compared by identity: the truth value of a comparison of arrays is undefined.
@dataclass(frozen=True, eq=False)
class Scored:
    """The targets ``y`` of n rows and their predictions.

    ``classes`` are the names of K classes, whose codes are their positions; empty for a number.
    """

    y: np.ndarray
    predictions: Predictions
    value: AnyValue | None = None
    classes: tuple[str, ...] = ()
    _blocks: "dict[tuple[tuple[Term, ...], str], Block]" = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.y)

    def __post_init__(self) -> None:
        if len(self.predictions) != len(self.y):
            raise ValueError(
                f"{len(self.predictions)} predictions were given for {len(self.y)} rows"
            )
        _all_numbers(self.y, "targets")

    @cached_property
    def decision(self) -> np.ndarray:
        """The decision of each row; raises ValueError if one is not a finite number.

        Such a row must not be dropped without a message.
        """
        return _all_numbers(self.predictions.decision, "decisions")

    @cached_property
    def action(self) -> np.ndarray:
        """The decisions of a classifier; raises ValueError if one, or a target, is not 0 or 1."""
        for values, what in ((self.decision, "decisions"), (self.y, "targets")):
            strange = (values != 0) & (values != 1)
            if strange.any():
                raise ValueError(f"{strange.sum()} of {len(self)} {what} are neither 0 nor 1")
        return self.decision

    @cached_property
    def codes(self) -> tuple[np.ndarray, np.ndarray]:
        """The classes of targets and decisions; raises ValueError if one is not a code."""
        for values, what in ((self.decision, "decisions"), (self.y, "targets")):
            strange = ~np.isin(values, np.arange(len(self.classes)))
            if strange.any():
                raise ValueError(f"{strange.sum()} of {len(self)} {what} are not classes")
        return self.y, self.decision

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The probabilities (n × K); raises ValueError if one is missing or not a number."""
        found = self.predictions.probabilities
        if found is None:
            raise ValueError("the predictions contain no probabilities")
        if not np.isfinite(found).all():
            rows = (~np.isfinite(found)).any(axis=1).sum()
            raise ValueError(f"the probabilities of {rows} of {len(self)} rows are not numbers")
        return found

    @cached_property
    def abstained(self) -> np.ndarray:
        """A mask of the rows that a person decides; raises ValueError if it is not known."""
        if self.predictions.abstained is None:
            raise ValueError("the predictions do not tell which rows a person decides")
        return self.predictions.abstained

    @cached_property
    def score(self) -> np.ndarray:
        """The score of each row; raises ValueError if one is missing or not a finite number."""
        return _all_numbers(self.predictions.score, "scores")

    @cached_property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The prediction intervals as (low, high); raises ValueError if there are none."""
        low, high = (
            _all_numbers(part, "intervals")
            for part in (self.predictions.low, self.predictions.high)
        )
        return low, high

    def take(self, rows: np.ndarray) -> "Scored":
        """The targets and predictions at the positions ``rows``."""
        return replace(self, y=self.y[rows], predictions=self.predictions.take(rows), _blocks={})

    def block(self, terms: "tuple[Term, ...]", dtype: np.dtype) -> "Block":
        """The columns of ``terms`` as one matrix, cached for the next resamples."""
        wanted = (terms, dtype.str)
        if wanted not in self._blocks:
            parts = [self.term(each) for each in terms]
            ends = np.cumsum([part.shape[1] for part in parts])[:-1]
            self._blocks[wanted] = Block(np.concatenate(parts, axis=1, dtype=dtype), ends)
        return self._blocks[wanted]

    def term(self, term: "Term") -> np.ndarray:
        """The per-row values of one term (n × its number of columns)."""
        values = np.asarray(term(self), dtype=float)
        return values[:, None] if values.ndim == 1 else values

    @cached_property
    def by_error(self) -> tuple[np.ndarray, np.ndarray]:
        """The positions of the rows in the order of their absolute error, and the errors."""
        error = np.abs(self.y - self.decision)
        order = np.argsort(error, kind="stable")
        return order, error[order]

    @cached_property
    def ranks(self) -> "Ranks":
        """The order of the rows by score."""
        return Ranks.of(self.score, self.y == 1)


@dataclass(frozen=True, eq=False)
class Block:
    """The columns of several terms (n × columns); another term begins at each of ``ends``."""

    columns: np.ndarray
    ends: np.ndarray


# Per-row values (n, or n × columns). A metric is a formula of the weighted sums of its terms.
Term = Callable[[Scored], np.ndarray]


def rows(scored: Scored) -> np.ndarray:
    """1 for each row; the weighted sum is the number of rows."""
    return np.ones(len(scored))


@dataclass(frozen=True)
class Ranks:
    """The rows by ascending score, and the levels of the score with at least one positive.

    Rows of equal score form one level. Only levels with positives change the area under the ROC
    curve or the precision-recall curve. ``order`` is None if the rows are already in order.
    """

    order: np.ndarray | None
    begins: np.ndarray
    ends: np.ndarray
    """``begins`` and ``ends``: the first position of each level, and the first one after it."""
    positives: np.ndarray
    starts: np.ndarray
    """``positives`` and ``starts``: the positive rows in order, and the start of each level."""

    @classmethod
    def of(cls, score: np.ndarray, positive: np.ndarray) -> "Ranks":
        """The ranks of rows with the scores ``score``; ``positive`` is a boolean mask."""
        order = np.argsort(score, kind="stable")
        ordered, flags = score[order], positive[order]
        edges = (
            np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
            if len(score)
            else np.zeros(0, dtype=int)
        )
        level = np.searchsorted(edges, np.flatnonzero(flags), side="right") - 1
        levels, starts = np.unique(level, return_index=True)
        in_order = bool(np.array_equal(order, np.arange(len(order))))
        ends = np.r_[edges, len(score)][levels + 1]
        return cls(None if in_order else order, edges[levels], ends, order[flags], starts)


@dataclass(frozen=True)
class Levels:
    """Sums of weights per level with a positive (B × levels) and in total (B × 1).

    ``inside`` are all rows of a level, ``below`` all rows of the levels below it. ``own`` is the
    mean weight of the positive row to which a unit of the weight of its level's positives belongs.
    """

    positive: np.ndarray
    own: np.ndarray
    positive_below: np.ndarray
    below: np.ndarray
    inside: np.ndarray
    all_positive: np.ndarray
    all: np.ndarray


class Weighted:
    """The weighted sums of ``scored`` for each row of ``weights`` (B × n).

    Weights of type float32 must be whole numbers.
    """

    def __init__(self, scored: Scored, weights: np.ndarray, terms: Iterable[Term]) -> None:
        self.scored, self.weights, self.terms = scored, weights, tuple(dict.fromkeys(terms))

    @cached_property
    def _sums(self) -> dict[Term, np.ndarray]:
        block = self.scored.block(self.terms, self.weights.dtype)
        parts = np.split((self.weights @ block.columns).astype(float), block.ends, axis=1)
        return dict(zip(self.terms, parts, strict=True))

    def sum(self, term: Term) -> np.ndarray:
        """The sum of a term per resample (B); a term of k columns gives B × k."""
        found = self._sums[term]
        return found[:, 0] if found.shape[1] == 1 else found

    def squares(self, term: Term) -> np.ndarray:
        """The sum of the squares of a term per resample (B × its number of columns)."""
        return np.asarray(self.weights @ self.scored.term(term) ** 2, dtype=float)

    @cached_property
    def levels(self) -> Levels:
        """The sums of weights per level of the score."""
        ranks, weights = self.scored.ranks, self.weights
        ordered = weights if ranks.order is None else np.take(weights, ranks.order, axis=1)
        # Resamples are whole numbers in float32. Adding them as integers is exact and three times
        # as fast.
        up_to = np.cumsum(
            ordered.astype(np.int32) if ordered.dtype == np.float32 else ordered, axis=1
        )
        until = np.take(up_to, ranks.ends - 1, axis=1).astype(float)
        below = np.where(ranks.begins > 0, np.take(up_to, ranks.begins - 1, axis=1), 0.0)
        of_positives = np.take(weights, ranks.positives, axis=1)
        # Without ties among the positives every level has one positive row: nothing to add up.
        alone = len(ranks.starts) == len(ranks.positives)
        positive = own = of_positives
        if not alone:
            positive, squares = (
                np.add.reduceat(each, ranks.starts, axis=1)
                for each in (of_positives, of_positives**2)
            )
            own = np.divide(squares, positive, out=np.zeros_like(squares), where=positive > 0)
        caught = np.cumsum(positive, axis=1, dtype=float)
        total = positive.sum(axis=1, keepdims=True, dtype=float)
        return Levels(
            positive,
            own,
            caught - positive,
            below,
            until - below,
            total,
            up_to[:, -1:].astype(float),
        )


def _all_numbers(values: np.ndarray | None, what: str) -> np.ndarray:
    if values is None:
        raise ValueError(f"the predictions contain no {what}")
    missing = ~np.isfinite(values)
    if missing.any():
        raise ValueError(f"{missing.sum()} of {len(values)} {what} are not numbers")
    return values
