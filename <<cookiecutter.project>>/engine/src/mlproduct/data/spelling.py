"""How the cells of one column are spelled, from its metadata and the reading of its source.

{"missing": [999, "?"]}       these values are missing, besides empty cells, NA, null and others
{"format": "%d.%m.%Y"}        the dates of the column, in the codes of strptime
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from ..errors import ConfigError
from ..reading import BLANKS, PLAIN, Reading, number_of

__all__ = ["USUAL", "Spelling", "spelling_of"]

ISO = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Spelling:
    """The cells that are missing, the format of dates (None: ISO 8601) and the reading of numbers.

    A missing text is compared with the cell without blanks around it, a missing number with the
    number that the cell spells.
    """

    missing_texts: frozenset[str] = frozenset()
    missing_numbers: frozenset[float] = frozenset()
    format: str | None = None
    reading: Reading = PLAIN

    @property
    def has_missing(self) -> bool:
        """Whether the column has own values for missing."""
        return bool(self.missing_texts or self.missing_numbers)

    @cached_property
    def typed_numbers(self) -> frozenset[float]:
        """The numbers that are missing in a column of numbers, which has no texts."""
        spelled = {number for text in self.missing_texts if (number := _number(text)) is not None}
        return self.missing_numbers | spelled

    @property
    def example_of_date(self) -> str:
        """A date in the format of the column."""
        moment = pd.Timestamp("2026-11-24 10:00:00", tz="UTC")
        return moment.strftime(self.format) if self.format else moment.strftime(ISO)

    def read_by(self, reading: Reading) -> Self:
        """The same for a source with this reading."""
        return self if reading == self.reading else replace(self, reading=reading)

    def is_missing(self, cell: Any) -> bool:
        """Whether the cell is one of the column's own values for missing."""
        if isinstance(cell, str):
            text = cell.strip(BLANKS)
            return text in self.missing_texts or (
                bool(self.missing_numbers) and _number(text, self.reading) in self.missing_numbers
            )
        # Python's true and false are equal to 1 and 0.
        if not isinstance(cell, int | float) or isinstance(cell, bool):
            return False
        try:
            return float(cell) in self.typed_numbers
        except OverflowError:  # no float is as large as this whole number
            return False


USUAL = Spelling()


def spelling_of(name: str, metadata: Mapping[str, Any], kind: str) -> Spelling:
    """The spelling of the column ``name`` with cells of this kind.

    Raises ConfigError for an invalid value of ``missing`` or ``format``.
    """
    missing = metadata.get("missing", USUAL)
    texts, numbers = ((), ()) if missing is USUAL else _missing(name, missing)
    form = metadata.get("format", USUAL)
    return Spelling(
        frozenset(texts), frozenset(numbers), None if form is USUAL else _format(name, form, kind)
    )


def _missing(name: str, given: Any) -> tuple[list[str], list[float]]:
    values = list(given) if isinstance(given, list | tuple | set | frozenset) else []
    numbers = [
        float(value)
        for value in values
        if isinstance(value, int | float | np.number) and not isinstance(value, bool)
    ]
    texts = [value.strip(BLANKS) for value in values if isinstance(value, str)]
    if not values or len(numbers) + len(texts) < len(values) or not np.isfinite(numbers).all():
        raise ConfigError(
            f"schemas.py: column {name} has missing: {given!r} – expected a list of texts and"
            ' numbers, such as [999, "?"] – correct it, or leave it out'
        )
    return texts, numbers


def _format(name: str, given: Any, kind: str) -> str:
    if kind != "date":
        raise ConfigError(
            f"schemas.py: column {name} has the format {given!r} and is a {kind} – expected a"
            " format only of a date, Series[pd.Timestamp] – remove it, or change the type"
        )
    # Without a code, pandas reads some words (mixed, ISO8601) as an order to guess.
    if isinstance(given, str) and "%" in given:
        try:
            moment = pd.Timestamp("2026-11-24 10:00:00", tz="UTC")
            text = moment.strftime(given)
            day = pd.to_datetime(text, format=given, utc=True)
        except (ValueError, TypeError):
            day = None
        if day is not None and day.year == moment.year:
            return given
    raise ConfigError(
        f"schemas.py: column {name} has the format {given!r} – expected the codes of strptime for a"
        " date with its year, such as %d.%m.%Y – correct it"
    )


def _number(text: str, reading: Reading = PLAIN) -> float | None:
    try:
        return number_of(text, reading)
    except ValueError:
        return None
