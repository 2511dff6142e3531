"""The speed of the model's predictions, for single rows and for large batches."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..gate.criteria import Interval, Measurement
from ..problems import Predict
from .bootstrap import in_words
from .intervals import as_intervals, ladder, percentile

__all__ = ["SPEEDS", "measure_speed"]

SPEEDS = ("latency_p50_ms", "latency_p95_ms", "rows_per_second")
# A 95th percentile with an interval needs about a hundred calls; more would make every training
# longer, since a slow model takes a second for ten of them.
CALLS = 120
WARM_UP = 5  # the first calls import modules and fill caches
# Throughput is measured on a batch. The repetitions show how much other programs slow it down.
BATCH = 10_000
REPEATS = 3


def measure_speed(
    answer: Predict,
    features: pd.DataFrame,
    *,
    confidence: float,
    seed: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Measurement, ...]:
    """The latency of single rows in milliseconds (with bootstrap intervals) and rows per second.

    The rows are drawn from ``features`` with ``seed``. The first predictions are a warm-up and do
    not count.
    """
    try:
        # One thread per prediction, as in a service that handles several requests at once.
        with threadpool_limits(1):
            estimates = _single_answers(answer, features, np.random.default_rng(seed), clock)
        latencies = [_latency(name, estimates, part, confidence, seed) for name, part in _PARTS]
        return (*latencies, _throughput(answer, features, clock))
    except Exception as error:  # a model that cannot predict is a result of the evaluation
        return tuple(
            Measurement(metric=name, rows=len(features), problem=in_words(error)) for name in SPEEDS
        )


_PARTS = (("latency_p50_ms", 50), ("latency_p95_ms", 95))


def _single_answers(
    answer: Predict, features: pd.DataFrame, random: np.random.Generator, clock: Callable[[], float]
) -> np.ndarray:
    if features.empty:
        raise ValueError("there are no rows to predict")
    rows = random.integers(0, len(features), WARM_UP + CALLS)
    seconds = []
    for row in rows:
        one = features.iloc[row : row + 1]
        start = clock()
        answer(one)
        seconds.append(clock() - start)
    return np.array(seconds[WARM_UP:]) * 1000


def _latency(
    name: str, estimates: np.ndarray, part: int, confidence: float, seed: int
) -> Measurement:
    drawn = np.random.default_rng(seed).choice(estimates, (1000, len(estimates)))
    value = float(np.percentile(estimates, part))
    bounds = percentile(np.percentile(drawn, part, axis=1), value, ladder(confidence), lowest=0.0)
    return Measurement(
        metric=name,
        value=value,
        intervals=as_intervals(bounds),
        rows=len(estimates),
        counted="timed predictions",
    )


def _throughput(answer: Predict, features: pd.DataFrame, clock: Callable[[], float]) -> Measurement:
    """The median of the repeats; the interval is from the slowest to the fastest repeat."""
    batch = features.iloc[:BATCH]
    rates = []
    for _ in range(REPEATS):
        start = clock()
        answer(batch)
        # 1e-9: a coarse clock can measure 0 seconds.
        rates.append(len(batch) / max(clock() - start, 1e-9))
    interval = Interval(low=min(rates), high=max(rates))
    return Measurement(
        metric="rows_per_second",
        value=float(np.median(rates)),
        intervals=(interval,),
        rows=len(batch),
        counted="timed predictions",
    )
