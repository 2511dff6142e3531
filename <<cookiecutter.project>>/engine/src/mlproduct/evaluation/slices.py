"""Metrics by slice: the value of each slice, or the difference of each pair of slices."""

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..data.columns import Columns
from ..gate.criteria import BY_CLASS, Criteria, Criterion, Measurement
from .bootstrap import BootstrapEstimate
from .intervals import Bounds, apart, as_intervals, ladder, of_value

__all__ = [
    "MISSING",
    "SlicedMetric",
    "Slices",
    "labels",
    "measure_slices",
    "problem_of_slices",
    "sliced_metrics",
    "slices_of",
]

MISSING = "(missing)"
# Holm's correction needs an interval for each comparison at each level: beyond this number, the
# levels are too extreme for the bootstrap to estimate.
MOST_COMPARISONS = 200


@dataclass(frozen=True)
class SlicedMetric:
    """One metric by one column, as values or as differences (``gap``), and its criteria."""

    metric: str
    by: str
    gap: bool
    criteria: tuple[Criterion, ...]


# The positions of the holdout rows in each known slice of a column.
Slices = dict[str, np.ndarray]


def sliced_metrics(criteria: Criteria, by_class: Iterable[str] = ()) -> tuple[SlicedMetric, ...]:
    """The metrics that the criteria require by slice, each with all of its criteria.

    The metrics ``by_class`` are included for each class, also without a criterion.
    """
    found: dict[tuple[str, str, bool], list[Criterion]] = {
        (name, BY_CLASS, False): [] for name in by_class
    }
    for criterion in criteria.criteria:
        if criterion.sliced_by is not None:
            key = (criterion.metric, criterion.sliced_by, criterion.gap_at_most is not None)
            found.setdefault(key, []).append(criterion)
    return tuple(SlicedMetric(*key, tuple(asked)) for key, asked in found.items())


def labels(values: pd.Series) -> np.ndarray:
    """The name of each row's slice; missing values form a separate slice."""
    return np.array([_label(value) for value in values.tolist()], dtype=object)


def slices_of(by: str, training: pd.DataFrame, holdout: pd.DataFrame, columns: Columns) -> Slices:
    """The slices of ``by`` in the schema, the training rows or the holdout, with their rows."""
    codes, values = pd.factorize(holdout[by], use_na_sentinel=False)
    present = labels(pd.Series(values, dtype=object))
    known = {_label(value) for value in columns.known_values.get(by, ())}
    known |= (
        set(labels(pd.Series(training[by].unique(), dtype=object))) if by in training else set()
    )
    # Several values can have the same label, so a slice can have several codes.
    rows = {
        name: np.flatnonzero(np.isin(codes, np.flatnonzero(present == name)))
        for name in known | set(present)
    }
    return dict(sorted(rows.items()))


def problem_of_slices(
    sliced: SlicedMetric, holdout: pd.DataFrame, slices: Collection[str] | None
) -> str | None:
    """Why the slices cannot be measured, or None if they can."""
    if slices is None:
        near = difflib.get_close_matches(sliced.by, list(holdout.columns), n=1)
        hint = (
            f"did you mean {near[0]!r}?"
            if near
            else f"expected one of {', '.join(holdout.columns)}"
        )
        return f"there is no column {sliced.by!r} – {hint}"
    names = len(slices)
    comparisons = names * (names - 1) // 2 if sliced.gap else names
    if comparisons > MOST_COMPARISONS:
        found = f", which is {comparisons:,} differences" if sliced.gap else ""
        words = "differences" if sliced.gap else "slices"
        return (
            f"{sliced.by} has {names:,} slices{found} – at most {MOST_COMPARISONS} {words} can be"
            " judged"
        )
    if comparisons == 0:
        return (
            f"{sliced.by} has {'only one slice – expected two or more' if names else 'no slices'}"
        )
    return None


def measure_slices(
    sliced: SlicedMetric, by_name: dict[str, BootstrapEstimate], confidence: float
) -> list[Measurement]:
    """A measurement per slice, or per pair of slices if ``sliced`` is a gap.

    Each has as many intervals as there are slices or pairs, without those in ``leaving_out``.
    """
    # At least one step, even if leaving_out excludes every slice.
    steps = max([1, *(_members(sliced, c, by_name) for c in sliced.criteria)])
    errors = ladder(confidence, steps)
    bounds = {name: of_value(t, errors) for name, t in by_name.items() if t.is_measured}
    if not sliced.gap:
        return [_slice(sliced, name, t, bounds.get(name)) for name, t in by_name.items()]
    return [_pair(sliced, pair, by_name, bounds, errors) for pair in combinations(by_name, 2)]


def _slice(
    sliced: SlicedMetric, name: str, estimates: BootstrapEstimate, bounds: Bounds | None
) -> Measurement:
    return Measurement(
        metric=sliced.metric,
        by=sliced.by,
        slice=name,
        value=estimates.value,
        intervals=() if bounds is None else as_intervals(bounds),
        rows=len(estimates.scored),
        support=None if estimates.problem else estimates.support,
        problem=estimates.problem,
    )


def _pair(
    sliced: SlicedMetric,
    pair: tuple[str, str],
    by_name: dict[str, BootstrapEstimate],
    bounds: dict[str, Bounds],
    errors: np.ndarray,
) -> Measurement:
    one, other = (by_name[name] for name in pair)
    measured = one.is_measured and other.is_measured
    problem = one.problem or other.problem
    drawn = apart(one, other, errors, bounds[pair[0]], bounds[pair[1]]) if measured else None
    return Measurement(
        metric=sliced.metric,
        by=sliced.by,
        slice=pair[0],
        other=pair[1],
        value=one.value - other.value,
        intervals=() if drawn is None else as_intervals(drawn),
        rows=len(one.scored) + len(other.scored),
        support=None if problem else min(one.support, other.support),
        problem=problem,
    )


def _members(sliced: SlicedMetric, criterion: Criterion, names: Iterable[str]) -> int:
    count = len(set(names) - set(criterion.leaving_out))
    return count * (count - 1) // 2 if sliced.gap else count


def _label(value: Any) -> str:
    if value is None or value is pd.NaT or value != value:  # only NaN differs from itself
        return MISSING
    # A column of whole numbers with missing values contains floats: 1.0 is the same slice as 1.
    return f"{value:g}" if isinstance(value, float) else str(value)
