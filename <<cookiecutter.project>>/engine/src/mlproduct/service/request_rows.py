"""Validation of rows of JSON: the rules of a batch, applied to each row by pydantic.

Pandera takes milliseconds for a table of one row. The rules are therefore read from the schema once
and become a type of pydantic. A schema with other checks (a function, a rule of several columns) is
also checked by Pandera. A test compares the results of both.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Annotated, Any, NotRequired, cast

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from ..data.coercion import (
    Kind,
    date_of,
    is_missing_word,
    text_of,
    whole_number_of,
    yes_or_no,
)
from ..data.keys import key_of
from ..data.rules import Rule, rule_of
from ..data.schema_validator import SchemaValidator, schema_validator
from ..data.spelling import Spelling
from ..reading import PLAIN, Reading, number_of

__all__ = ["Cells", "Checked", "Column", "RowProblem", "Rows"]

Cells = Sequence[Sequence[Any]]
EXPECTED: dict[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "whole number": "a whole number",
    "yes or no": "true or false, yes or no, 1 or 0",
    "date": "a date as 2026-11-24 or 2026-11-24T10:00:00Z",
}
SHOWN_CHARACTERS = 80  # of a value or a name in a problem
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


@dataclass(frozen=True)
class RowProblem:
    """A problem of one field of one row (counted from 0); ``field`` is None for the whole row."""

    row: int
    field: str | None
    problem: str

    def to_json(self) -> dict[str, Any]:
        """The problem as it is listed in a response."""
        return {"row": self.row, "field": self.field, "problem": self.problem}


@dataclass(frozen=True)
class Checked:
    """The cells of the valid rows, their positions in the request, and all problems."""

    cells: list[list[Any]]
    positions: list[int]
    problems: list[RowProblem]


@dataclass(frozen=True)
class Column:
    """One column of a row: its kind, its rules and how its cells are spelled."""

    name: str
    kind: Kind
    nullable: bool
    is_key: bool
    defaults_to_now: bool
    rules: tuple[Rule, ...]
    characters: int
    """The longest text."""
    spelling: Spelling

    @cached_property
    def coerce(self) -> Callable[[Any], Any]:
        """The JSON value as a cell, None for a missing one; raises ValueError for another type."""
        plain, spelling, defaults_to_now = self._coerce, self.spelling, self.defaults_to_now
        if not spelling.has_missing and not defaults_to_now:
            return plain

        def coerced(value: Any) -> Any:
            own = spelling.has_missing and spelling.is_missing(value)
            cell = None if own else plain(value)
            # Only an absent time is the time of the request, not one that was sent and is unknown.
            if cell is None and value is not None and defaults_to_now:
                raise ValueError("not a date")
            return cell

        return coerced

    @property
    def _coerce(self) -> Callable[[Any], Any]:
        if self.is_key:
            return _whole_key if self.kind == "whole number" else key_of
        if self.kind == "date":
            return partial(_date, form=self.spelling.format)
        if self.kind in ("number", "whole number"):
            numbers = _number if self.kind == "number" else _whole
            return partial(numbers, reading=self.spelling.reading)
        return yes_or_no if self.kind == "yes or no" else _text

    @property
    def expected(self) -> str:
        """The type of a cell, in words."""
        if self.is_key:
            return "a key as text or whole number"
        if self.kind == "date" and self.spelling.format:
            return f"a date as {self.spelling.example_of_date}"
        if self.kind == "number" and self.spelling.reading != PLAIN:
            return f"a number such as {self.spelling.reading.example}"
        return EXPECTED[self.kind]

    @property
    def row_type(self) -> Any:
        """The type of the field in a row, for pydantic."""
        tests = [_constraint(rule) for rule in self.rules if rule.test is not None]
        longest = [Field(max_length=self.characters)] if self.kind == "text" else []
        cell: Any = (
            Annotated[PYTHON[self.kind], *longest, *tests]
            if longest or tests
            else PYTHON[self.kind]
        )
        if not (self.nullable or self.defaults_to_now):
            return Annotated[cell, BeforeValidator(self.coerce)]
        return NotRequired[Annotated[cell | None, BeforeValidator(self.coerce)]]

    def problem(self, given: Any) -> str:
        """What is wrong with a value that the type does not accept."""
        try:
            cell = self.coerce(given)
        except ValueError:
            return f"expected {self.expected}, not {_shown(given)}"
        if cell is None:
            return "is missing"
        if self.kind == "text" and len(cell) > self.characters:
            return f"expected at most {self.characters:,} characters, not {len(cell):,}"
        rules = [rule.words for rule in self.rules if rule.test and not rule.test(cell)]
        return f"expected {rules[0] if rules else self.expected}, not {_shown(given)}"


class Rows:
    """Validates rows of JSON by the rules of one schema.

    ``reading`` is how texts spell numbers.
    """

    def __init__(self, schema: type[DataFrameModel], reading: Reading = PLAIN) -> None:
        self.reading = reading
        self.validator: SchemaValidator = schema_validator(schema)
        roles = self.validator.columns
        self.columns = tuple(self._column(name) for name in roles.read)
        self.places = {name: place for place, name in enumerate(roles.read)}
        self._time = self.places.get(roles.time or "")
        fields = {column.name: column.row_type for column in self.columns}
        # Its fields are known only now, and mypy accepts a TypedDict only in the form of a literal.
        row_type = cast(Any, TypedDict)("Row", fields)
        self._row: TypeAdapter[dict[str, Any]] = TypeAdapter(row_type)
        self.allowed = frozenset((*roles.read, *roles.private))
        self.custom = bool(self.validator.schema.checks) or any(
            rule.test is None for name in roles.read for rule in self._rules(name)
        )

    def check(self, rows: Sequence[Any]) -> Checked:
        """The valid rows and the problems of the others. No JSON value raises an exception."""
        problems: list[RowProblem] = []
        positions: list[int] = []
        cells: list[list[Any]] = []
        now = datetime.now(UTC).replace(tzinfo=None)  # one time for all rows of the request
        advice: dict[str, str] = {}
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                problems.append(
                    RowProblem(number, None, f"expected an object with fields, not {_kind_of(row)}")
                )
                continue
            found = self._unknown(number, row, advice)
            try:
                valid = self._row.validate_python(row)
            except ValidationError as errors:
                found += self._problems(number, row, errors)
            if found:
                problems += found
                continue
            line = [valid.get(name) for name in self.places]
            if self._time is not None and line[self._time] is None:
                line[self._time] = now
            positions.append(number)
            cells.append(line)
        return self._by_pandera(Checked(cells, positions, problems))

    def arrays(self, cells: Cells, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Cells of valid rows as one array per column, of ``names`` if given; texts as objects.

        Each array has one cell per row. Dates are datetime64[us], in UTC.
        """
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

    def _column(self, name: str) -> Column:
        rules, roles = self._rules(name), self.validator.columns
        lengths = [rule.keywords["maxLength"] for rule in rules if "maxLength" in rule.keywords]
        usual = KEY_CHARACTERS if name == roles.key else TEXT_CHARACTERS
        return Column(
            name,
            self.validator.kinds[name],
            nullable=name in self.validator.nullable,
            is_key=name == roles.key,
            defaults_to_now=name == roles.time,
            rules=tuple(rules),
            characters=min(lengths, default=usual),
            spelling=self.validator.spelling(name, self.reading),
        )

    def _problems(
        self, number: int, row: Mapping[str, Any], errors: ValidationError
    ) -> list[RowProblem]:
        # Only the places are needed: column.problem() gives the same words as a batch.
        listed = errors.errors(include_url=False, include_context=False, include_input=False)
        columns = [self.columns[self.places[str(each["loc"][0])]] for each in listed]
        return [
            RowProblem(number, column.name, column.problem(row.get(column.name)))
            for column in columns
        ]

    def _unknown(
        self, number: int, row: Mapping[str, Any], advice: dict[str, str]
    ) -> list[RowProblem]:
        """The fields that the schema does not have. Personal data is in the schema, and dropped."""
        if self.allowed.issuperset(row):
            return []
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


