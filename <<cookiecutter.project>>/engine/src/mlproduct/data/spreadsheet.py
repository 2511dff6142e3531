"""Texts that a spreadsheet would execute, made texts by an apostrophe in front, and back.

A CSV file cannot say that a cell is text, so a spreadsheet takes one that begins like a formula for
one, and whoever fills in a form at the source could run it on the machine of whoever repairs the
rows.
"""

import re

import pandas as pd

__all__ = ["escaped_name", "harmless", "original"]

SIGN = "'"
STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""How a formula begins; the last four are the wide forms that East Asian spreadsheets take as well.
"""

DANGEROUS = rf"^(?=[{re.escape(STARTS + SIGN)}])"
ESCAPED = rf"^{SIGN}(?=[{re.escape(STARTS + SIGN)}])"
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def harmless(cells: pd.Series, *, numbers: bool) -> pd.Series:
    """The texts with an apostrophe before those that begin like a formula, or with an apostrophe.

    With ``numbers``, what is a number as a whole stays one.
    """
    safe = cells.str.replace(DANGEROUS, SIGN, regex=True)
    return (
        cells.where(cells.str.fullmatch(NUMBER).fillna(False).astype(bool), safe)
        if numbers
        else safe
    )


def original(cells: pd.Series) -> pd.Series:
    """The texts as they were before ``harmless``; other texts stay as they are."""
    return cells.str.replace(ESCAPED, "", regex=True)


def escaped_name(name: str) -> str:
    """The name of a column as the header has it."""
    return SIGN + name if name.startswith(tuple(STARTS + SIGN)) else name
