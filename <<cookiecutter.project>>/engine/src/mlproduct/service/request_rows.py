"""Validation of rows of JSON: the rules of a batch, applied cell by cell in plain Python.

Pandera takes milliseconds for a table of one row. The rules are therefore read from the schema once
and applied here. A schema with other checks (a function, a rule of several columns) is also
checked by Pandera. A test compares the results of both.
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
# The longest key and the longest other text if the schema sets no limit.
KEY_CHARACTERS = 200
TEXT_CHARACTERS = 10_000
# Unknown fields named per row; the others are only counted, so that a response stays small.
UNKNOWN_AT_MOST = 20
# Unknown names per request for which a similar one is searched, and the longest of them: a search
# takes longer than checking a row.
SIMILAR_AT_MOST = 20
SIMILAR_CHARACTERS = 64
TEXT = pd.StringDtype(na_value=np.nan)


class _Wrong(Exception):
    """A cell of another type."""


@dataclass(frozen=True)
class RowProblem:
    """A problem of one field of one row (counted from 0); ``field`` is None for the whole row."""

    row: int
    field: str | None
    problem: str

    def to_json(self) -> dict[str, Any]:
        return {"row": self.row, "field": self.field, "problem": self.problem}


@dataclass(frozen=True)
class Checked:
    """The cells of the valid rows, their positions in the request, and all problems."""

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
    """Validates rows of JSON by the rules of one schema."""

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
        """The valid rows and the problems of the others. No JSON value raises an exception."""
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
        """Cells of valid rows as one array per column, of ``names`` if given; texts as objects."""
        wanted = (
            range(len(self.columns)) if names is None else [self.places[name] for name in names]
        )
        found = ((self.columns[place], [line[place] for line in cells]) for place in wanted)
        return {
            column.name: _array(values, column.kind, column.nullable) for column, values in found
        }

    def table(self, cells: Cells, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Cells of valid rows as a table with the types of a batch; only ``names`` if given."""
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
        """The fields that the schema does not have. Personal data is in the schema, and dropped."""
        unknown = [name for name in row if name not in self.allowed]
        named = unknown[:UNKNOWN_AT_MOST]
        found = [
            RowProblem(number, name[:SHOWN_CHARACTERS], self._no_such(name, advice))
            for name in named
        ]
        if others := len(unknown) - len(named):
            found.append(RowProblem(number, None, f"and {others:,} more unknown fields"))
        return found

    def _no_such(self, name: str, advice: dict[str, str]) -> str:
        """The problem of an unknown field. ``advice`` stores the similar names of this request."""
        if name not in advice and len(advice) < SIMILAR_AT_MOST and len(name) <= SIMILAR_CHARACTERS:
            advice[name] = self.validator.nearest(name, self.allowed)
        near = advice.get(name)
        return f"unknown field – {near}" if near else "unknown field"

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
    """The cell as a value of the table, or the problem."""
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
    """The JSON value as a value of the kind. Raises _Wrong, ValueError or OverflowError if it is
    not one.
    """
    if kind == "text":
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or "\0" in value:  # PostgreSQL refuses NUL in a text
            raise _Wrong
        return value
    if kind == "date":
        if not isinstance(value, str):
            raise _Wrong
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if kind == "yes or no":
        return value  # yes_or_no has made it 1 or 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Wrong
    if kind == "number":
        return float(value)
    if value != int(value) or abs(value) >= 2**63:
        raise _Wrong
    return int(value)


def _whole(key: str) -> int:
    """The key as a whole number. Raises ValueError or _Wrong if it is not one."""
    return int(_typed(int(key), "whole number"))


def _array(values: Sequence[Any], kind: Kind, nullable: bool) -> np.ndarray:
    if kind == "text":
        return np.array(values, dtype=object)
    if kind == "date":
        return np.array(values, dtype="datetime64[us]")
    return np.array(values, dtype=np.float64 if kind == "number" or nullable else np.int64)


def _shown(value: Any) -> str:
    """The value, cut. A list or an object is only named: it may be of any length and depth."""
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
