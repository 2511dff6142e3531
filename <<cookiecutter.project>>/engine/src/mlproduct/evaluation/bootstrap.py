"""Values and their resamples: the same weights for everything that is compared.

A resample draws as many rows as there are, with replacement; how often each row was drawn is its
weight. Where the subject of a row comes back (the key repeats), whole subjects are drawn, since
rows of one subject are not independent. Source: B. Efron and R. Tibshirani (1993), An Introduction
to the Bootstrap, chapters 6 and 8.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..redaction import redacted
from .metrics import Metric
from .weighted_sums import Scored, Weighted

__all__ = [
    "BootstrapEstimate",
    "Key",
    "Sample",
    "Views",
    "clusters_of",
    "in_words",
    "resample",
    "take",
]

Key = tuple[str, ...]
Views = dict[str, dict[str, "BootstrapEstimate"]]

CELLS_IN_MEMORY = 1_600_000
"""Weights held at a time: 6 MB of them, which stay near the processor."""


@dataclass(frozen=True)
class Sample:
    """Some of the rows (all where ``rows`` is None) as one or several views predict them."""

    views: Mapping[str, Scored]
    metrics: Mapping[str, Sequence[Metric]]
    """Per view, what is computed of it."""
    rows: np.ndarray | None = None


@dataclass
class BootstrapEstimate:
    """One metric of one view: its value on the rows as they are, and on every resample."""

    metric: Metric
    scored: Scored
    value: float = np.nan
    support: int = 0
    problem: str | None = None
    chunks: list[np.ndarray] = field(default_factory=list)

    @property
    def draws(self) -> np.ndarray:
        return np.concatenate(self.chunks) if self.chunks else np.zeros(0)

    @property
    def is_measured(self) -> bool:
        return self.problem is None and self.support > 0


def clusters_of(keys: pd.Series) -> np.ndarray | None:
    """The number of the subject of each row, None where none comes back."""
    codes, subjects = pd.factorize(keys, use_na_sentinel=False)
    return None if len(subjects) == len(keys) else codes


def resample(
    rows: int, resamples: int, seed: int, clusters: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Weights of all resamples, a block of them at a time: float32, block × rows, multinomial.

    The seed decides every weight; the size of the blocks follows from the memory they may take.
    """
    random = np.random.default_rng(seed)
    subjects = rows if clusters is None else int(clusters.max()) + 1
    step = max(1, CELLS_IN_MEMORY // max(rows, 1))
    for start in range(0, resamples, step):
        block = np.empty((min(step, resamples - start), rows), dtype=np.float32)
        for weights in block:
            drawn = np.bincount(random.integers(0, subjects, subjects), minlength=subjects)
            weights[:] = drawn if clusters is None else drawn[clusters]
        yield block


def take(samples: Mapping[Key, Sample], weights: Iterator[np.ndarray]) -> dict[Key, Views]:
    """For each sample, by view and name of the metric, what was measured.

    A metric that cannot be computed has a problem; the others go on without it.
    """
    found = {
        key: {
            view: {m.name: _value(m, scored) for m in sample.metrics[view]}
            for view, scored in sample.views.items()
        }
        for key, sample in samples.items()
    }
    # The products are too thin for threads to help: they would only wait for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        for block in weights:
            for key, sample in samples.items():
                of_rows = block if sample.rows is None else np.take(block, sample.rows, axis=1)
                for view, scored in sample.views.items():
                    _draw([t for t in found[key][view].values() if t.is_measured], scored, of_rows)
    return found


def in_words(error: Exception) -> str:
    """The error in one line, without secrets; a ValueError of the metrics is a sentence already."""
    words = " ".join(redacted(error).split())
    return words if type(error) is ValueError and words else f"{type(error).__name__}: {words}"


def _value(metric: Metric, scored: Scored) -> BootstrapEstimate:
    estimates = BootstrapEstimate(metric, scored)
    try:
        estimates.value = float(metric.compute(scored)[0]) if len(scored) else np.nan
        estimates.support = int(metric.support(scored))
    except Exception as error:  # whatever breaks in one metric must not hide the others
        estimates.problem = in_words(error)
    return estimates


def _draw(measured: Sequence[BootstrapEstimate], scored: Scored, weights: np.ndarray) -> None:
    weighted = Weighted(scored, weights, [term for t in measured for term in t.metric.terms])
    for estimates in measured:
        try:
            estimates.chunks.append(_as_floats(estimates.metric.of(weighted)))
        except Exception as error:  # one metric must not hide the others
            estimates.problem = in_words(error)


def _as_floats(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)
