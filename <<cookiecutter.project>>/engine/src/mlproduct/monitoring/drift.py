"""Detect drift: a window differs from the reference significantly and by a relevant amount.

A column raises an alarm if two conditions are met. First, its counts differ significantly from
those of the reference: the chi-squared test of homogeneity, corrected for the number of columns
(Holm 1979). Second, the difference is large: the population stability index reaches a limit, or the
share of a value has changed by a factor. The test alone would report irrelevant changes in large
windows, and the size alone would report noise in small ones (Yurdakul and Naranjo 2020, Statistical
properties of the population stability index).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import chi2_contingency

from ..config.settings import DriftLimits
from .profile import ColumnProfile, Profile

__all__ = ["Finding", "drift", "psi", "unseen_classes", "volume"]

# Expected rows in a bin below which the chi-squared test is not reliable; smaller bins are pooled.
# The documentation of SciPy's chi2_contingency names the same number.
ENOUGH = 5


@dataclass(frozen=True)
class Finding:
    """One finding about one column.

    ``what`` is ``values``, ``missing``, ``new values``, ``volume`` or ``unseen classes``. ``size``
    is the PSI (values), the difference of the shares (missing), the share (new values, unseen
    classes) or the relative difference (volume). ``p`` is corrected for the number of columns.
    """

    column: str
    what: str
    size: float
    p: float
    alarm: bool
    sentence: str


def drift(reference: Profile, window: Profile, limits: DriftLimits) -> tuple[Finding, ...]:
    """A finding for every column and kind of change: alarms first, then by decreasing size.

    ``window`` must have the columns and bins of ``reference`` (``reference.counted``).
    """
    tested: list[tuple[Finding, bool]] = []
    others: list[Finding] = []
    for before, now in zip(reference.columns, window.columns, strict=True):
        tested.append(_values(before, now, limits))
        # The missing texts are found by their length already.
        if before.measure != "unknown words":
            tested.append(_missing(before, now, limits))
        if before.kind == "category":
            others.append(_new_values(before, now, limits, len(reference.columns)))
    corrected = _holm([finding.p for finding, _ in tested])
    found = [
        replace(finding, p=p, alarm=matters and p <= limits.false_alarms_at_most)
        for (finding, matters), p in zip(tested, corrected, strict=True)
    ]
    return tuple(sorted((*found, *others), key=lambda finding: (not finding.alarm, -finding.size)))


def psi(before: Sequence[int], now: Sequence[int]) -> float:
    """The population stability index: the sum of (q - p) ln(q / p) over the bins' shares p and q.

    Half a row is added to each bin, because an empty bin would make the index infinite.
    """
    p, q = _shares(before), _shares(now)
    return float(((q - p) * np.log(q / p)).sum())


def volume(rows: int, usual: Sequence[int], limits: DriftLimits) -> Finding | None:
    """A finding on the number of rows, compared with the median of the ``usual`` numbers.

    None if ``usual`` is empty.
    """
    if not usual:
        return None
    typical = float(np.median(usual))
    low, high = limits.volume_between
    factor = rows / typical if typical else np.inf
    sentence = f"{rows:,} rows in the window (usually {typical:,.0f})"
    return Finding("(rows)", "volume", abs(factor - 1), 0.0, not low <= factor <= high, sentence)


def unseen_classes(
    target: str, classes: Mapping[str, int], labels: int, at_most: float
) -> Finding | None:
    """A finding on labels of ``classes`` that the schema does not list; None if there are none."""
    rows = sum(classes.values())
    if not rows:
        return None
    share = rows / labels
    named = ", ".join(f"{name} ({count:,})" for name, count in classes.items())
    sentence = (
        f"{share:.1%} of {labels:,} labels are of classes that schemas.py does not list: {named}"
    )
    alarm = rows >= ENOUGH and share > at_most
    return Finding(target, "unseen classes", share, 0.0, alarm, sentence)


def _values(before: ColumnProfile, now: ColumnProfile, limits: DriftLimits) -> tuple[Finding, bool]:
    if not sum(before.counts) or not sum(now.counts):
        return Finding(before.name, "values", 0.0, 1.0, False, "no values to compare"), False
    size = psi(before.counts, now.counts)
    matters = size >= limits.psi_at_least
    if before.kind == "category":
        matters = matters or _by_factor(before, now, limits.share_factor)
    p = _homogeneous(np.array([before.counts, now.counts]))
    return Finding(before.name, "values", size, p, False, _moved(before, now, size)), matters


def _by_factor(before: ColumnProfile, now: ColumnProfile, factor: float) -> bool:
    """Whether the share of a value that is not rare increased or decreased by the factor."""
    p, q = _shares(before.counts), _shares(now.counts)
    common = np.minimum(p * sum(before.counts), p * sum(now.counts)) >= ENOUGH
    return bool((common & ((q >= p * factor) | (q <= p / factor))).any())


def _missing(
    before: ColumnProfile, now: ColumnProfile, limits: DriftLimits
) -> tuple[Finding, bool]:
    table = np.array([[c.missing, sum(c.counts)] for c in (before, now)])
    was, is_now = (row[0] / max(row.sum(), 1) for row in table)
    sentence = f"{is_now:.1%} missing (reference: {was:.1%})"
    size = float(abs(is_now - was))
    return Finding(
        before.name, "missing", size, _homogeneous(table), False, sentence
    ), size >= limits.missing_by


def _new_values(
    before: ColumnProfile, now: ColumnProfile, limits: DriftLimits, columns: int
) -> Finding:
    was, is_now = (c.counts[-1] / max(sum(c.counts), 1) for c in (before, now))
    # The size of the share decides, from a minimum number of rows on.
    alarm = now.counts[-1] >= ENOUGH and is_now - was > limits.new_values_at_most
    if alarm and was:
        # Of a category with many values, the reference has others too, and their share varies by
        # chance. Corrected for the number of columns (Bonferroni).
        table = np.array([[c.counts[-1], sum(c.counts[:-1])] for c in (before, now)])
        alarm = _homogeneous(table) * columns <= limits.false_alarms_at_most
    sentence = f"{is_now:.1%} of rows have values that are not in the reference"
    return Finding(
        before.name, "new values", float(is_now), 0.0 if alarm else 1.0, bool(alarm), sentence
    )


def _moved(before: ColumnProfile, now: ColumnProfile, size: float) -> str:
    """The change in words: the share above the reference median, or the share of one value."""
    p, q = (np.array(c.counts) / sum(c.counts) for c in (before, now))
    if before.kind == "number":
        if not before.edges:
            return f"PSI {size:.3f}"
        middle = len(before.edges) // 2
        above, now_above = p[middle + 1 :].sum(), q[middle + 1 :].sum()
        return (
            f"{now_above:.0%} of rows are ≥ {before.edges[middle]:.4g} (reference: {above:.0%}; PSI"
            f" {size:.3f})"
        )
    most = int(np.argmax(np.abs(q - p)))
    name = (*before.values, "other values")[most]
    return f"{q[most]:.1%} of rows are {name} (reference: {p[most]:.1%}; PSI {size:.3f})"


def _homogeneous(table: np.ndarray) -> float:
    """The p-value of the chi-squared test that both rows of counts have the same distribution."""
    table = _pooled(table)
    if table.shape[1] < 2:
        return 1.0
    return float(chi2_contingency(table, correction=False).pvalue)


def _pooled(table: np.ndarray) -> np.ndarray:
    """The table with the bins of too few expected rows pooled into one.

    If the pooled bin is still too small, it is added to the smallest of the other bins.
    """
    table = table[:, table.sum(axis=0) > 0]
    rows = table.sum(axis=1)
    if not rows.all() or table.shape[1] < 2:
        return table[:, :1]
    expected = table.sum(axis=0) * rows.min() / rows.sum()
    small = expected < ENOUGH
    if not small.any():
        return table
    rest, pooled = table[:, ~small], table[:, small].sum(axis=1, keepdims=True)
    if rest.shape[1] and pooled.sum() * rows.min() / rows.sum() < ENOUGH:
        least = int(np.argmin(rest.sum(axis=0)))
        rest[:, least] += pooled[:, 0]
        return rest
    return np.hstack([rest, pooled])


def _shares(counts: Sequence[int]) -> np.ndarray:
    smoothed = np.asarray(counts, dtype=float) + 0.5
    return np.asarray(smoothed / smoothed.sum())


def _holm(ps: Sequence[float]) -> list[float]:
    """The p-values after Holm's correction.

    Compared with a limit, they keep the probability of any false alarm below this limit.
    """
    # The running maximum keeps the corrected values in the order of the p-values.
    order, corrected, highest = np.argsort(ps, kind="stable"), [0.0] * len(ps), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = highest
    return corrected
