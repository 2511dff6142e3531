"""The speed of the model's predictions, for single rows and for large batches."""

from functools import partial

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..gate.criteria import Interval, Measurement
from ..problems import Predict
from .bootstrap import in_words
from .intervals import as_intervals, ladder, percentile
from .timing import THIS_MACHINE, Machine, Timing, time_calls

__all__ = ["SPEEDS", "measure_speed"]

SPEEDS = ("latency_p50_ms", "latency_p95_ms", "rows_per_second")
# Other work rarely disturbs a row in every round. More calls would make every training longer,
# since a slow model takes a second for ten of them.
ROWS = 30
ROUNDS = 4
WARM_UP = 5  # the first calls import modules and fill caches
# Throughput is measured on a batch.
BATCH = 10_000
REPEATS = 3
# The fixed computation after each batch, about as long as after the single rows of one round.
COMPUTATIONS = 30


def measure_speed(
    answer: Predict,
    features: pd.DataFrame,
    *,
    confidence: float,
    seed: int,
    machine: Machine = THIS_MACHINE,
) -> tuple[Measurement, ...]:
    """The latency of single rows in milliseconds (with bootstrap intervals) and rows per second.

    The rows are drawn from ``features`` with ``seed``. The first predictions are a warm-up and do
    not count. CPU time decides, or the time by the clock if the model itself waits. The note states
    the time by the clock. If other work leaves it open how long the model takes alone, the interval
    contains all possible values.
    """
    try:
        # One thread per prediction, as in a service that handles several requests at once.
        with threadpool_limits(1):
            timing = _single_answers(answer, features, np.random.default_rng(seed), machine)
        latencies = [_latency(name, timing, part, confidence, seed) for name, part in _PARTS]
        return (*latencies, _throughput(answer, features, machine))
    except Exception as error:  # a model that cannot predict is a result of the evaluation
        return tuple(
            Measurement(metric=name, rows=len(features), problem=in_words(error)) for name in SPEEDS
        )


_PARTS = (("latency_p50_ms", 50), ("latency_p95_ms", 95))


def _single_answers(
    answer: Predict, features: pd.DataFrame, random: np.random.Generator, machine: Machine
) -> Timing:
    if features.empty:
        raise ValueError("there are no rows to predict")
    rows = random.integers(0, len(features), WARM_UP + ROWS)
    calls = [partial(answer, features.iloc[row : row + 1]) for row in rows]
    for call in calls[:WARM_UP]:
        call()
    return time_calls(calls[WARM_UP:], ROUNDS, machine)


def _latency(name: str, timing: Timing, part: int, confidence: float, seed: int) -> Measurement:
    low, likely, high = (1000 * seconds for seconds in timing.seconds())
    drawn = np.random.default_rng(seed).integers(0, len(likely), (1000, len(likely)))
    errors = ladder(confidence)
    ends = [
        percentile(np.percentile(of[drawn], part, axis=1), float(np.percentile(of, part)), errors)
        for of in (low, high)
    ]
    return Measurement(
        metric=name,
        value=float(np.percentile(likely, part)),
        intervals=as_intervals((np.maximum(ends[0][0], 0.0), ends[1][1])),
        rows=len(likely),
        counted="timed predictions",
        note=_note(f"{1000 * np.percentile(timing.clock, part):.3g} ms", timing),
        settled_by=_settled_by(timing),
    )


def _throughput(answer: Predict, features: pd.DataFrame, machine: Machine) -> Measurement:
    """The rate of the fastest repeat; the interval is from the slowest to the fastest."""
    batch = features.iloc[:BATCH]
    timing = time_calls([partial(answer, batch)], REPEATS, machine, COMPUTATIONS)
    low, likely, high = (float(seconds[0]) for seconds in timing.seconds())
    slowest = high + float(np.ptp(timing.cpu))
    # 1e-9: a coarse clock can measure 0 seconds.
    lowest, rate, highest = (len(batch) / max(each, 1e-9) for each in (slowest, likely, low))
    by_clock = len(batch) / max(float(np.median(timing.clock)), 1e-9)
    return Measurement(
        metric="rows_per_second",
        value=rate,
        intervals=(Interval(low=lowest, high=highest),),
        rows=len(batch),
        counted="timed predictions",
        note=_note(f"{by_clock:,.0f} rows per second", timing),
        settled_by=_settled_by(timing),
    )


def _note(by_clock: str, timing: Timing) -> str:
    busy = f"{100 * timing.busy:.0f} %"
    return f"{by_clock} by the clock; the machine was {busy} busy with other work"


def _settled_by(timing: Timing) -> str | None:
    if timing.doubt is None:
        return None
    return (
        f"{timing.doubt}, so it is not known how long the model takes alone. Train again when the"
        " machine is idle."
    )
