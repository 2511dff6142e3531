"""The slices that the criteria ask about: a value for each, or the difference of each two."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..columns import Columns
from ..criteria import Criteria, Criterion, Measurement
from .bootstrap import Taken
from .intervals import Bounds, apart, as_intervals, ladder, of_value

__all__ = ["MISSING", "Family", "Slices", "families", "labels", "measure_family", "problem_of_family", "slices_of"]

MISSING = "(missing)"
MOST_COMPARISONS = 200


@dataclass(frozen=True)
class Family:
    """What several criteria may ask together: one metric by one column, as it is or as differences."""

    metric: str
    by: str
    gap: bool
    criteria: tuple[Criterion, ...]


Slices = dict[str, np.ndarray]
"""Every slice of a column that is known, and the rows of the holdout that are in it."""


def families(criteria: Criteria) -> tuple[Family, ...]:
    found: dict[tuple[str, str, bool], list[Criterion]] = {}
    for criterion in criteria.criteria:
        if criterion.by is not None:
            key = (criterion.metric, criterion.by, criterion.gap_at_most is not None)
            found.setdefault(key, []).append(criterion)
    return tuple(Family(*key, tuple(asked)) for key, asked in found.items())


def labels(values: pd.Series) -> np.ndarray:
    """The slice that each row is in, by its name; what is missing is a slice of its own."""
    return np.array([_label(value) for value in values.tolist()], dtype=object)


def slices_of(by: str, training: pd.DataFrame, holdout: pd.DataFrame, columns: Columns) -> Slices:
    """The slices of ``by`` that the schema lists, that were trained on or that the holdout has."""
    codes, values = pd.factorize(holdout[by], use_na_sentinel=False)
    present = labels(pd.Series(values, dtype=object))
    known = {_label(value) for value in columns.known_values.get(by, ())}
    known |= set(labels(pd.Series(training[by].unique(), dtype=object))) if by in training else set()
    rows = {name: np.flatnonzero(np.isin(codes, np.flatnonzero(present == name))) for name in known | set(present)}
    return dict(sorted(rows.items()))


def problem_of_family(family: Family, holdout: pd.DataFrame, slices: Slices | None) -> str | None:
    """Why the family cannot be measured, None where it can."""
    if slices is None:
        near = difflib.get_close_matches(family.by, list(holdout.columns), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(holdout.columns)}"
        return f"there is no column {family.by!r} – {hint}"
    names = len(slices)
    comparisons = names * (names - 1) // 2 if family.gap else names
    if comparisons > MOST_COMPARISONS:
        words = "differences" if family.gap else "slices"
        return f"{family.by} has {names} slices, {comparisons:,} {words} – at most {MOST_COMPARISONS} can be told apart"
    if comparisons == 0:
        return f"{family.by} has {'one slice, there is no other' if names else 'no slice'} to compare"
    return None


def measure_family(family: Family, by_name: dict[str, Taken], confidence: float) -> list[Measurement]:
    """A measurement per slice, or per two slices where the family asks for differences.

    Each has as many intervals as its family has members, those left out by the file not counted.
    """
    errors = ladder(confidence, max(1, *(_members(family, c, by_name) for c in family.criteria)))
    bounds = {name: of_value(t, errors) for name, t in by_name.items() if t.is_measured}
    if not family.gap:
        return [_slice(family, name, t, bounds.get(name)) for name, t in by_name.items()]
    return [_pair(family, pair, by_name, bounds, errors) for pair in combinations(by_name, 2)]


def _slice(family: Family, name: str, taken: Taken, bounds: Bounds | None) -> Measurement:
    return Measurement(
        metric=family.metric,
        by=family.by,
        slice=name,
        value=taken.value,
        intervals=() if bounds is None else as_intervals(bounds),
        rows=len(taken.scored),
        support=None if taken.problem else taken.support,
        problem=taken.problem,
    )


def _pair(
    family: Family, pair: tuple[str, str], by_name: dict[str, Taken], bounds: dict[str, Bounds], errors: np.ndarray
) -> Measurement:
    one, other = (by_name[name] for name in pair)
    measured = one.is_measured and other.is_measured
    problem = one.problem or other.problem
    drawn = apart(one, other, errors, bounds[pair[0]], bounds[pair[1]]) if measured else None
    return Measurement(
        metric=family.metric,
        by=family.by,
        slice=pair[0],
        other=pair[1],
        value=one.value - other.value,
        intervals=() if drawn is None else as_intervals(drawn),
        rows=len(one.scored) + len(other.scored),
        support=None if problem else min(one.support, other.support),
        problem=problem,
    )


def _members(family: Family, criterion: Criterion, names: Iterable[str]) -> int:
    count = len(set(names) - set(criterion.leaving_out))
    return count * (count - 1) // 2 if family.gap else count


def _label(value: Any) -> str:
    if value is None or value is pd.NaT or value != value:
        return MISSING
    return f"{value:g}" if isinstance(value, float) else str(value)
