"""A schema made ready for validation: personal data taken out, types as they are stored."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrors

from ..errors import ConfigError, InvalidData
from .broken_rules import Broken, Reason, reason_table
from .coercion import STORED, Kind, kind_of
from .columns import Columns, columns_of
from .rules import Rule, rule_of

__all__ = ["SchemaValidator", "schema_validator"]


@dataclass(frozen=True)
class SchemaValidator:
    """What ``validate`` needs to know of a schema, worked out once."""

    schema: pa.DataFrameSchema
    single: dict[str, pa.DataFrameSchema]
    columns: Columns
    kinds: dict[str, Kind]
    nullable: frozenset[str]
    identities: tuple[tuple[str, ...], ...]
    """Columns that no two rows may share: key and time, and whatever the schema calls unique."""

    @property
    def empty(self) -> pd.DataFrame:
        return pd.DataFrame(
            {name: pd.Series(dtype=self._dtype(name)) for name in self.columns.read}
        )

    def stored(self, values: pd.DataFrame) -> pd.DataFrame:
        """Coerced values with the types in which a validated table holds them."""
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
        """The ``sound`` rows as they are stored, and Pandera's findings in them.

        In the other rows the rules of single columns are checked where there is a cell of the right
        type, so that a row tells everything that is wrong with it.
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
        near = difflib.get_close_matches(name, list(others), n=1)
        return f"did you mean {near[0]}?" if near else ""

    def advice(self, other: Sequence[str], reasons: Sequence[Reason]) -> str:
        """What to write where a column evidently holds something else than the schema says."""
        examples = {column: example.strip().lower() for column, _, _, example in reasons}
        for name in other:
            if name == self.columns.key:
                return (
                    " (keys as text or whole numbers; a float from 2**53 on may stand for several)"
                )
            if examples.get(name) in {"yes", "no", "true", "false", "y", "n", "t", "f"}:
                return f" (for yes and no declare {name} as Series[bool]; it becomes 1 and 0)"
            if self.kinds[name] == "date":
                return " (dates as 2026-11-24 or 2026-11-24T10:00:00+01:00)"
            if "," in examples.get(name, ""):
                return " (numbers with a decimal point)"
        return ""

    def expects(self, name: str) -> str:
        """What a cell of the column has to be, in words."""
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
            schema.validate(table, lazy=True)
        except SchemaErrors as errors:
            return [_broken(error, where, len(table)) for error in errors.schema_errors]
        return []


def schema_validator(schema: type[pa.DataFrameModel]) -> SchemaValidator:
    """What to check of ``schema``; types and what may be missing are ours to coerce and check
    before.
    """
    columns, whole = columns_of(schema), schema.to_schema()
    kinds = {name: kind_of(whole.columns[name].dtype) for name in columns.read}
    needed = {columns.key, columns.time, columns.target}
    if kinds[columns.key] in ("number", "yes or no"):
        raise ConfigError(
            f"schemas.py: the key {columns.key} is a {kinds[columns.key]} – expected Series[str] or"
            " Series[int] – a float cannot hold every whole number, and two customers would become"
            " one"
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
    return "float64" if STORED[kind] == "int64" and nullable else STORED[kind]


def _broken(error: SchemaError, where: np.ndarray, rows: int) -> Broken:
    """One of Pandera's errors as the rows that caused it; never without a row."""
    column = str(error.schema.name) if isinstance(error.schema, pa.Column) else "(row)"
    check = error.check
    rule = rule_of(check) if isinstance(check, pa.Check) else Rule(str(check))
    if str(getattr(error.reason_code, "name", "")) == "CHECK_ERROR":
        raise ConfigError(
            f"schemas.py: the check {rule.words!r} of {column} broke:"
            f" {' '.join(str(error.failure_cases).split())[:300]} – expected true or false for each"
            " row – mend the check; it never sees columns marked pii"
        )
    cases = error.failure_cases
    labels = pd.Series(
        cases["index"] if isinstance(cases, pd.DataFrame) and "index" in cases else []
    ).dropna()
    if labels.empty:
        reasons: tuple[Reason, ...] = ((column, rule.words, rows, ""),)
        raise InvalidData(
            f"the rows together break a rule of schemas.py – expected {column} to keep"
            f" {rule.words!r} – look at the source"
            f"\n{reason_table(reasons)}",
            reasons,
        )
    return Broken(where[np.unique(labels.to_numpy(dtype=np.int64))], column, rule.words, rule.code)
