"""The canonical form of a key, shared by sources, labels, requests and ``forget``.

A key is a text without whitespace around it. A whole number becomes its digits, even if it is given
as a float or as the text `1.0`. Leading zeros of a text stay. A float that can represent several
whole numbers is not a key, because two customers would become one.
"""

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from ..reading import BLANKS

__all__ = ["key_of", "keys_of", "of_subject", "spelled"]

# How programs write a whole number that is stored as a float.
WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")
# How spreadsheets and programs write a float of which they have dropped digits.
SCIENTIFIC = re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE]\+[0-9]+")


def key_of(value: Any) -> str | None:
    """The key in its canonical form, None for a missing or empty one.

    Raises ValueError for true and false, lists, fractions, infinity, floats that are too large to
    be exact, and texts with a null character, which databases cannot store.
    """
    if isinstance(value, str):
        return _of_text(value)
    # Before whole numbers, because Python's True is an int.
    if isinstance(value, bool | np.bool_ | list | dict | tuple | np.ndarray):
        raise ValueError("a key is a text or a whole number")
    if isinstance(value, int | np.integer):
        return str(int(value))
    if value is None or pd.isna(value):
        return None
    if isinstance(value, float | np.floating):
        if not float(value).is_integer() or abs(float(value)) >= _exact_below(
            np.asarray(value).dtype
        ):
            raise ValueError("a float key must be an exact whole number")
        return str(int(value))
    if isinstance(value, Decimal):
        if not value.is_finite() or value != value.to_integral_value():
            raise ValueError("a number as a key must be whole")
        return str(int(value))
    return _of_text(str(value))


def keys_of(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """The cells as keys (``str``, missing for empty cells), and a mask of the invalid ones.

    Invalid are those for which ``key_of`` raises ValueError.
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
        # Only a text with one of these characters can need the slower rules of _of_text.
        if not any(texts.str.contains(mark, regex=False).any() for mark in ".+\0"):
            return texts.mask(texts == ""), np.zeros(len(column), dtype=bool)
    return _one_by_one(column)


def of_subject(column: pd.Series, key: str) -> np.ndarray:
    """A mask of the cells that are this subject's key, in any form in which it was stored."""
    texts, _ = keys_of(column)
    return np.asarray((texts == spelled(key)) | (column.astype("str") == key), dtype=bool)


def spelled(key: str) -> str:
    """The key in its canonical form; an invalid key stays unchanged.

    An invalid key may have been stored unchanged, and it has to be found again.
    """
    try:
        return key_of(key) or key
    except ValueError:
        return key


def _of_text(text: str) -> str | None:
    key = text.strip(BLANKS)
    if "\0" in key:
        raise ValueError("a key must not contain a null character")
    if whole := WHOLE.fullmatch(key):
        key = whole[1]
        if abs(int(key)) >= 2**53:
            raise ValueError("a float key must be an exact whole number")
        return "0" if key == "-0" else key
    if SCIENTIFIC.fullmatch(key):
        raise ValueError("a float key must be an exact whole number")
    return key or None


def _exact_below(dtype: Any) -> float:
    """The limit below which a float of this type represents every whole number exactly."""
    # np.finfo refuses pandas' Float64, which has its NumPy type as an attribute.
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
