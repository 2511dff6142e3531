"""Escape texts that a spreadsheet would execute with an apostrophe in front, and undo it.

A CSV file cannot mark a cell as text, so a spreadsheet executes a text that begins like a formula.
A person who fills in a form at the source could thus run a formula on the machine of the person who
repairs the rows.
"""

import re

import pandas as pd

__all__ = ["escaped_name", "harmless", "original"]

SIGN = "'"
# The first characters of formulas; the last four are the full-width forms that East Asian
# spreadsheets accept as well.
STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"

# An apostrophe is escaped too, so that ``original`` removes only those of ``harmless``.
DANGEROUS = rf"^(?=[{re.escape(STARTS + SIGN)}])"
ESCAPED = rf"^{SIGN}(?=[{re.escape(STARTS + SIGN)}])"
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def harmless(cells: pd.Series, *, numbers: bool) -> pd.Series:
    """The texts, with an apostrophe in front if they begin like a formula or with an apostrophe.

    With ``numbers``, a text that is a number, such as -5, stays unchanged.
    """
    safe = cells.str.replace(DANGEROUS, SIGN, regex=True)
    return (
        cells.where(cells.str.fullmatch(NUMBER).fillna(False).astype(bool), safe)
        if numbers
        else safe
    )


def original(cells: pd.Series) -> pd.Series:
    """The texts as they were before ``harmless``; other texts stay unchanged."""
    return cells.str.replace(ESCAPED, "", regex=True)


def escaped_name(name: str) -> str:
    """The name of a column as it is in the header of an exported file."""
    return SIGN + name if name.startswith(tuple(STARTS + SIGN)) else name
