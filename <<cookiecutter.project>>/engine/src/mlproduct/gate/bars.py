"""The comparison of one measurement with one bar: outcome, sentence and missing rows."""

import math
from typing import NamedTuple

from .criteria import BY_CLASS, Criteria, Criterion, Interval, Measurement, Outcome, Result
from .more_rows import more_rows, rows_in_words

__all__ = [
    "BarResult",
    "bar_as_formula",
    "bar_in_words",
    "enough",
    "exact",
    "hold",
    "measured",
    "measured_with_bar",
    "met_in_words",
    "no_value",
    "number",
    "result_of",
    "right_side",
    "rounded",
    "slice_name",
    "subject",
    "too_few",
    "wrong_side",
]


def enough(found: Measurement, smallest: int) -> bool:
    """Whether the measurement is based on at least ``smallest`` rows or has no sampling error."""
    return found.support is None or found.support >= smallest


class BarResult(NamedTuple):
    """The result of comparing a measurement with the bar: outcome, sentence, interval.

    The other two are as in ``Result``.
    """

    outcome: Outcome
    because: str
    interval: Interval | None
    more_rows: int | None = None
    more_rows_at_most: int | None = None


def hold(criterion: Criterion, found: Measurement, criteria: Criteria) -> BarResult:
    """The result of comparing ``found`` with the bar of ``criterion``, which is in ``criteria``."""
    if not enough(found, criteria.smallest):
        return too_few(found, criteria.smallest)
    if right_side(criterion, found.interval):
        outcome = Outcome.MET
    elif wrong_side(criterion, found.interval):
        outcome = Outcome.NOT_MET
    else:
        outcome = Outcome.UNDECIDED
    return result_of(criterion, found, outcome, found.interval, 1 - criteria.confidence)


def too_few(found: Measurement, smallest: int) -> BarResult:
    """The undecided result of a measurement on fewer than ``smallest`` rows."""
    if not found.support:
        because = f"{subject(found)} has no rows to measure it on."
        return BarResult(Outcome.UNDECIDED, because, None)
    # Assumes that the share of rows that count (support / rows) does not change.
    more = math.ceil((smallest - found.support) * found.rows / found.support)
    because = (
        f"{subject(found)} is based on {found.support} rows, the minimum is {smallest}."
        f" About {more:,} more {found.counted} are needed."
    )
    return BarResult(Outcome.UNDECIDED, because, None, more)


def result_of(
    criterion: Criterion, found: Measurement, outcome: Outcome, interval: Interval, error: float
) -> BarResult:
    """The result with its sentence: the value, its interval at 1 − ``error``, and the bar.

    An undecided result also contains what would settle it.
    """
    value, *ends = rounded(found.value, interval)
    measured_text = (
        f"{subject(found)} {value} [{', '.join(ends)}]" if ends else f"{subject(found)} {value}"
    )
    if outcome is not Outcome.UNDECIDED:
        note = f" ({found.note})" if found.note else ""
        side = met_in_words(criterion) if outcome is Outcome.MET else _not_met_in_words(criterion)
        return BarResult(outcome, f"{measured_text} is {side}{note}.", interval)
    because = f"Too close to call: {measured_text}, bar {bar_as_formula(criterion)}."
    if found.settled_by:
        return BarResult(outcome, f"{because} {found.settled_by}", interval)
    more = more_rows(criterion, found, interval, error)
    because += f" {rows_in_words(more, found.counted)}"
    return BarResult(outcome, because, interval, *(more or ()))


def right_side(criterion: Criterion, interval: Interval) -> bool:
    """Whether the whole interval is on the right side of the bar.

    In a comparison (``versus``), equal is not better.
    """
    # Strict in a comparison, so that the champion submitted again is refused.
    wins = criterion.versus is not None
    if criterion.at_least is not None:
        return interval.low > criterion.at_least if wins else interval.low >= criterion.at_least
    if criterion.at_most is not None:
        return interval.high < criterion.at_most if wins else interval.high <= criterion.at_most
    return max(abs(interval.low), abs(interval.high)) <= criterion.bar


def wrong_side(criterion: Criterion, interval: Interval) -> bool:
    """Whether the whole interval is on the wrong side of the bar."""
    wins = criterion.versus is not None
    if criterion.at_least is not None:
        return interval.high <= criterion.at_least if wins else interval.high < criterion.at_least
    if criterion.at_most is not None:
        return interval.low >= criterion.at_most if wins else interval.low > criterion.at_most
    return interval.low > criterion.bar or interval.high < -criterion.bar


