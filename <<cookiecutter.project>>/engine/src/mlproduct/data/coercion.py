"""Convert each cell to the type in the schema, so that one bad cell does not affect its column.

Text becomes a number, a date or yes/no only if it is unambiguous: `1.5`, `2026-11-24`,
`2026-11-24T10:00+01:00`, `yes`; never `11/24/26`. Times with a time zone become UTC without one.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera import dtypes

from .keys import BLANKS, keys_of

__all__ = ["STORED", "Cells", "Kind", "as_text", "coerce", "coerce_key", "kind_of", "yes_or_no"]

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


def coerce(column: pd.Series, kind: Kind) -> Cells:
    """``column`` as ``kind``. Whole numbers and yes/no are always nullable Int64."""
    if kind == "text":
        return _cells(as_text(column))
    if kind == "date":
        return _dates(column)
    if kind == "yes or no":
        return _yes_or_no(column)
    return _numbers(column) if kind == "number" else _whole_numbers(column)


def coerce_key(column: pd.Series, kind: Kind) -> Cells:
    """The keys in their canonical form (``keys.py``) as ``kind``: text or whole number."""
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
    text = column.astype("str")
    if not pd.api.types.is_float_dtype(column.dtype):
        return text
    # Below 2**53, a float64 represents every whole number exactly.
    return text.mask(
        np.asarray((column.abs() < 2.0**53).fillna(False), dtype=bool), text.str.removesuffix(".0")
    )


def _cells(
    values: pd.Series, wrong: np.ndarray | None = None, infinite: np.ndarray | None = None
) -> Cells:
    none = np.zeros(len(values), dtype=bool)
    return Cells(values, none if wrong is None else wrong, none if infinite is None else infinite)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(
        column.dtype
    )


def _numbers(column: pd.Series) -> Cells:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _all_wrong(column, "float64")
    if _is_number(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = np.zeros(len(values), dtype=bool)
    else:
        values, wrong = _parsed(as_text(column))
    infinite = np.isinf(values)
    if infinite.any():
        values = np.where(infinite, np.nan, values)
    return Cells(pd.Series(values), wrong, infinite)


def _parsed(text: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The parsed numbers, and a mask of the texts that are not a number."""
    try:
        values = pc.cast(pa.array(text, from_pandas=True), pa.float64()).to_numpy(
            zero_copy_only=False
        )
    except pa.ArrowInvalid:  # at least one cell is not a number: the slower parser marks each one
        values = pd.to_numeric(text.str.strip().astype(object), errors="coerce").to_numpy(
            dtype=np.float64
        )
    wrong = np.isnan(values)
    if wrong.any():
        wrong = wrong & ~_nothing(text)
    return values, wrong


def _nothing(text: pd.Series) -> np.ndarray:
    return np.asarray(text.isna() | text.str.strip().isin(MISSING_WORDS))


def _whole_numbers(column: pd.Series) -> Cells:
    # Unsigned numbers are excluded: pandas wraps a UInt64 of 2**63 or more to a negative Int64.
    if pd.api.types.is_integer_dtype(column.dtype) and column.dtype.kind != "u":
        return _cells(column.astype("Int64"))
    numbers = _numbers(column)
    floats = numbers.values.to_numpy()
    # The limit 2**63 is the range of Int64.
    whole = np.isnan(floats) | ((floats == np.floor(floats)) & (np.abs(floats) < 2.0**63))
    good = pd.Series(np.where(whole, floats, np.nan))
    wrong = numbers.wrong | ~whole
    if (np.abs(floats) >= 2.0**53).any():  # a float would lose the last digits of a long key
        good = pd.Series(_exact(column, wrong | np.isnan(floats)), dtype=object)
    return Cells(good.astype("Int64"), wrong, numbers.infinite)


def _exact(column: pd.Series, without: np.ndarray) -> list[int | None]:
    cells = as_text(column).to_numpy(dtype=object)
    return [
        None if absent else _integer(cell.strip())
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


def _dates(column: pd.Series) -> Cells:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _cells(_naive(column))
    if _is_number(column):
        return _all_wrong(column, "datetime64[us]")  # unit and epoch of a number are unknown
    text = as_text(column)
    # With utc=True, the cells of a column can have different time zones.
    values = _naive(pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce"))
    wrong = np.asarray(values.isna())
    return _cells(values, wrong & ~_nothing(text) if wrong.any() else wrong)


def _naive(moments: pd.Series) -> pd.Series:
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    return moments.astype("datetime64[us]")


def _all_wrong(column: pd.Series, dtype: str) -> Cells:
    nothing = np.full(len(column), np.nan if dtype == "float64" else np.datetime64("NaT", "us"))
    return _cells(pd.Series(nothing, dtype=dtype), np.asarray(column.notna()))
