"""Bootstrap estimates of metrics. All models in a comparison use the same resamples.

A resample draws as many rows as there are, with replacement. The weight of a row is the number of
times it was drawn. If keys repeat, whole subjects (all rows of a key) are drawn, because rows of
one subject are not independent. Source: B. Efron and R. Tibshirani (1993), An Introduction to the
Bootstrap, chapters 6 and 8.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..problems import Metric, Scored
from ..problems.weighted_sums import Weighted
from ..redaction import redacted

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

# Weights per block: about 6 MB of float32, which fits into the cache of the processor.
CELLS_IN_MEMORY = 1_600_000


@dataclass(frozen=True)
class Sample:
    """A set of rows (all if ``rows`` is None) with the predictions of one or more models."""

    views: Mapping[str, Scored]
    metrics: Mapping[str, Sequence[Metric]]
    """The metrics to compute for each view. A view is the predictions of one model."""
    rows: np.ndarray | None = None


@dataclass
class BootstrapEstimate:
    """One metric of one model: its value on the original rows and what is drawn of it."""

    metric: Metric
    scored: Scored
    value: float = np.nan
    support: int = 0
    problem: str | None = None
    clusters: np.ndarray | None = None
    """The subject of each row if subjects are drawn, see ``clusters_of``."""
    chunks: list[np.ndarray] = field(default_factory=list)

    @property
    def draws(self) -> np.ndarray:
        """``Metric.drawn`` of each resample (B × k)."""
        return np.concatenate(self.chunks) if self.chunks else np.zeros((0, 1))

    @cached_property
    def influence(self) -> np.ndarray:
        """``Metric.influence`` of each row; the metric must state it."""
        assert self.metric.influence is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.scored.term(self.metric.influence)[:, 0]

    @property
    def is_measured(self) -> bool:
        """Whether the metric was computed without an error and on at least one row."""
        return self.problem is None and self.support > 0


def clusters_of(keys: pd.Series) -> np.ndarray | None:
    """The subject of each row as an integer, or None if no key repeats."""
    # A missing key is one subject, so that rows without a key also get an integer.
    codes, subjects = pd.factorize(keys, use_na_sentinel=False)
    return None if len(subjects) == len(keys) else codes


def resample(
    rows: int, resamples: int, seed: int, clusters: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """The multinomial weights of all resamples, in blocks (float32, resamples × rows).

    The weights depend on the seed only. The number of resamples in a block is limited by
    ``CELLS_IN_MEMORY``.
    """
    random = np.random.default_rng(seed)
    subjects = rows if clusters is None else int(clusters.max()) + 1
    step = max(1, CELLS_IN_MEMORY // max(rows, 1))
    for start in range(0, resamples, step):
        block = np.empty((min(step, resamples - start), rows), dtype=np.float32)
        for weights in block:
            # The same distribution as Generator.multinomial, which takes about five times as long.
            drawn = np.bincount(random.integers(0, subjects, subjects), minlength=subjects)
            weights[:] = drawn if clusters is None else drawn[clusters]
        yield block


def take(
    samples: Mapping[Key, Sample],
    weights: Iterator[np.ndarray],
    clusters: np.ndarray | None = None,
) -> dict[Key, Views]:
    """The estimates of each sample, by view and metric name.

    ``weights`` are blocks of ``resample`` for all rows and ``clusters``. A sample of some rows
    takes their columns.

    A metric that cannot be computed has a ``problem``; the other metrics are still computed.
    """
    found = {
        key: {
            view: {
                m.name: _value(m, scored, _of_rows(clusters, sample.rows))
                for m in sample.metrics[view]
            }
            for view, scored in sample.views.items()
        }
        for key, sample in samples.items()
    }
    # The matrix products are too small for several threads, which would only wait for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        for block in weights:
            for key, sample in samples.items():
                of_rows = block if sample.rows is None else np.take(block, sample.rows, axis=1)
                for view, scored in sample.views.items():
                    _draw([t for t in found[key][view].values() if t.is_measured], scored, of_rows)
    return found


def in_words(error: Exception) -> str:
    """The error in one line, without secrets and with its type.

    The type of a plain ValueError is omitted, because the metrics raise it with a full sentence.
    """
    words = " ".join(redacted(error).split())
    return words if type(error) is ValueError and words else f"{type(error).__name__}: {words}"


def _of_rows(clusters: np.ndarray | None, rows: np.ndarray | None) -> np.ndarray | None:
    return clusters if clusters is None or rows is None else clusters[rows]


def _value(metric: Metric, scored: Scored, clusters: np.ndarray | None) -> BootstrapEstimate:
    estimates = BootstrapEstimate(metric, scored, clusters=clusters)
    try:
        estimates.value = float(metric.compute(scored)[0]) if len(scored) else np.nan
        estimates.support = int(metric.support(scored))
    except Exception as error:  # an error in one metric must not hide the other metrics
        estimates.problem = in_words(error)
    return estimates


def _draw(measured: Sequence[BootstrapEstimate], scored: Scored, weights: np.ndarray) -> None:
    weighted = Weighted(scored, weights, [term for t in measured for term in t.metric.terms])
    for estimates in measured:
        try:
            estimates.chunks.append(_as_floats(estimates.metric.drawn(weighted)))
        except Exception as error:  # an error in one metric must not hide the other metrics
            estimates.problem = in_words(error)


def _as_floats(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)