def subject(found: Measurement) -> str:
    """The name of a measurement: metric, baseline and slice."""
    versus = f" vs {found.versus.replace('_', ' ')}" if found.versus else ""
    name = "class " if found.by == BY_CLASS else f"{found.by}="
    where = f" for {name}{slice_name(found)}" if found.by else ""
    return f"{found.metric}{versus}{where}"


def slice_name(found: Measurement) -> str:
    """The name of the slice, or ``slice − other`` for a difference."""
    return f"{found.slice} − {found.other}" if found.other is not None else str(found.slice)


def bar_in_words(criterion: Criterion) -> str:
    """The bar in words, such as ``at least 0.6``; with ``versus`` ``at_least`` means above."""
    if criterion.at_least is not None:
        return f"{'above' if criterion.versus else 'at least'} {exact(criterion.at_least)}"
    if criterion.at_most is not None:
        return f"{'below' if criterion.versus else 'at most'} {exact(criterion.at_most)}"
    return f"within {exact(criterion.bar)} of each other"


def met_in_words(criterion: Criterion) -> str:
    """The right side of the bar as the end of "the value is …"."""
    if criterion.gap_at_most is not None:
        return bar_as_formula(criterion)
    return bar_in_words(criterion)


def _not_met_in_words(criterion: Criterion) -> str:
    """The wrong side of the bar as the end of "the value is …"."""
    if criterion.gap_at_most is not None:
        return f"outside ±{exact(criterion.bar)}"
    if criterion.versus is not None:
        return f"not {bar_in_words(criterion)}"
    return f"{'below' if criterion.at_least is not None else 'above'} {exact(criterion.bar)}"


def bar_as_formula(criterion: Criterion) -> str:
    """The bar as a mathematical sign and a number, such as ``≥ 0.6``."""
    if criterion.at_least is not None:
        return f"{'>' if criterion.versus else '≥'} {exact(criterion.at_least)}"
    if criterion.at_most is not None:
        return f"{'<' if criterion.versus else '≤'} {exact(criterion.at_most)}"
    return f"within ±{exact(criterion.bar)}"


def number(value: float) -> str:
    """``value`` with four digits, or as a whole number from 1,000 on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def rounded(value: float, interval: Interval | None) -> tuple[str, ...]:
    """The value and the ends of its interval, rounded according to the interval's width.

    Without an interval, or if its width is 0 or infinite, only the value is returned.
    """
    if interval is None or not 0 < interval.high - interval.low < math.inf:
        return (number(value),)
    # Two significant digits of the width; further digits are far smaller than the error.
    digits = min(max(1 - math.floor(math.log10(interval.high - interval.low)), 0), 6)
    # Adding 0.0 turns -0.0 into 0.0.
    return tuple(
        f"{round(each, digits) + 0.0:,.{digits}f}" for each in (value, interval.low, interval.high)
    )


def exact(value: float) -> str:
    """``value`` as it is written in the file, with thousands separators."""
    # Ten digits, so that 0.57 * 100 is shown as 57 and not as 56.99999999999999.
    return f"{value:,.10g}"


def measured(result: Result) -> str:
    """The value with its interval, rounded; an empty text without a value."""
    if result.value is None:
        return ""
    value, *ends = rounded(result.value, result.interval)
    return f"{value} [{', '.join(ends)}]" if ends else value


def measured_with_bar(result: Result) -> str:
    """The metric, its value with the interval, and the bar: ``recall 0.83 [0.82, 0.85] ≥ 0.6``.

    Without a value it states why: the bar alone would look like a result.
    """
    criterion = result.criterion
    versus = f"vs {criterion.versus.replace('_', ' ')}" if criterion.versus else ""
    gap = "gap" if criterion.gap_at_most is not None else ""
    slices = f"by {criterion.sliced_by}" if criterion.sliced_by else ""
    name = " ".join(filter(None, (criterion.metric, gap, versus, slices)))
    bar = bar_as_formula(criterion)
    if result.value is None:
        return f"{name}: {no_value(result)}, bar {bar}"
    return f"{name} {measured(result)} {bar}"


def no_value(result: Result) -> str:
    """Why the result has no value: there is no champion yet, or nothing was measured."""
    first = result.criterion.versus == "champion" and not result.could_not_be_measured
    return f"no champion yet, so {result.outcome}" if first else "no value"
