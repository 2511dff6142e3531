"""One measurement against one bar: on which side it is, in which words, and how many rows are
missing.
"""

import math
from typing import NamedTuple

from .criteria import Criterion, Interval, Measurement, Outcome, Result

__all__ = [
    "BarResult",
    "bar_as_formula",
    "bar_in_words",
    "enough",
    "exact",
    "hold",
    "measured",
    "measured_with_bar",
    "number",
    "right_side",
    "rounded",
    "said_of",
    "slice_name",
    "subject",
    "too_few",
    "wrong_side",
]


def enough(found: Measurement, smallest: int) -> bool:
    return found.support is None or found.support >= smallest


class BarResult(NamedTuple):
    """A measurement held against the bar: what came out, at which interval, in words."""

    outcome: Outcome
    because: str
    interval: Interval | None
    more_rows: int | None = None


def hold(criterion: Criterion, found: Measurement, smallest: int) -> BarResult:
    if not enough(found, smallest):
        return too_few(found, smallest)
    if right_side(criterion, found.interval):
        outcome = Outcome.MET
    elif wrong_side(criterion, found.interval):
        outcome = Outcome.NOT_MET
    else:
        outcome = Outcome.UNDECIDED
    return said_of(criterion, found, outcome, found.interval)


def too_few(found: Measurement, smallest: int) -> BarResult:
    if not found.support:
        because = f"{subject(found)}: there is no row to judge it on."
        return BarResult(Outcome.UNDECIDED, because, None)
    more = math.ceil((smallest - found.support) * found.rows / found.support)
    because = (
        f"{subject(found)} rests on {found.support} rows, fewer than {smallest};"
        f" about {more:,} more {found.counted} are needed."
    )
    return BarResult(Outcome.UNDECIDED, because, None, more)


_NOT = {Outcome.MET: "", Outcome.NOT_MET: "not "}


def said_of(
    criterion: Criterion, found: Measurement, outcome: Outcome, interval: Interval
) -> BarResult:
    value, *ends = rounded(found.value, interval)
    measured_text = (
        f"{subject(found)} {value} [{', '.join(ends)}]" if ends else f"{subject(found)} {value}"
    )
    if outcome is not Outcome.UNDECIDED:
        note = f" ({found.note})" if found.note else ""
        return BarResult(
            outcome, f"{measured_text} is {_NOT[outcome]}{bar_in_words(criterion)}{note}.", interval
        )
    more = _rows_that_would_tell(criterion, found, interval)
    words = (
        f"about {more:,} more {found.counted} would tell"
        if more
        else "no number would tell, it is at the bar"
    )
    return BarResult(
        outcome,
        f"{measured_text} may or may not be {bar_in_words(criterion)}; {words}.",
        interval,
        more,
    )


def right_side(criterion: Criterion, interval: Interval) -> bool:
    """Whether the whole interval keeps the bar; in a comparison, equal is not better."""
    wins = criterion.versus is not None
    if criterion.at_least is not None:
        return interval.low > criterion.at_least if wins else interval.low >= criterion.at_least
    if criterion.at_most is not None:
        return interval.high < criterion.at_most if wins else interval.high <= criterion.at_most
    return max(abs(interval.low), abs(interval.high)) <= criterion.bar


def wrong_side(criterion: Criterion, interval: Interval) -> bool:
    """Whether the whole interval breaks the bar."""
    wins = criterion.versus is not None
    if criterion.at_least is not None:
        return interval.high <= criterion.at_least if wins else interval.high < criterion.at_least
    if criterion.at_most is not None:
        return interval.low >= criterion.at_most if wins else interval.low > criterion.at_most
    return interval.low > criterion.bar or interval.high < -criterion.bar


def _rows_that_would_tell(
    criterion: Criterion, found: Measurement, interval: Interval
) -> int | None:
    """How many more rows would move the interval off the bar, if the value stays where it is.

    The width of an interval shrinks with the square root of the rows. None where the value is at
    the bar.
    """
    value = abs(found.value) if criterion.gap_at_most is not None else found.value
    distance = abs(value - criterion.bar)
    half_width = (interval.high - interval.low) / 2
    if distance == 0 or not math.isfinite(half_width):
        return None
    more = found.rows * ((half_width / distance) ** 2 - 1)
    return max(1, _two_digits(more)) if more < 1e12 else None


def _two_digits(value: float) -> int:
    """``value`` rounded up to two digits: an estimate should not look exact."""
    if value < 10:
        return math.ceil(value)
    unit = 10 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / unit) * unit


def subject(found: Measurement) -> str:
    """What was measured, in words: metric, what it is compared with, slice."""
    versus = f" against {found.versus.replace('_', ' ')}" if found.versus else ""
    where = f" for {found.by}={slice_name(found)}" if found.by else ""
    return f"{found.metric}{versus}{where}"


def slice_name(found: Measurement) -> str:
    return f"{found.slice} − {found.other}" if found.other is not None else str(found.slice)


def bar_in_words(criterion: Criterion) -> str:
    """The bar as it stands in the file, where ``at_least`` against something means above it."""
    if criterion.at_least is not None:
        return f"{'above' if criterion.versus else 'at least'} {exact(criterion.at_least)}"
    if criterion.at_most is not None:
        return f"{'below' if criterion.versus else 'at most'} {exact(criterion.at_most)}"
    return f"within {exact(criterion.bar)} of each other"


def bar_as_formula(criterion: Criterion) -> str:
    """The bar as a mathematical sign and a number, such as ``≥ 0.6``."""
    if criterion.at_least is not None:
        return f"{'>' if criterion.versus else '≥'} {exact(criterion.at_least)}"
    if criterion.at_most is not None:
        return f"{'<' if criterion.versus else '≤'} {exact(criterion.at_most)}"
    return f"within ±{exact(criterion.bar)}"


def number(value: float) -> str:
    """``value`` as a person writes it: four digits, no exponent from a thousand up."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def rounded(value: float, interval: Interval | None) -> tuple[str, ...]:
    """The value, and the ends of its interval if it has any width, in digits that the width gives
    sense to.
    """
    if interval is None or not 0 < interval.high - interval.low < math.inf:
        return (number(value),)
    digits = min(max(1 - math.floor(math.log10(interval.high - interval.low)), 0), 6)
    return tuple(
        f"{round(each, digits) + 0.0:,.{digits}f}" for each in (value, interval.low, interval.high)
    )


def exact(value: float) -> str:
    """``value`` as it was written in a file."""
    return f"{value:,.10g}"


def measured(result: Result) -> str:
    """The value with its interval, rounded as far as the interval allows; nothing where there is
    none.
    """
    if result.value is None:
        return ""
    value, *ends = rounded(result.value, result.interval)
    return f"{value} [{', '.join(ends)}]" if ends else value


def measured_with_bar(result: Result) -> str:
    """The metric, its value with the interval, and the bar: ``recall 0.83 [0.82, 0.85] ≥ 0.6``.

    Without a value it says so: the bar beside nothing would read as a result.
    """
    criterion = result.criterion
    versus = f"vs {criterion.versus.replace('_', ' ')}" if criterion.versus else ""
    gap = "gap" if criterion.gap_at_most is not None else ""
    slices = f"by {criterion.by}" if criterion.by else ""
    name = " ".join(filter(None, (criterion.metric, gap, versus, slices)))
    bar = bar_as_formula(criterion)
    if result.value is None:
        return f"{name}: no value, bar {bar}"
    return f"{name} {measured(result)} {bar}"
