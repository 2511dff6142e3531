"""Rows of JSON held against the schema: the same rules as in a batch, cell by cell in plain Python.

Pandera takes milliseconds for a table of one row. So the rules it would apply are read from the
schema once; a schema with rules of its own (a function, a rule across columns) is handed to Pandera
after all. A test holds both against each other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from ..data.coercion import Kind, yes_or_no
from ..data.keys import key_of
from ..data.rules import Rule, Test, rule_of
from ..data.schema_validator import SchemaValidator, schema_validator

__all__ = ["Cells", "Checked", "RowProblem", "Rows"]

Cells = Sequence[Sequence[Any]]
EXPECTED: dict[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "whole number": "a whole number",
    "yes or no": "true or false, yes or no, 1 or 0",
    "date": "a date as 2026-11-24 or 2026-11-24T10:00:00Z",
}
SHOWN_CHARACTERS = 80
KEY_CHARACTERS = 200
TEXT_CHARACTERS = 10_000
"""The longest key and the longest other text, where the schema does not say how long one may be."""

UNKNOWN_AT_MOST = 20
"""Unknown fields that are named for each row; of the others it is said how many there are."""

SIMILAR_AT_MOST = 20
"""Names for which a similar one is looked for, in each request: a search takes longer than checking
a row.
"""

SIMILAR_CHARACTERS = 64
TEXT = pd.StringDtype(na_value=np.nan)


class _Wrong(Exception):
    """A cell of another type."""


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one field of one row (counted from 0); ``field`` is None for the row
    itself.
    """

    row: int
    field: str | None
    problem: str

    def to_json(self) -> dict[str, Any]:
        return {"row": self.row, "field": self.field, "problem": self.problem}


@dataclass(frozen=True)
class Checked:
    """The cells of the good rows, where those stood in the request, and what is wrong with the
    others.
    """

    cells: list[list[Any]]
    positions: list[int]
    problems: list[RowProblem]


@dataclass(frozen=True)
class _Column:
    name: str
    kind: Kind
    nullable: bool
    is_key: bool
    defaults_to_now: bool
    tests: tuple[tuple[Test, str], ...]
    characters: int
    """The longest text."""


