"""What differs between kinds of features, in one place: number, category, date, text.

The kind follows from the column's data type. The metadata of a column can state another kind that
fits its type: ``{"role": "feature", "kind": "text"}`` for free text, which would be a category.

A new kind, such as an image, is a subclass of ``FeatureKind`` in ``KINDS``, a field of ``Columns``
and a part of ``training/preprocess.py``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from ..derived_numbers import characters, days_before, moments, words_of
from ..errors import ConfigError
from .coercion import Kind as CellKind
from .coercion import kind_of as cell_kind_of

__all__ = ["KINDS", "Category", "Date", "FeatureKind", "Measure", "Number", "Text", "kind_of"]

Measure = Literal["value", "days", "characters", "unknown words"]
Signals = Iterator[tuple[str, pd.Series]]

# Words of a text that are compared with the target one by one: a word that reveals the target is in
# many rows.
FREQUENT_WORDS = 200
# From this many values on, a number or a text can be an identifier that encodes the target.
IDENTIFIER_VALUES = 20
DIVISORS = (3, 7, 10, 100)


@dataclass(frozen=True)
class FeatureKind(ABC):
    """One kind of feature; use one of its subclasses."""

    name: ClassVar[str]
    """The kind as it is written in the metadata of the schema."""
    cells: ClassVar[tuple[CellKind, ...]]
    """The cells that a column of this kind can have."""
    measures: ClassVar[tuple[Measure, ...]] = ("value",)
    """What monitoring watches: the value itself, or numbers derived from it."""
    watched_as: ClassVar[Literal["number", "category"]] = "number"
    """How monitoring counts a measure: in bins of numbers, or per value."""

    def signals(self, column: pd.Series, time: pd.Series | None) -> Signals:
        """Simple features whose relation with the target the check for leaks measures, each with
        its description; the value itself has none.
        """
        yield "", column

    @abstractmethod
    def typical(self, column: pd.Series) -> pd.Series:
        """One cell for the example in the model's file, in the dtype of ``column``."""


@dataclass(frozen=True)
class Number(FeatureKind):
    """A quantity, a count, or yes and no."""

    name: ClassVar[str] = "number"
    cells: ClassVar[tuple[CellKind, ...]] = ("number", "whole number", "yes or no")

    def signals(self, column: pd.Series, time: pd.Series | None) -> Signals:
        """Of whole numbers with many values, such as a running number, also the remainders."""
        yield "", column
        known = column.dropna()
        if known.nunique() < IDENTIFIER_VALUES or (known % 1 != 0).any():
            return
        for divisor in DIVISORS:
            yield f"its remainder of {divisor}", column % divisor

    def typical(self, column: pd.Series) -> pd.Series:
        """The median."""
        # The median of bool may be neither of the two values.
        if pd.api.types.is_bool_dtype(column):
            return _most_frequent(column)
        return pd.Series([column.median()]).astype(column.dtype)


@dataclass(frozen=True)
class Category(FeatureKind):
    """One of a set of values that repeat."""

    name: ClassVar[str] = "category"
    cells: ClassVar[tuple[CellKind, ...]] = ("text",)
    watched_as: ClassVar[Literal["number", "category"]] = "category"

    def signals(self, column: pd.Series, time: pd.Series | None) -> Signals:
        """Of many values, such as identifiers, also their parts: the ends, the length, the number
        in the text and its last digit.
        """
        yield "", column
        # The values once and not in every row.
        codes, values = pd.factorize(column)
        if len(values) < IDENTIFIER_VALUES:
            return
        texts = pd.Series(values, dtype="str").str
        numbers = pd.to_numeric(texts.extract(r"(\d+)\D*$", expand=False))
        parts = {
            "its first character": texts[:1],
            "its first two characters": texts[:2],
            "its last character": texts[-1:],
            "its last two characters": texts[-2:],
            "its length": texts.len(),
            "its number": numbers,
            "the last digit of its number": numbers % 10,
        }
        for words, part in parts.items():
            # The place −1 is a missing value.
            yield words, part.reindex(codes).set_axis(column.index)

    def typical(self, column: pd.Series) -> pd.Series:
        """The most frequent value."""
        return _most_frequent(column)


@dataclass(frozen=True)
class Date(FeatureKind):
    """A day or a moment, such as the start of a contract."""

    name: ClassVar[str] = "date"
    cells: ClassVar[tuple[CellKind, ...]] = ("date",)
    measures: ClassVar[tuple[Measure, ...]] = ("days",)

    def signals(self, column: pd.Series, time: pd.Series | None) -> Signals:
        """Also the days before the row's time, the days since 1970, and parts of the calendar."""
        yield "", column
        if time is not None:
            yield f"days before {time.name}", days_before(column, time)
        days = days_before(column, None)
        yield "days since 1970", days
        yield "its weekday", days // 1 % 7
        yield "its day of the month", moments(column).dt.day
        yield "its time of day", days % 1

    def typical(self, column: pd.Series) -> pd.Series:
        """The day in the middle, without its time of day."""
        return pd.Series([column.median()]).dt.floor("D").astype(column.dtype)


@dataclass(frozen=True)
class Text(FeatureKind):
    """Free text, in which few rows are equal."""

    name: ClassVar[str] = "text"
    cells: ClassVar[tuple[CellKind, ...]] = ("text",)
    measures: ClassVar[tuple[Measure, ...]] = ("characters", "unknown words")

    def signals(self, column: pd.Series, time: pd.Series | None) -> Signals:
        """Also the length, and whether each of the most frequent words is in the text."""
        yield "", column
        yield "its length", characters(column)
        rows, places, words = words_of(column)
        for place in np.argsort(-np.bincount(places), kind="stable")[:FREQUENT_WORDS]:
            found = np.zeros(len(column), dtype=bool)
            found[rows[places == place]] = True
            yield f"the word {words[place]!r}", pd.Series(found, index=column.index)

    def typical(self, column: pd.Series) -> pd.Series:
        """A made-up text, because any text of a row can be personal."""
        return pd.Series(["text"]).astype(column.dtype)


KINDS: dict[str, FeatureKind] = {kind.name: kind for kind in (Number(), Category(), Date(), Text())}


def kind_of(dtype: Any, name: str = "", stated: Any = None) -> FeatureKind:
    """The kind of the column ``name``: the stated one, or the first one that fits the data type.

    Raises ConfigError for an unknown kind, and for a kind that does not fit the data type.
    """
    cells = cell_kind_of(dtype)
    fitting = [kind for kind in KINDS.values() if cells in kind.cells]
    if stated is None:
        return fitting[0]
    for kind in fitting:
        if kind.name == stated:
            return kind
    if stated in KINDS:
        raise ConfigError(
            f"schemas.py: column {name} has the kind {stated!r} and the type {dtype} – expected"
            f" {' or '.join(kind.name for kind in fitting)} for this type – change the kind or the"
            " type"
        )
    raise ConfigError(
        f"schemas.py: column {name} has the kind {stated!r} – expected one of {', '.join(KINDS)}"
    )


def _most_frequent(column: pd.Series) -> pd.Series:
    # Reindexed, so that a column without any value still has its row.
    return column.mode().head(1).astype(column.dtype).reset_index(drop=True).reindex([0])
