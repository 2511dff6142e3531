"""Convert each cell to the type in the schema, so that one bad cell does not affect its column.

Text becomes a number, a date or yes/no only if it is unambiguous: `1.5`, `2026-11-24`,
`2026-11-24T10:00+01:00`, `yes`; never `11/24/26`. Times with a time zone become UTC without one.
A source can spell numbers in another way, and a column its dates and missing values
(``spelling.py``). ``date_of``, ``whole_number_of`` and ``yes_or_no`` read a single cell of a
request by the same rules.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera import dtypes

from ..reading import BLANKS, PLAIN, Reading, grammar, mark_class, plain
from .keys import keys_of
from .spelling import USUAL, Spelling

__all__ = [
    "STORED",
    "Cells",
    "Kind",
    "as_source_text",
    "as_text",
    "coerce",
    "coerce_key",
    "date_of",
    "is_missing_word",
    "kind_of",
    "numbers_of",
    "text_of",
    "whole_number_of",
    "yes_or_no",
]

Kind = Literal["text", "number", "whole number", "yes or no", "date"]

# The pandas type of each kind in a validated table without missing values.
STORED: dict[Kind, str] = {
    "text": "str",
    "number": "float64",
    "whole number": "int64",
    "yes or no": "int64",
    "date": "datetime64[us]",
}

# Read as missing in a number, date or yes/no column; in a text column they are texts.
MISSING_WORDS = (
    "",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NaN",
    "nan",
    "NULL",
    "null",
    "None",
    "NaT",
    "<NA>",
    "\\N",
)
# Compared in lower case.
WORDS = {
    "true": 1,
    "yes": 1,
    "y": 1,
    "t": 1,
    "1": 1,
    "1.0": 1,
    "false": 0,
    "no": 0,
    "n": 0,
    "f": 0,
    "0": 0,
    "0.0": 0,
}


# The forms of dates that Python and pandas read alike.
USUAL_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{3}(?:[0-9]{3})?)?)?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-9]{2})?)?"
)
NANOSECONDS = r"([T ][0-9:]+\.[0-9]{6})[0-9]+"
CACHED_CHARACTERS = 100  # of a date in a request; longer texts would fill the memory


@dataclass(frozen=True)
class Cells:
    """A column after coercion; ``values`` are missing where ``wrong`` (type) or ``infinite``."""

    values: pd.Series
    wrong: np.ndarray
    infinite: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """Mask of the cells that were empty in the source."""
        return np.asarray(self.values.isna()) & ~self.wrong & ~self.infinite


def kind_of(dtype: Any) -> Kind:
    """The kind of cell that a Pandera data type requires."""
    if dtype is None or dtypes.is_string(dtype) or dtypes.is_category(dtype):
        return "text"
    if dtypes.is_bool(dtype):
        return "yes or no"
    if dtypes.is_int(dtype) or dtypes.is_uint(dtype):
        return "whole number"
    if dtypes.is_float(dtype) or dtypes.is_complex(dtype):
        return "number"
    return "date" if dtypes.is_datetime(dtype) else "text"


def coerce(column: pd.Series, kind: Kind, spelling: Spelling = USUAL) -> Cells:
    """``column`` as ``kind``. Whole numbers and yes/no are always nullable Int64."""
    column = _without_missing(column, spelling)
    if kind == "text":
        return _cells(as_text(column))
    if kind == "date":
        return _dates(column, spelling.format)
    if kind == "yes or no":
        return _yes_or_no(column)
    numbers = _numbers if kind == "number" else _whole_numbers
    return numbers(column, spelling.reading)


def coerce_key(column: pd.Series, kind: Kind, spelling: Spelling = USUAL) -> Cells:
    """The keys in their canonical form (``keys.py``) as ``kind``: text or whole number.

    The reading of the source has no effect: a key is no quantity, and has the same form everywhere.
    """
    column = _without_missing(column, spelling)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return coerce(column, kind)
    keys, wrong = keys_of(column)
    cells = coerce(keys, kind)
    return Cells(cells.values, cells.wrong | wrong, cells.infinite)


def as_text(column: pd.Series) -> pd.Series:
    """The cells as a person would write them: whole numbers have no `.0`, missing stays missing.

    Floats that are too large to be exact keep `.0`. Without it they would look like whole numbers
    that are not in the source.
    """
    if isinstance(column.dtype, pd.StringDtype):
        return column.astype("str")
    if column.dtype == object:
        texts = [_float_as_text(cell) for cell in column]
        return pd.Series(texts, index=column.index, dtype=object).astype("str")
    text = column.astype("str")
    if not pd.api.types.is_float_dtype(column.dtype):
        return text
    # Below 2**53, a float64 represents every whole number exactly.
    return text.mask(
        np.asarray((column.abs() < 2.0**53).fillna(False), dtype=bool), text.str.removesuffix(".0")
    )


def text_of(number: float) -> str:
    """The number as ``as_text`` writes it."""
    text = str(number)
    return text.removesuffix(".0") if abs(number) < 2.0**53 else text


def _float_as_text(cell: Any) -> Any:
    return text_of(float(cell)) if isinstance(cell, float) and not np.isnan(cell) else cell


def as_source_text(column: pd.Series, kind: Kind, spelling: Spelling) -> pd.Series:
    """The cells as texts from which ``coerce`` reads the same values with the same spelling."""
    if kind in ("number", "whole number"):
        return _in_reading(column, spelling.reading)
    is_date = pd.api.types.is_datetime64_any_dtype(column.dtype)
    if kind != "date" or spelling.format is None or not is_date:
        return as_text(column)
    moments = _naive(column)
    text = moments.dt.tz_localize("UTC").dt.strftime(spelling.format).astype("str")
    # A format without the time of day would cut it off, so such a cell stays in ISO 8601.
    same = _moments(text, spelling.format) == moments
    return text.where(same | moments.isna(), as_text(column))


def _in_reading(column: pd.Series, reading: Reading) -> pd.Series:
    """The cells as texts; numbers that are no texts get the decimal mark of the reading."""
    texts = as_text(column)
    if reading.decimal == "." or isinstance(column.dtype, pd.StringDtype):
        return texts
    other = texts.str.replace(".", reading.decimal, regex=False)
    if column.dtype != object:
        return other
    are_texts = np.fromiter((isinstance(cell, str) for cell in column), bool, len(column))
    return texts.where(are_texts, other)


def _without_missing(column: pd.Series, spelling: Spelling) -> pd.Series:
    """The column without the cells that are its own values for missing."""
    if not spelling.has_missing or pd.api.types.is_bool_dtype(column.dtype):
        return column
    missing = _own_missing(column, spelling)
    if not missing.any():
        return column
    if pd.api.types.is_integer_dtype(column.dtype):  # as float, long numbers would lose digits
        column = column.astype("UInt64" if column.dtype.kind == "u" else "Int64")
    return column.mask(missing)


def _own_missing(column: pd.Series, spelling: Spelling) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        known = _moments(pd.Series(sorted(spelling.missing_texts), dtype="str"), spelling.format)
        return _naive(column).isin(known.dropna()).to_numpy()
    if _is_number(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.isin(numbers, list(spelling.typed_numbers))
    texts = as_text(column).str.strip(BLANKS)
    missing = texts.isin(spelling.missing_texts).to_numpy(dtype=bool)
    if not spelling.missing_numbers:
        return missing
    numbers = numbers_of(_in_reading(column, spelling.reading), spelling.reading)
    return missing | np.isin(numbers, list(spelling.missing_numbers))


def _cells(
    values: pd.Series, wrong: np.ndarray | None = None, infinite: np.ndarray | None = None
) -> Cells:
    none = np.zeros(len(values), dtype=bool)
    return Cells(values, none if wrong is None else wrong, none if infinite is None else infinite)


def _are_numbers(column: pd.Series) -> np.ndarray:
    """A mask of the cells that are numbers and no texts."""
    return np.fromiter(
        (isinstance(cell, int | float | np.number) for cell in column), bool, len(column)
    )


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(
        column.dtype
    )


def _numbers(column: pd.Series, reading: Reading = PLAIN) -> Cells:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _all_wrong(column, "float64")
    if _is_number(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = np.zeros(len(values), dtype=bool)
    else:
        texts = _in_reading(column, reading)
        values = numbers_of(texts, reading)
        wrong = np.isnan(values)
        if wrong.any():
            wrong = wrong & ~_nothing(texts)
    infinite = np.isinf(values)
    if infinite.any():
        values = np.where(infinite, np.nan, values)
    return Cells(pd.Series(values), wrong, infinite)


def numbers_of(texts: pd.Series, reading: Reading = PLAIN) -> np.ndarray:
    """``number_of`` of each text, NaN where it is missing or not a number."""
    array = pa.array(texts, from_pandas=True)
    # Arrow reads plain numbers by the same grammar, and ten times faster.
    if reading == PLAIN:
        try:
            return np.asarray(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False))
        except pa.ArrowInvalid:  # at least one text is not a number
            pass
    trimmed = pc.utf8_trim(array.cast(pa.large_string()), characters=BLANKS + reading.signs)
    found = pc.extract_regex(trimmed, f"^(?:{grammar(reading).pattern})$")
    number = pc.struct_field(found, "number")
    if reading.thousands:
        number = pc.replace_substring_regex(number, mark_class(reading.thousands), "")
    number = pc.replace_substring(number, reading.decimal, ".")
    nothing = pa.scalar("", number.type)
    whole = pc.binary_join_element_wise(pc.struct_field(found, "minus"), number, nothing)
    # extract_regex gives empty texts for a text that does not match, and says so in its validity.
    whole = pc.if_else(pc.is_valid(found), whole, pa.scalar(None, whole.type))
    return np.asarray(pc.cast(whole, pa.float64()).to_numpy(zero_copy_only=False))


def _nothing(text: pd.Series) -> np.ndarray:
    return np.asarray(text.isna() | text.str.strip(BLANKS).isin(MISSING_WORDS))


def is_missing_word(text: str) -> bool:
    """Whether the text means missing in a number, date or yes/no column."""
    return text.strip(BLANKS) in MISSING_WORDS


def whole_number_of(text: str, reading: Reading = PLAIN) -> int:
    """The whole number that the text spells. Raises ValueError for another text, and from 2**63 on,
    the range of Int64.
    """
    digits = plain(text, reading)
    number = float(digits)
    if not (number.is_integer() and abs(number) < 2.0**63):
        raise ValueError("not a whole number")
    # A float would lose the last digits of a long number.
    return int(number) if abs(number) < 2.0**53 else _integer(digits)


def _whole_numbers(column: pd.Series, reading: Reading = PLAIN) -> Cells:
    # Unsigned numbers are excluded: pandas wraps a UInt64 of 2**63 or more to a negative Int64.
    if pd.api.types.is_integer_dtype(column.dtype) and column.dtype.kind != "u":
        return _cells(column.astype("Int64"))
    numbers = _numbers(column, reading)
    floats = numbers.values.to_numpy()
    # The limit 2**63 is the range of Int64.
    whole = np.isnan(floats) | ((floats == np.floor(floats)) & (np.abs(floats) < 2.0**63))
    good = pd.Series(np.where(whole, floats, np.nan))
    wrong = numbers.wrong | ~whole
    if (np.abs(floats) >= 2.0**53).any():  # a float would lose the last digits of a long key
        good = pd.Series(_exact(column, reading, wrong | np.isnan(floats)), dtype=object)
    return Cells(good.astype("Int64"), wrong, numbers.infinite)


def _exact(column: pd.Series, reading: Reading, without: np.ndarray) -> list[int | None]:
    cells = _in_reading(column, reading).to_numpy(dtype=object)
    return [
        None if absent else whole_number_of(cell, reading)
        for cell, absent in zip(cells, without, strict=True)
    ]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # written as 1e17 or 123.0
        return int(float(text))


def yes_or_no(cell: Any) -> int | None:
    """1 or 0, or None for an empty cell; the same for a batch and a request.

    Raises ValueError for a number other than 1 and 0, a text that is not in ``WORDS`` (upper or
    lower case), and several values in one cell.
    """
    if isinstance(cell, str):
        word = cell.strip(BLANKS)
        if word in MISSING_WORDS:
            return None
        if (known := WORDS.get(word.lower())) is not None:
            return known
    # Several values in one cell. This test comes first, because pd.isna of a list is an array.
    elif isinstance(cell, list | dict | tuple | np.ndarray):
        pass
    elif cell is None or pd.isna(cell):
        return None
    elif cell in (0, 1):
        return int(cell)
    raise ValueError("neither yes nor no")


def _yes_or_no(column: pd.Series) -> Cells:
    if pd.api.types.is_bool_dtype(column.dtype):
        return _cells(column.astype("Int64"))
    if column.dtype == object:  # lists are not hashable, so factorize fails
        codes, cells = np.arange(len(column)), list(column)
    else:
        codes, cells = pd.factorize(column)
    # Each different value is converted only once.
    found = np.full(len(cells) + 1, np.nan)  # the code -1 (missing) indexes the last one
    bad = np.zeros(len(cells) + 1, dtype=bool)
    for place, cell in enumerate(cells):
        try:
            known = yes_or_no(cell)
        except ValueError:
            bad[place] = True
        else:
            found[place] = np.nan if known is None else known
    return _cells(pd.Series(found[codes]).astype("Int64"), bad[codes])


def date_of(text: str, form: str | None = None) -> datetime:
    """The moment that the text spells in ``form``, or in ISO 8601; in UTC without a time zone.

    Raises ValueError if it spells none.
    """
    # pandas takes thousands of times as long for one date as Python for the usual forms.
    if form is None and USUAL_DATE.fullmatch(text):
        moment = datetime.fromisoformat(text)
        try:
            return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        except OverflowError:  # the first and the last day of the calendar, in another time zone
            raise ValueError("not a date") from None
    found = (_date if len(text) <= CACHED_CHARACTERS else _date.__wrapped__)(text, form)
    if found is None:
        raise ValueError("not a date")
    return found


@lru_cache(10_000)
def _date(text: str, form: str | None) -> datetime | None:
    moment = _moments(pd.Series([text], dtype="str"), form)[0]
    return None if pd.isna(moment) else moment.to_pydatetime()


def _dates(column: pd.Series, form: str | None) -> Cells:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _cells(_naive(column))
    if _is_number(column):
        return _all_wrong(column, "datetime64[us]")  # unit and epoch of a number are unknown
    text = as_text(column)
    if column.dtype == object:
        values = _moments(text.mask(_are_numbers(column)), form)
    else:
        values = _moments(text, form)
    wrong = np.asarray(values.isna())
    return _cells(values, wrong & ~_nothing(text) if wrong.any() else wrong)


def _moments(texts: pd.Series, form: str | None) -> pd.Series:
    """The moments that the texts spell, missing where they spell none."""
    texts = texts.str.strip(BLANKS)
    # pandas reads these words as the time of the clock.
    texts = texts.mask(texts.isin(("now", "today")))
    if form is None:
        # With nanoseconds in one cell, pandas could hold no date after 2262 in the others.
        texts = texts.str.replace(NANOSECONDS, r"\1", regex=True)
    # With utc=True, the cells of a column can have different time zones.
    found = _naive(pd.to_datetime(texts, format=form or "ISO8601", utc=True, errors="coerce"))
    return found.where(found.dt.year.between(1, 9999))  # the years of Python and of databases


def _naive(moments: pd.Series) -> pd.Series:
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    return moments.astype("datetime64[us]")


def _all_wrong(column: pd.Series, dtype: str) -> Cells:
    nothing = np.full(len(column), np.nan if dtype == "float64" else np.datetime64("NaT", "us"))
    return _cells(pd.Series(nothing, dtype=dtype), np.asarray(column.notna()))