def _constraint(rule: Rule) -> Any:
    """The rule for pydantic: natively if it knows all keywords, else as a function."""
    if rule.keywords and rule.keywords.keys() <= NATIVE.keys():
        return Field(**{NATIVE[keyword]: bound for keyword, bound in rule.keywords.items()})

    def passes(cell: Any) -> Any:
        if rule.test and rule.test(cell):
            return cell
        raise ValueError(rule.words)

    return AfterValidator(passes)


def _text(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):  # true and false are int in Python
        return str(value)
    if isinstance(value, float):
        return None if math.isnan(value) else text_of(value)
    if value is not None and not isinstance(value, str):
        raise ValueError("not a text")
    if value and "\0" in value:
        raise ValueError("PostgreSQL stores no NUL in a text")
    return value


def _number(value: Any, reading: Reading = PLAIN) -> float | None:
    # Almost every number of a request, so the other cases come later.
    if type(value) is float and -LARGEST <= value <= LARGEST:
        return value
    if value is None:
        return None
    if isinstance(value, str):
        if is_missing_word(value):
            return None
        value = number_of(value, reading)
    # Python's true and false are whole numbers, and a whole number may be too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > LARGEST:
        raise ValueError("not a number")
    if math.isnan(value):
        raise ValueError("not a number")
    return float(value)


def _whole(value: Any, reading: Reading = PLAIN) -> int | None:
    if isinstance(value, str):
        return None if is_missing_word(value) else whole_number_of(value, reading)
    number = _number(value)
    if number is None:
        return None
    if number != int(number) or abs(int(value)) >= 2**63:  # databases store 64 bits
        raise ValueError("not a whole number")
    return int(value)


def _date(value: Any, form: str | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a date")
    return None if is_missing_word(value) else date_of(value, form)


def _whole_key(value: Any) -> int | None:
    key = key_of(value)
    return None if key is None else whole_number_of(key)


LARGEST = sys.float_info.max
# What pydantic applies natively, several times faster than a function, by keyword of JSON Schema.
NATIVE = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
}
PYTHON: dict[Kind, type] = {
    "text": str,
    "number": float,
    "whole number": int,
    "yes or no": int,
    "date": datetime,
}


def _array(values: Sequence[Any], kind: Kind, nullable: bool) -> np.ndarray:
    if kind == "text":
        return np.array(values, dtype=object)
    if kind == "date":
        return np.array(values, dtype="datetime64[us]")
    # Missing values are NaN, which an array of int64 cannot hold.
    return np.array(values, dtype=np.float64 if kind == "number" or nullable else np.int64)


def _shown(value: Any) -> str:
    """The value, cut. A list or an object is only named: it may be of any length and depth."""
    if isinstance(value, list | dict):
        return _kind_of(value)
    # Cut before repr, which would copy a long text, and after it, because it adds escapes.
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
