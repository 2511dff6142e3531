"""Warnings about a number in the sentence of a criterion that is not the number of its bar.

Only a number that is probably the bar is compared: it has the unit of the metric, and its context
is not that of another quantity, such as a risk or a number of regions. A missed contradiction is
better than a false warning.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..config.strict_yaml import Mistake
from ..problems import Metric, Problem
from .bars import exact
from .criteria import Criteria, Criterion

__all__ = ["contradicting_sentences"]


def contradicting_sentences(criteria: Criteria, problem: Problem) -> tuple[Mistake, ...]:
    """A warning for each sentence whose numbers all differ from the bar of its criterion."""
    currency = criteria.value.currency if criteria.value else ""
    found = []
    for part in ("criteria", "data"):
        for place, criterion in enumerate(getattr(criteria, part)):
            metric = problem.metrics_for(criterion).get(criterion.metric)
            numbers = tuple(_numbers(criterion, metric, currency)) if metric else ()
            if numbers and not any(number.may_be(criterion) for number in numbers):
                texts = ", ".join(dict.fromkeys(number.text for number in numbers))
                bar = f"{criterion.kind} {exact(criterion.bar)}"
                expected = f"differs from the bar, which is {bar} – correct one of them"
                found.append(Mistake((part, place, "says"), texts, expected, warning=True))
    return tuple(found)


@dataclass(frozen=True)
class SaidNumber:
    """A number as it is said: its possible values in the metric's unit, and how far it is rounded.

    ``share`` is true if 1 − x can be said for x.
    """

    text: str
    values: tuple[float, ...]
    reach: float
    share: bool = False

    def may_be(self, criterion: Criterion) -> bool:
        """Whether one of the values, rounded as it is said, is the bar."""
        # A difference can be said without its sign: "5,000 euros less".
        bar = abs(criterion.bar) if criterion.versus else criterion.bar
        values = (*self.values, *(1 - value for value in self.values if self.share))
        return any(abs(value - bar) <= self.reach + 1e-9 for value in values)


# --- the words ------------------------------------------------------------------------------

COUNTS = "one two three four five six seven eight nine ten eleven twelve"
WORDS = {word: number for number, word in enumerate(COUNTS.split(), 1)}
WORDS |= {"twenty": 20, "fifty": 50, "a hundred": 100, "hundred": 100, "thousand": 1000}
FACTORS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}

# Groups of three digits, a decimal point or comma, or a word; not a part of a longer word.
GROUPED = r"[1-9]\d{0,2}(?:[,\u202f\u00a0'’]\d{3})+(?:\.\d+)?"
PLAIN = rf"(?:{GROUPED}|\d+(?:[.,]\d+)?|\.\d+|(?:{'|'.join(WORDS)})\b)"
NUMBER = rf"(?<![\w.,–-]){PLAIN}"
# One number, or the second of two with one unit, such as "60 to 70 %".
LAST = rf"(?:(?P<low>{NUMBER})\s*(?:to|or|and|-|–)\s*)?(?P<number>(?(low){PLAIN}|{NUMBER}))"
FACTOR = r"(?:\s*(?P<factor>k|thousand|m|million)\b)?"

OF = re.compile(
    rf"{LAST}(?P<of>\s+(?:out of(?: every)?|of(?: the| every| each)?|in(?: every)?)\s+|\s*/\s*)"
    rf"(?P<whole>{NUMBER})(?!\s*(?:%|per ?cent|ms\b|s\b|seconds?\b|days?\b))",
    re.IGNORECASE,
)
PERCENT, POINTS = r"%|per ?cent\b|pct\b|percentage points?\b", r"(?:percentage )?points?\b"
DECIMAL = re.compile(
    r"(?<![\w.,–-])(?P<number>0?[.,]\d+|1[.,]0+)"
    r"(?![\w%]|\s*(?:%|[€$£¥]|m?s\b|milli|sec|min|hour|day|week|MB|euro|dollar|per ?cent|point))",
    re.IGNORECASE,
)
FRACTIONS = {
    r"half": 1 / 2,
    r"(?:a|one)[ -]third": 1 / 3,
    r"two[ -]thirds": 2 / 3,
    r"(?:a|one)[ -]quarter": 1 / 4,
    r"three[ -]quarters": 3 / 4,
}
MILLISECONDS, SECONDS = r"ms|msec|milliseconds?", r"s|secs?|seconds?"
MINUTES, HOURS = r"min|minutes?", r"h|hours?"
# The unit of a metric: its words with the number by which a value is multiplied.
UNITS = {
    "ms": {MILLISECONDS: 1.0, SECONDS: 1e3, MINUTES: 6e4},
    "s": {MILLISECONDS: 1e-3, SECONDS: 1.0, MINUTES: 60.0, HOURS: 3600.0},
    "days": {HOURS: 1 / 24, r"days?": 1.0, r"weeks?": 7.0},
    "MB": {r"kB|kilobytes?": 1e-3, r"MB|megabytes?": 1.0, r"GB|gigabytes?": 1e3},
    "rows": {r"rows": 1.0},
    "rows/s": {r"rows(?: per | a |/)s(?:ec|econd)?": 1.0},
}
CURRENCIES = r"€|\$|£|¥|EUR|USD|GBP|CHF|JPY|euros?|dollars?|pounds?|francs?|yen"

ABOUT = r"(?:about|around|roughly|nearly|almost|approximately|some|circa|~|≈)"
BOUND = re.compile(
    r"(?:\bat (?:least|most)|\b(?:under|below|within|above|over|up to|by|only|exceeds?|reaches)"
    r"|\b(?:more|less|fewer|better|worse|higher|lower|faster|slower|older|newer|larger) than"
    rf"|\b(?:min|max)(?:\.|imum(?: of)?)|[<>≤≥]=?)\s*(?:in\s+)?{ABOUT}?\s*$",
    re.IGNORECASE,
)
TAKES = re.compile(r"\b(?:in|takes?|needs?|after)\s*$", re.IGNORECASE)
ROUNDED = re.compile(rf"{ABOUT}\s*$", re.IGNORECASE)
# A number soon after one of these words is of something else.
OTHER_BEFORE = re.compile(
    r"\b(?:risks?|chances?|probabilit(?:y|ies)|likelihood|scores?|percentages?|confidence|threshold"
    r"|discounts?|top|first|best|highest|riskiest|upper|lowest|bottom|other|remaining|versions?"
    r"|releases?)(?:\s+[\w-]+){0,3}\s*$",
    re.IGNORECASE,
)
COST = re.compile(r"\b(?:prices?|costs?|worth|budget|pays?)(?:\s+[\w-]+){0,3}\s*$", re.IGNORECASE)
OTHER_AFTER = re.compile(
    r"\s*-?(?:confiden|certain|sure\b|interval|discount|chance|probab|risk|likel)", re.IGNORECASE
)
# A number of these is a number of slices or days and not a share of the rows.
OF_GROUPS = re.compile(
    r"\s*(?:of\s+)?(?:(?:the|all|our)\s+)?"
    r"(?:days|weeks|months|quarters|years|seasons|regions|countries|markets|cities|stores|teams"
    r"|languages|categor(?:y|ies)|class(?:es)?|slices|groups|segments)\b",
    re.IGNORECASE,
)
WHOLES = {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 50, 100, 200, 500, 1000, 10_000, 100_000}


# --- the numbers of a sentence --------------------------------------------------------------


def _numbers(criterion: Criterion, metric: Metric, currency: str) -> Iterator[SaidNumber]:
    """The numbers of the sentence that are probably the bar."""
    if metric.unit == "currency":
        yield from _amounts(criterion.says, currency)
    elif metric.unit in UNITS:
        yield from _quantities(criterion.says, metric.unit)
    elif metric.unit == "" and criterion.versus is None:
        yield from _shares(criterion, metric)
    elif metric.unit == "":
        # "5 % better" can be relative to the other model; percentage points cannot.
        yield from _percents(criterion.says, POINTS, needs_bound=True, share=False)


def _shares(criterion: Criterion, metric: Metric) -> Iterator[SaidNumber]:
    """The shares of rows and the decimal numbers."""
    says, gap = criterion.says, criterion.gap_at_most is not None
    # Of other metrics, such as F1 or a calibration error, a share of rows is no value.
    proportion = metric.proportion is not None and not gap
    yield from _decimals(says, needs_bound=not proportion and metric.better == "lower")
    if metric.highest > 1 and metric.name != "mape":
        return
    words = rf"{PERCENT}|{POINTS}" if gap else PERCENT
    yield from _percents(says, words, needs_bound=not proportion, share=not gap)
    yield from _parts(says, needs_bound=not proportion, share=not gap)
    yield from _fractions(says, needs_bound=not proportion, share=not gap)


def _percents(says: str, words: str, *, needs_bound: bool, share: bool) -> Iterator[SaidNumber]:
    """The percentages and percentage points."""
    for found in re.finditer(rf"{LAST}\s*-?(?:{words})", says, re.IGNORECASE):
        if _is_of_rows(says, found, needs_bound=needs_bound):
            yield from _as_said(found, says, 0.01, share=share)


def _parts(says: str, *, needs_bound: bool, share: bool) -> Iterator[SaidNumber]:
    """The shares that are said as a part of a whole, such as "6 of 10"."""
    for found in OF.finditer(says):
        part, whole = found["number"], _read(found["whole"])[0][0]
        # "One of the six teams" is not a share of rows; "6 of the 10 customers" is.
        of = found["of"].split()
        idiom = part[0].isalpha() and ("the" in of or part.lower() == "one") and "in" not in of
        # 24/7 is not a share.
        if whole not in WHOLES or _read(part)[0][0] > whole:
            continue
        if _is_of_rows(says, found, needs_bound=needs_bound or idiom):
            yield from _as_said(found, says, 1 / whole, most=0.05, share=share)


def _fractions(says: str, *, needs_bound: bool, share: bool) -> Iterator[SaidNumber]:
    """The shares that are words, such as "two thirds"."""
    for words, value in FRACTIONS.items():
        for found in re.finditer(rf"(?<![\w-]){words}(?![\w-])(?!\s+an?\b)", says, re.IGNORECASE):
            of_rows = re.match(r"\s+of\b", says[found.end() :]) is not None
            if _is_of_rows(says, found, needs_bound=needs_bound or not of_rows):
                yield SaidNumber(found[0], (value,), 0.02, share=share)


def _decimals(says: str, *, needs_bound: bool) -> Iterator[SaidNumber]:
    """The decimal numbers without a unit."""
    for found in DECIMAL.finditer(says):
        if _is_of_rows(says, found, needs_bound=needs_bound):
            yield from _as_said(found, says, 1.0)


def _quantities(says: str, unit: str) -> Iterator[SaidNumber]:
    """The numbers with a unit of time, size or rows, in ``unit``."""
    for words, factor in UNITS[unit].items():
        pattern = rf"(?:{LAST}|\b(?P<part>half an?|an?)){FACTOR}\s*-?(?:{words})(?![\w/])"
        for found in re.finditer(pattern, says, re.IGNORECASE):
            takes = unit in ("ms", "s") and TAKES.search(says, 0, found.start())
            if _is_bound(says, found) or takes:
                yield from _as_said(found, says, factor)


def _amounts(says: str, currency: str) -> Iterator[SaidNumber]:
    """The amounts of money, per 1,000 rows."""
    words = rf"(?:{'|'.join(filter(None, (CURRENCIES, re.escape(currency))))})"
    before, after = rf"(?<!\w){words}\s*{LAST}{FACTOR}", rf"{LAST}{FACTOR}\s*{words}(?!\w)"
    for pattern in (before, after):
        for found in re.finditer(pattern, says, re.IGNORECASE):
            per = re.match(rf"\s*(?:per|for every|for each)\s+({NUMBER})?", says[found.end() :])
            if (per or _is_bound(says, found)) and not COST.search(says, 0, found.start()):
                rows = _read(per[1])[0][0] if per and per[1] else None
                for factor in (1000 / rows,) if rows else (1000.0,) if per else (1.0, 1000.0):
                    yield from _as_said(found, says, factor)


def _as_said(
    found: re.Match[str],
    says: str,
    factor: float,
    *,
    most: float = float("inf"),
    share: bool = False,
) -> Iterator[SaidNumber]:
    """The number, and the lower end of a range, times ``factor``."""
    groups = found.groupdict()
    times = factor * FACTORS.get((groups.get("factor") or "").lower(), 1.0)
    if part := groups.get("part"):
        value = times * (0.5 if part.lower().startswith("half") else 1)
        yield SaidNumber(found[0], (value,), value / 4)
        return
    for text in filter(None, (groups.get("low"), groups["number"])):
        readings = _read(text)
        values = tuple(value * times for value, _ in readings)
        reach = min(max(step for _, step in readings) * times / 2, most)
        if ROUNDED.search(says, 0, found.start()):
            reach = max(reach, 0.1 * values[0])
        yield SaidNumber(found[0].strip(), values, reach, share)


def _read(text: str) -> list[tuple[float, float]]:
    """The possible values of a number, each with the unit of its last digit."""
    if text.lower() in WORDS:
        return [(float(WORDS[text.lower()]), 1.0)]
    if re.fullmatch(GROUPED, text):
        text = re.sub(r"[^\d.]", "", text)
    decimal = text.replace(",", ".")
    found = [(float(decimal), 10.0 ** -len(decimal.partition(".")[2]))]
    # 50.000 has thousands in some countries.
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text):
        found.append((float(text.replace(".", "")), 1.0))
    return found


def _is_bound(says: str, found: re.Match[str]) -> bool:
    """Whether words such as "at least" precede the number."""
    return bool(BOUND.search(says, 0, found.start()))


def _is_of_rows(says: str, found: re.Match[str], *, needs_bound: bool) -> bool:
    """Whether the number is probably a share of the rows, and not of another quantity."""
    return (
        (_is_bound(says, found) or not needs_bound)
        and not OTHER_BEFORE.search(says, 0, found.start())
        and not OTHER_AFTER.match(says, found.end())
        and not OF_GROUPS.match(says, found.end())
    )
