"""The one form of a key: a source, a delivery of labels, a request and ``forget`` name a subject in
the same way.

A key is a text without blanks around it. A whole number is its digits, also where it comes as a
float or as `1.0`; leading zeros of a text stay. A float that may stand for several whole numbers is
no key: two customers would become one.
"""

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["BLANKS", "key_of", "keys_of", "of_subject", "spelled"]

BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
"""What ``str.strip`` takes away; named, since Arrow and databases have other ideas of a blank."""

WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")
"""How a program writes a whole number that it holds as a float."""

SCIENTIFIC = re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE]\+[0-9]+")
"""How a spreadsheet or a program writes a float of which it has dropped digits."""


def key_of(value: Any) -> str | None:
    """The key in its one form; None where there is none.

    Raises ValueError for true and false, lists, fractions, infinity, floats too large to be exact,
    and texts that no database keeps.
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, bool | np.bool_ | list | dict | tuple | np.ndarray):
        raise ValueError("this is no key")
    if isinstance(value, int | np.integer):
        return str(int(value))
    if value is None or pd.isna(value):
        return None
    if isinstance(value, float | np.floating):
        if not float(value).is_integer() or abs(float(value)) >= _exact_below(
            np.asarray(value).dtype
        ):
            raise ValueError("this float is no key")
        return str(int(value))
    if isinstance(value, Decimal):
        if not value.is_finite() or value != value.to_integral_value():
            raise ValueError("this number is no key")
        return str(int(value))
    return _of_text(str(value))


def keys_of(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """The cells as keys (``str``, missing where there is none), and where ``key_of`` would
    raise.
    """
    index, dtype = column.index, column.dtype
    if pd.api.types.is_integer_dtype(dtype):
        return column.astype("str"), np.zeros(len(column), dtype=bool)
    if pd.api.types.is_float_dtype(dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        whole = (numbers == np.floor(numbers)) & (np.abs(numbers) < _exact_below(dtype))
        digits = pd.Series(np.where(whole, numbers, 0).astype(np.int64), index=index).astype("str")
        return digits.where(whole), ~whole & ~np.isnan(numbers)
    if isinstance(dtype, pd.StringDtype):
        texts = column.astype("str").str.strip(BLANKS)
        if not any(texts.str.contains(mark, regex=False).any() for mark in ".+\0"):
            return texts.mask(texts == ""), np.zeros(len(column), dtype=bool)
    return _one_by_one(column)


def of_subject(column: pd.Series, key: str) -> np.ndarray:
    """Which cells are this subject's key, in whatever form they were stored."""
    texts, _ = keys_of(column)
    return np.asarray((texts == spelled(key)) | (column.astype("str") == key), dtype=bool)


def spelled(key: str) -> str:
    """The key in its one form; a text that could be no key as it is, since it may have been stored
    so.
    """
    try:
        return key_of(key) or key
    except ValueError:
        return key


def _of_text(text: str) -> str | None:
    key = text.strip(BLANKS)
    if "\0" in key:
        raise ValueError("this text is no key")
    if whole := WHOLE.fullmatch(key):
        key = whole[1]
        if abs(int(key)) >= 2**53:
            raise ValueError("this float is no key")
        return "0" if key == "-0" else key
    if SCIENTIFIC.fullmatch(key):
        raise ValueError("this float is no key")
    return key or None


def _exact_below(dtype: Any) -> float:
    """The number below which a float of this type holds every whole number."""
    return float(2.0 ** (np.finfo(getattr(dtype, "numpy_dtype", dtype)).nmant + 1))


def _one_by_one(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    found: list[str | None] = []
    wrong = np.zeros(len(column), dtype=bool)
    for place, cell in enumerate(column.astype(object)):
        try:
            found.append(key_of(cell))
        except ValueError:
            found.append(None)
            wrong[place] = True
    return pd.Series(found, index=column.index, dtype="str"), wrong
