"""What a column contains, found from all its cells: a number, a date, a category, a text.

One rule holds for a whole column. A number is always a number, however few different ones there
are: otherwise an age would become a category in a small table. A cell is not read in another way
than the others of its column.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..clock import today
from ..data.coercion import MISSING_WORDS, as_text
from ..reading import Decimal, Reading, Thousands, number_of
from .findings import shown_number

__all__ = ["KEY_NAME", "Content", "contents_of", "reading_of"]

Kind = Literal["number", "yes or no", "date", "category", "text", "identifier", "constant", "empty"]

# Spellings of missing, beside the engine's own words.
MARKS = ("?", "-", "--", ".", "..", "*", "missing", "unknown", "none", "not available", "#")
# Numbers that stand for missing: nines above all others, or negative ones among counts.
NINES = re.compile(r"9{2,}")
NEGATIVE = (-1.0, -9.0, -99.0, -999.0, -9999.0)
SPIKE_SHARE, SPIKE_ROWS, SPIKE_DISTANCE = 0.01, 5, 2.0

DECIMALS: tuple[Decimal, ...] = (".", ",")
THOUSANDS: tuple[Thousands | None, ...] = (None, ",", ".", " ", "'")
SIGNS = "$€£¥₹%"

# Each is tried on the whole column; the first is what the engine reads without a format.
ISO = "ISO 8601"
DATES = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y"),
)
TIMES = ("", " %H:%M", " %H:%M:%S")
# A number of eight digits is a date only in a column with such a name.
DATE_NAME = re.compile(r"date|day|month|time|datum|created|updated|_at$|_on$", re.IGNORECASE)

# Categories: at most this many values, or this share of the rows.
LISTED_AT_MOST = 50
CATEGORIES_AT_MOST, CATEGORY_SHARE = 5_000, 0.2
# A text has several words, and most texts are different.
WORDS_OF_TEXT, DIFFERENT_TEXTS = 3.0, 0.5
DIFFERENT_KEYS = 0.98
KEY_NAME = re.compile(
    r"(^|_|\b)(id|key|uuid|guid|nr|no|number|code|index)($|_|\b)|id$"
    # The names that pandas and R give the numbers of the rows.
    r"|^$|^unnamed: ?\d+$|^row_?(names?|num(ber)?)$",
    re.I,
)
# Whole numbers that count the rows are in a range that is at most this many times their number.
RUNNING = 1.5


@dataclass(frozen=True)
class Content:
    """What a column contains, and the evidence in words.

    ``missing`` are the cells that stand for missing, beside empty ones. ``values`` are all values
    of a category that is probably complete. ``low`` and ``high`` are the ends of the numbers.
    ``is_future`` is true for dates of which some are after today.
    """

    name: str
    kind: Kind
    evidence: str
    missing: tuple[str | int, ...] = ()
    format: str | None = None
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    share_missing: float = 0.0
    different: int = 0
    doubt: str = ""
    is_future: bool = False
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0), compare=False, repr=False)

    @property
    def has_missing(self) -> bool:
        """Whether a cell is missing."""
        return self.share_missing > 0


@dataclass(frozen=True)
class _Cells:
    """The different cells of a column that are not empty, as they are in the source."""

    name: str
    counts: pd.Series
    rows: int

    @classmethod
    def of(cls, name: str, column: pd.Series) -> "_Cells":
        text = as_text(column)
        empty = text.isna() | text.str.strip().isin(MISSING_WORDS)
        return cls(name, text[~empty].value_counts(), len(column))

    @property
    def filled(self) -> int:
        return int(self.counts.sum())

    def without(self, cells: Iterable[str]) -> "_Cells":
        return _Cells(self.name, self.counts.drop(list(cells)), self.rows)

    def share_missing(self) -> float:
        return 1 - self.filled / self.rows


def reading_of(columns: Iterable[pd.Series]) -> Reading:
    """The decimal sign, the thousands separator and the signs with which most columns are numbers.

    A plain reading is preferred to any other that makes the same columns numbers.
    """
    texts = [
        _Cells.of(str(column.name), column)
        for column in columns
        if not pd.api.types.is_numeric_dtype(column.dtype)
    ]
    found = {}
    for decimal, thousands in product(DECIMALS, THOUSANDS):
        if decimal == thousands:
            continue
        reading = Reading(decimal=decimal, thousands=thousands, signs=SIGNS)
        found[reading] = sum(_marks_of_numbers(each, reading) is not None for each in texts)
    best = max(found, key=lambda reading: found[reading])
    used = {
        sign
        for each in texts
        if _marks_of_numbers(each, best) is not None
        for sign in SIGNS
        if each.counts.index.str.contains(re.escape(sign)).any()
    }
    return Reading(best.decimal, best.thousands, "".join(sorted(used)))


def contents_of(table: pd.DataFrame, reading: Reading) -> dict[str, Content]:
    """The content of each column."""
    return {str(name): _content(str(name), column, reading) for name, column in table.items()}


def _content(name: str, column: pd.Series, reading: Reading) -> Content:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        found = f"{column.nunique():,} different times"
        times = Content(
            name, "date", found, different=column.nunique(), is_future=_is_future(column.max())
        )
        return _with_missing(times, column)
    if pd.api.types.is_bool_dtype(column.dtype):
        return _with_missing(Content(name, "yes or no", "true and false", different=2), column)
    cells = _Cells.of(name, column)
    if cells.counts.empty:
        return Content(name, "empty", "all cells are empty", share_missing=1.0)
    if len(cells.counts) == 1 and not cells.share_missing():
        return Content(
            name, "constant", f"every cell is {_shown(cells.counts.index[0])}", different=1
        )
    for find in (_yes_or_no, _date, _number):
        if (content := find(cells, reading)) is not None:
            return content
    return _words(cells)


def _with_missing(content: Content, column: pd.Series) -> Content:
    return replace(content, share_missing=float(column.isna().mean()))


def _yes_or_no(cells: _Cells, reading: Reading) -> Content | None:
    pairs = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"})
    spelled = {cell.strip().lower() for cell in cells.counts.index}
    if spelled not in pairs:
        return None
    return Content(
        cells.name,
        "yes or no",
        f"only {' and '.join(sorted(map(_shown, cells.counts.index)))}",
        share_missing=cells.share_missing(),
        different=2,
    )


# --- dates --------------------------------------------------------------------------------------


def _date(cells: _Cells, reading: Reading) -> Content | None:
    """The column as dates of one format."""
    kept, marks = _without_marks(cells, words=True)
    if kept.counts.empty:
        return None
    texts = pd.Series(kept.counts.index, dtype="str").str.strip()
    fitting = [form for form in _formats(texts, cells.name) if _all_dates(texts, form)]
    if not fitting:
        return None
    doubt = ""
    if len({tuple(_moments(texts, form)) for form in fitting}) > 1:
        doubt = f"it also fits {fitting[1]}: check which one is right"
    moments = _moments(texts, fitting[0])
    future = _is_future(moments.max())
    if future and "%y" in fitting[0]:
        doubt = "years of two digits up to 68 are read as 20xx, and some of these are in the future"
    missing = 1 - kept.filled / cells.rows
    return Content(
        cells.name,
        "date",
        f"{moments.min():%Y-%m-%d} to {moments.max():%Y-%m-%d}, written as {fitting[0]}",
        missing=marks,
        format=None if fitting[0] == ISO else fitting[0],
        share_missing=missing,
        different=len(kept.counts),
        doubt=doubt,
        is_future=future,
    )


def _is_future(latest: pd.Timestamp) -> bool:
    """Whether the moment is after today, in every zone."""
    return bool(latest.tz_localize(None) >= pd.Timestamp(today()) + pd.Timedelta(days=2))


def _formats(texts: pd.Series, name: str) -> Iterator[str]:
    """The formats that the first text fits."""
    first = texts.iloc[0]
    # The year alone, or a number of an order, is no date.
    if re.match(r"\d{4}-\d{2}-\d{2}|\d{8}T\d{4}", first):
        yield ISO
    for date, time in product(DATES, TIMES):
        if date == "%Y%m%d" and not DATE_NAME.search(name):
            continue
        if _all_dates(texts.head(1), date + time):
            yield date + time


def _moments(texts: pd.Series, form: str) -> pd.Series:
    if form == ISO:
        return pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce").dt.tz_localize(
            None
        )
    return pd.to_datetime(texts, format=form, errors="coerce")


def _all_dates(texts: pd.Series, form: str) -> bool:
    if form == "%Y%m%d" and not texts.str.fullmatch(r"\d{8}").all():
        return False
    moments = _moments(texts, form)
    return bool(moments.notna().all()) and bool(moments.dt.year.between(1900, 2100).all())


# --- numbers ------------------------------------------------------------------------------------


def _number(cells: _Cells, reading: Reading) -> Content | None:
    marks = _marks_of_numbers(cells, reading)
    if marks is None:
        return None
    kept = cells.without(marks)
    numbers = np.array([number_of(cell, reading) for cell in kept.counts.index])
    counts = kept.counts.to_numpy()
    spikes = _spikes(numbers, counts)
    evidence = _of_numbers(numbers[~np.isin(numbers, spikes)])
    for spike in spikes:
        share = counts[numbers == spike].sum() / cells.rows
        evidence += f"; {spike:g} ({share:.1%}) stands for missing"
    good = ~np.isin(numbers, spikes)
    missing = 1 - counts[good].sum() / cells.rows
    whole = bool((numbers[good] == np.round(numbers[good])).all())
    counts_rows = bool(numbers.max() - numbers.min() <= RUNNING * len(numbers))
    named = KEY_NAME.search(cells.name) is not None
    # An amount can differ in every row as well.
    if whole and (counts_rows or named) and _looks_like_a_key(kept) and not (marks or spikes):
        return Content(
            cells.name,
            "identifier",
            f"{len(kept.counts):,} different whole numbers in {cells.rows:,} rows",
            different=len(kept.counts),
            whole=True,
            low=float(numbers.min()),
            high=float(numbers.max()),
            numbers=numbers,
        )
    if good.sum() == 1 and not missing:
        return Content(cells.name, "constant", evidence, different=1)
    is_flag = set(numbers) == {0, 1}  # without spikes
    return Content(
        cells.name,
        "yes or no" if is_flag else "number",
        "only 0 and 1" if is_flag else evidence,
        missing=(*dict.fromkeys(m.strip() for m in marks), *(int(spike) for spike in spikes)),
        low=float(numbers[good].min()),
        high=float(numbers[good].max()),
        whole=whole,
        share_missing=float(missing),
        different=int(good.sum()),
        numbers=numbers[good],
    )


def _of_numbers(numbers: np.ndarray) -> str:
    low, high = shown_number(numbers.min()), shown_number(numbers.max())
    return f"{low} to {high}, {len(numbers):,} different"


def _marks_of_numbers(cells: _Cells, reading: Reading) -> tuple[str, ...] | None:
    """The spellings of missing in a column of numbers; None if it is no column of numbers."""

    def is_number(cell: str) -> bool:
        try:
            return bool(np.isfinite(number_of(cell, reading)))
        except ValueError:
            return False

    others = [cell for cell in cells.counts.index if not is_number(cell)]
    if len(others) == len(cells.counts) or any(
        cell.strip().lower() not in MARKS for cell in others
    ):
        return None
    return tuple(others)  # with their blanks, so that they can be left out


def _spikes(numbers: np.ndarray, counts: np.ndarray) -> list[float]:
    """Frequent numbers far from all others that stand for missing, such as 999 or −1."""
    often = counts >= max(SPIKE_ROWS, SPIKE_SHARE * counts.sum())
    found = []
    top = numbers.max()
    others = numbers[numbers != top]
    if (
        len(others) > 1
        and NINES.fullmatch(f"{top:.0f}")
        and top == np.round(top)
        and often[numbers == top].any()
        and top >= SPIKE_DISTANCE * max(others.max(), 1.0)
    ):
        found.append(float(top))
    low = numbers.min()
    above = numbers[numbers != low]
    if low in NEGATIVE and len(above) > 1 and above.min() >= 0 and often[numbers == low].any():
        found.append(float(low))
    return found


# --- words --------------------------------------------------------------------------------------


def _words(cells: _Cells) -> Content:
    kept, marks = _without_marks(cells, words=False)
    texts = pd.Series(kept.counts.index, dtype="str")
    words = float(texts.str.count(r"\S+").mean())
    different, filled = len(kept.counts), kept.filled
    share = different / filled
    missing = 1 - filled / cells.rows
    common: dict[str, Any] = {
        "missing": marks,
        "share_missing": missing,
        "different": different,
    }
    if words >= WORDS_OF_TEXT and share >= DIFFERENT_TEXTS:
        return Content(
            cells.name, "text", f"{words:.0f} words on average, {share:.0%} differ", **common
        )
    if _looks_like_a_key(kept):
        return Content(
            cells.name,
            "identifier",
            f"{different:,} different texts in {cells.rows:,} rows",
            **common,
        )
    if words >= WORDS_OF_TEXT and different > LISTED_AT_MOST and share > CATEGORY_SHARE:
        return Content(
            cells.name, "text", f"{words:.0f} words on average, {share:.0%} differ", **common
        )
    if different > max(LISTED_AT_MOST, min(CATEGORIES_AT_MOST, CATEGORY_SHARE * cells.rows)):
        return Content(
            cells.name,
            "identifier",
            f"{different:,} different texts in {cells.rows:,} rows",
            **common,
        )
    frequent = ", ".join(_shown(cell) for cell in kept.counts.index[:3])
    listed = _complete(kept)
    also = "" if listed else "; other values are possible"
    return Content(
        cells.name,
        "category",
        f"{different:,} different: {frequent}{', …' if different > 3 else ''}{also}",
        values=tuple(sorted(kept.counts.index)) if listed else (),
        **common,
    )


def _complete(cells: _Cells) -> bool:
    """Whether a row with another value is improbable.

    The probability is estimated by the share of values that occur once (Good 1953, The Population
    Frequencies of Species and the Estimation of Population Parameters, Biometrika 40).
    """
    once = int((cells.counts == 1).sum())
    return len(cells.counts) <= LISTED_AT_MOST and once / cells.filled < 0.001


def _looks_like_a_key(cells: _Cells) -> bool:
    different = len(cells.counts)
    return different >= DIFFERENT_KEYS * cells.filled and cells.filled == cells.rows


def _without_marks(cells: _Cells, *, words: bool) -> tuple[_Cells, tuple[str, ...]]:
    """The cells without spellings of missing, and these spellings.

    Without ``words`` only those of punctuation, because a word can be a category.
    """
    marks = [
        cell
        for cell in cells.counts.index
        if cell.strip().lower() in MARKS and not any(letter.isalpha() for letter in cell)
    ]
    if words:
        marks += [
            cell
            for cell in cells.counts.index
            if cell.strip().lower() in MARKS and cell not in marks
        ]
    if len(marks) == len(cells.counts):
        return cells, ()
    # The engine compares the cell without surrounding blanks.
    return cells.without(marks), tuple(dict.fromkeys(mark.strip() for mark in marks))


def _shown(cell: str, at_most: int = 30) -> str:
    return cell if len(cell) <= at_most else f"{cell[: at_most - 1]}…"