class Rows:
    """The rules of one schema."""

    def __init__(self, schema: type[DataFrameModel]) -> None:
        self.validator: SchemaValidator = schema_validator(schema)
        roles = self.validator.columns
        self.columns = tuple(self._column(name) for name in roles.read)
        self.places = {name: place for place, name in enumerate(roles.read)}
        self.allowed = frozenset((*roles.read, *roles.private))
        self.custom = bool(self.validator.schema.checks) or any(
            rule.test is None for name in roles.read for rule in self._rules(name)
        )

    def check(self, rows: Sequence[Any]) -> Checked:
        """The rows sorted into good and bad ones; never an exception for anything that JSON can
        hold.
        """
        problems: list[RowProblem] = []
        positions: list[int] = []
        cells: list[list[Any]] = []
        now = datetime.now(UTC).replace(tzinfo=None)
        advice: dict[str, str] = {}
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                problems.append(
                    RowProblem(number, None, f"expected an object with fields, not {_kind_of(row)}")
                )
                continue
            found = self._unknown(number, row, advice)
            line = []
            for column in self.columns:
                cell, problem = _cell(column, row, now)
                line.append(cell)
                found += [RowProblem(number, column.name, problem)] if problem else []
            problems += found
            if not found:
                positions.append(number)
                cells.append(line)
        return self._by_pandera(Checked(cells, positions, problems))

    def arrays(self, cells: Cells, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Cells of good rows as an array for each column, or each of ``names``; texts as
        objects.
        """
        wanted = (
            range(len(self.columns)) if names is None else [self.places[name] for name in names]
        )
        found = ((self.columns[place], [line[place] for line in cells]) for place in wanted)
        return {
            column.name: _array(values, column.kind, column.nullable) for column, values in found
        }

    def table(self, cells: Cells, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Cells of good rows as the table that a batch would have; only the columns ``names`` if
        given.
        """
        made = self.arrays(cells, names).items()
        texts = {name for name, _ in made if self.columns[self.places[name]].kind == "text"}
        return pd.DataFrame(
            {name: pd.array(values, TEXT) if name in texts else values for name, values in made}
        )

    def _rules(self, name: str) -> list[Rule]:
        return [rule_of(check) for check in self.validator.schema.columns[name].checks]

    def _column(self, name: str) -> _Column:
        rules, roles = self._rules(name), self.validator.columns
        key, time = name == roles.key, name == roles.time
        lengths = [rule.keywords["maxLength"] for rule in rules if "maxLength" in rule.keywords]
        return _Column(
            name,
            self.validator.kinds[name],
            nullable=name in self.validator.nullable,
            is_key=key,
            defaults_to_now=time,
            tests=tuple((rule.test, rule.words) for rule in rules if rule.test is not None),
            characters=min(lengths, default=KEY_CHARACTERS if key else TEXT_CHARACTERS),
        )

    def _unknown(
        self, number: int, row: Mapping[str, Any], advice: dict[str, str]
    ) -> list[RowProblem]:
        """Fields that nobody knows; personal data is known, and dropped."""
        unknown = [name for name in row if name not in self.allowed]
        named = unknown[:UNKNOWN_AT_MOST]
        found = [
            RowProblem(number, name[:SHOWN_CHARACTERS], self._no_such(name, advice))
            for name in named
        ]
        if others := len(unknown) - len(named):
            found.append(RowProblem(number, None, f"and {others:,} more fields that are none"))
        return found

    def _no_such(self, name: str, advice: dict[str, str]) -> str:
        """What is said of an unknown field; ``advice`` keeps the similar names that were found in
        this request.
        """
        if name not in advice and len(advice) < SIMILAR_AT_MOST and len(name) <= SIMILAR_CHARACTERS:
            advice[name] = self.validator.nearest(name, self.allowed)
        near = advice.get(name)
        return f"no such field – {near}" if near else "no such field"

    def _by_pandera(self, checked: Checked) -> Checked:
        if not self.custom or not checked.positions:
            return checked
        sound = np.ones(len(checked.cells), dtype=bool)
        _, broken = self.validator.check(self.table(checked.cells), sound)
        problems = list(checked.problems)
        for one in broken:
            sound[one.positions] = False
            field = None if one.column == "(row)" else one.column
            problems += [
                RowProblem(checked.positions[place], field, f"expected {one.rule}")
                for place in one.positions
            ]
        kept = np.flatnonzero(sound)
        good = [checked.cells[place] for place in kept]
        return Checked(good, [checked.positions[place] for place in kept], problems)


def _cell(column: _Column, row: Mapping[str, Any], now: datetime) -> tuple[Any, str | None]:
    """The cell as the table takes it, or what is wrong with it."""
    value = given = row.get(column.name)
    if column.is_key:
        try:
            value = key_of(given)
        except ValueError:
            return None, f"expected a key as text or whole number, not {_shown(given)}"
    elif column.kind == "yes or no":
        try:
            value = yes_or_no(given)
        except ValueError:
            return None, f"expected {EXPECTED[column.kind]}, not {_shown(given)}"
    if value is None:
        if column.defaults_to_now:
            return now, None
        return None, None if column.nullable else "is missing"
    try:
        cell: Any = (
            _whole(value)
            if column.is_key and column.kind == "whole number"
            else _typed(value, column.kind)
        )
    except (_Wrong, ValueError, OverflowError):
        return None, f"expected {EXPECTED[column.kind]}, not {_shown(given)}"
    if column.kind == "text" and len(cell) > column.characters:
        return None, f"expected at most {column.characters:,} characters, not {len(cell):,}"
    for test, rule in column.tests:
        if not test(cell):
            return None, f"expected {rule}, not {_shown(given)}"
    return cell, None


def _typed(value: Any, kind: Kind) -> Any:
    """The JSON value as the kind. Raises _Wrong, ValueError or OverflowError where it is none."""
    if kind == "text":
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or "\0" in value:  # no database keeps a NUL in a text
            raise _Wrong
        return value
    if kind == "date":
        if not isinstance(value, str):
            raise _Wrong
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if kind == "yes or no":
        return value  # 1 or 0 by now
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Wrong
    if kind == "number":
        return float(value)
    if value != int(value) or abs(value) >= 2**63:
        raise _Wrong
    return int(value)


def _whole(key: str) -> int:
    """The key as a whole number. Raises ValueError or _Wrong where it is none."""
    return int(_typed(int(key), "whole number"))


def _array(values: Sequence[Any], kind: Kind, nullable: bool) -> np.ndarray:
    if kind == "text":
        return np.array(values, dtype=object)
    if kind == "date":
        return np.array(values, dtype="datetime64[us]")
    return np.array(values, dtype=np.float64 if kind == "number" or nullable else np.int64)


def _shown(value: Any) -> str:
    """The value in short: never walked through, however long or deep it is."""
    if isinstance(value, list | dict):
        return _kind_of(value)
    return repr(value[:SHOWN_CHARACTERS] if isinstance(value, str) else value)[:SHOWN_CHARACTERS]


def _kind_of(value: Any) -> str:
    kinds = {
        type(None): "null",
        list: "a list",
        dict: "an object",
        str: "a text",
        bool: "true or false",
    }
    return kinds.get(type(value), "a number")
