"""What a measurement is called among the metrics of MLflow."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import chain, count

from ..criteria import Measurement

__all__ = ["metrics_of", "safe"]

NAME_LIMIT = 240


def metrics_of(measurements: Sequence[Measurement]) -> dict[str, float]:
    """Value, low and high of every measurement under names that MLflow takes and a person can read.

    ``recall``, ``recall.region.north``, ``recall.region.north_minus_south``, ``recall.versus_champion``,
    each with ``_low`` and ``_high``. What could not be measured has no number and is left to the scorecard.
    """
    found: dict[str, float] = {}
    for each in measurements:
        name = _free(_metric_name(each), found)
        numbers = {name: each.value}
        if each.intervals:
            numbers |= {f"{name}_low": each.interval.low, f"{name}_high": each.interval.high}
        if each.problem is None:
            found |= {key: value for key, value in numbers.items() if math.isfinite(value)}
    return found


def safe(part: str) -> str:
    """``part`` with what MLflow does not take in a name replaced."""
    return re.sub(r"[^\w\- ]", "_", part) or "_"


def _metric_name(found: Measurement) -> str:
    parts = [found.metric]
    if found.by is not None:
        parts += [found.by, f"{found.slice}_minus_{found.other}" if found.other is not None else str(found.slice)]
    if found.versus is not None:
        parts.append(f"versus_{found.versus}")
    return ".".join(safe(part) for part in parts)[:NAME_LIMIT]


def _free(name: str, taken: Mapping[str, float]) -> str:
    """``name``, numbered where two slices differ only in letters that MLflow does not take."""
    names = chain([name], (f"{name}_{number}" for number in count(2)))
    return next(each for each in names if each not in taken)
