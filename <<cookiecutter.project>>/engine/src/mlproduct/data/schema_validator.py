"""Prepare a schema for validation: without personal data, with the types that are stored."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrors

from ..errors import ConfigError, InvalidData
from ..reading import Reading
from .broken_rules import Broken, Reason, reason_table
from .coercion import STORED, Kind, kind_of
from .columns import Columns, columns_of
from .rules import Rule, rule_of
from .spelling import USUAL, Spelling

__all__ = ["SchemaValidator", "schema_validator"]


@dataclass(frozen=True)
class SchemaValidator:
    """What ``validate`` needs from a schema, computed once."""

    schema: pa.DataFrameSchema
    single: dict[str, pa.DataFrameSchema]
    columns: Columns
    kinds: dict[str, Kind]
    nullable: frozenset[str]
    identities: tuple[tuple[str, ...], ...]
    """Column sets in which rows must differ: key and time (without a time all columns), and those
    that the schema declares unique.
    """

    @property
    def empty(self) -> pd.DataFrame:
        """A validated table without rows."""
        return pd.DataFrame(
            {name: pd.Series(dtype=self._dtype(name)) for name in self.columns.read}
        )

    def stored(self, values: pd.DataFrame) -> pd.DataFrame:
        """The coerced values with the column types of a validated table."""
        typed = {}
        for name in self.columns.read:
            column, dtype = values[name], self._dtype(name)
            if dtype == "float64" and column.dtype != dtype:
                column = pd.Series(
                    column.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index
                )
            typed[name] = column if column.dtype == dtype else column.astype(dtype)
        return pd.DataFrame(typed, copy=False).reset_index(drop=True)

    def check(self, values: pd.DataFrame, sound: np.ndarray) -> tuple[pd.DataFrame, list[Broken]]:
        """The ``sound`` rows with their stored types, and the rules that rows break.

        In the other rows, each cell of the right type is checked by the rules of its column, so
        that a row is reported with everything that is wrong with it.
        """
        where = np.flatnonzero(sound)
        table = self.stored(values if sound.all() else values.iloc[where])
        broken = self._found(self.schema, table, where)
        others = np.flatnonzero(~sound)
        for name in self.columns.read if len(others) else ():
            filled = others[np.asarray(values[name].iloc[others].notna())]
            column = pd.DataFrame(
                {name: values[name].iloc[filled].astype(self._dtype(name))}
            ).reset_index(drop=True)
            broken += self._found(self.single[name], column, filled)
        return table, broken

    def nearest(self, name: str, others: Iterable[str]) -> str:
        """A question that suggests the most similar name, empty if there is none."""
        near = difflib.get_close_matches(name, list(others), n=1)
        return f"did you mean {near[0]}?" if near else ""

    def advice(self, other: Sequence[str], reasons: Sequence[Reason]) -> str:
        """A hint on the form of cells for columns of another type than in the schema, or empty."""
        examples = {column: example.strip().lower() for column, _, _, example in reasons}
        for name in other:
            if name == self.columns.key:
                return (
                    " (keys as text or whole numbers; a float from 2**53 on can represent several)"
                )
            if examples.get(name) in {"yes", "no", "true", "false", "y", "n", "t", "f"}:
                return f" (for yes and no declare {name} as Series[bool]; it becomes 1 and 0)"
            if self.kinds[name] == "date":
                return self._advice_on_date(name)
            if "," in examples.get(name, ""):
                return (
                    " (numbers with a decimal point; for others set decimal and thousands of the"
                    " source)"
                )
        return ""

    def _advice_on_date(self, name: str) -> str:
        form = self.columns.spellings.get(name, USUAL).format
        if form is not None:
            return f" (dates in the format {form} of schemas.py)"
        return (
            " (dates as 2026-11-24 or 2026-11-24T10:00:00+01:00; for others give the column a"
            " format)"
        )

    def spelling(self, name: str, reading: Reading) -> Spelling:
        """How the cells of the column are spelled in a source with this reading."""
        return self.columns.spellings.get(name, USUAL).read_by(reading)

    def expects(self, name: str) -> str:
        """The expected kind of a cell of the column, in words."""
        return "key" if name == self.columns.key else self.kinds[name]

    def _dtype(self, name: str) -> str:
        return _dtype(self.kinds[name], name in self.nullable)

    def _found(
        self, schema: pa.DataFrameSchema, table: pd.DataFrame, where: np.ndarray
    ) -> list[Broken]:
        """The rules that ``table`` breaks; its row i is row ``where[i]`` of the batch."""
        if table.empty:
            return []
        try:
            # Lazy: otherwise Pandera would report only the first broken rule.
            schema.validate(table, lazy=True)
        except SchemaErrors as errors:
            return [_broken(error, where, len(table)) for error in errors.schema_errors]
        return []


def schema_validator(schema: type[pa.DataFrameModel]) -> SchemaValidator:
    """The validator of ``schema``. Raises ConfigError for a key that is not text or whole numbers.

    Pandera checks only the rules: types, missing cells and duplicates are checked outside of it.
    """
    columns, whole = columns_of(schema), schema.to_schema()
    kinds = {name: kind_of(whole.columns[name].dtype) for name in columns.read}
    needed = {columns.key, columns.time, columns.target}
    if kinds[columns.key] in ("number", "yes or no"):
        raise ConfigError(
            f"schemas.py: the key {columns.key} is a {kinds[columns.key]} – expected Series[str] or"
            " Series[int] – change its type; a float cannot represent every whole number, so two"
            " customers could become one"
        )
    nullable = frozenset(
        name for name in columns.read if whole.columns[name].nullable and name not in needed
    )
    updates = {
        name: {
            "dtype": _dtype(kinds[name], name in nullable),
            "nullable": name in nullable,
            "unique": False,
            "coerce": False,
            "required": True,
        }
        for name in columns.read
    }
    prepared = whole.remove_columns(list(columns.private)).update_columns(updates)
    # Duplicates are rejected across batches (validation.py), and cells are coerced before.
    prepared.unique, prepared.strict, prepared.coerce, prepared.drop_invalid_rows = (
        None,
        False,
        False,
        False,
    )
    single = {name: pa.DataFrameSchema({name: prepared.columns[name]}) for name in columns.read}
    return SchemaValidator(prepared, single, columns, kinds, nullable, _identities(whole, columns))


def _identities(whole: pa.DataFrameSchema, columns: Columns) -> tuple[tuple[str, ...], ...]:
    subject = (columns.key, columns.time) if columns.time else columns.read
    alone = [(name,) for name in columns.read if whole.columns[name].unique]
    together = [tuple(whole.unique)] if isinstance(whole.unique, list) else []
    return tuple(dict.fromkeys([subject, *alone, *together]))


def _dtype(kind: Kind, nullable: bool) -> str:
    # An int64 column cannot contain a missing value.
    return "float64" if STORED[kind] == "int64" and nullable else STORED[kind]


def _broken(error: SchemaError, where: np.ndarray, rows: int) -> Broken:
    """The rows that caused one of Pandera's errors.

    Raises ConfigError for a check that failed to run, and InvalidData for a broken rule that names
    no row.
    """
    column = str(error.schema.name) if isinstance(error.schema, pa.Column) else "(row)"
    check = error.check
    rule = rule_of(check) if isinstance(check, pa.Check) else Rule(str(check))
    if str(getattr(error.reason_code, "name", "")) == "CHECK_ERROR":
        raise ConfigError(
            f"schemas.py: the check {rule.words!r} of {column} failed:"
            f" {' '.join(str(error.failure_cases).split())[:300]} – expected true or false for each"
            " row – correct the check; it never sees columns marked pii"
        )
    cases = error.failure_cases
    labels = pd.Series(
        cases["index"] if isinstance(cases, pd.DataFrame) and "index" in cases else []
    ).dropna()
    if labels.empty:
        reasons: tuple[Reason, ...] = ((column, rule.words, rows, ""),)
        raise InvalidData(
            f"the rows together break a rule of schemas.py – expected {column} to satisfy"
            f" {rule.words!r} – check the source"
            f"\n{reason_table(reasons)}",
            reasons,
        )
    return Broken(where[np.unique(labels.to_numpy(dtype=np.int64))], column, rule.words, rule.code)
