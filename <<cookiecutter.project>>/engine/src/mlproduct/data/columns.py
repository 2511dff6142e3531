"""The role of each column of the schema.

A schema (``schemas.py``) gives each column its role in ``metadata``. No other file names a column:

    {"role": "key"}       identifies the row's subject; repeats if a subject has several rows
    {"role": "time"}      when the row became known
    {"role": "group"}     rows of one group stay on one side of the split
    {"role": "feature"}   input of the model
    {"role": "target"}    what is predicted; with two values, "positive" names the positive one
    {"role": "ignored"}   validated, never used by the model
    {..., "calendar": True}  of the time: its calendar and its hour are inputs of the model too
    {..., "pii": True}    personal data: never read from the source

A feature has a kind (``feature_kinds.py``): number, category, date or text. It follows from the
data type of the column. Only free text has to be marked, because text is a category otherwise:

    {"role": "feature", "kind": "text"}

``missing`` and ``format`` state how the cells of a column are spelled: see ``spelling.py``.
"""

import difflib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from ..errors import ConfigError
from ..problems import Problem, Target
from .coercion import kind_of as cell_kind_of
from .feature_kinds import KINDS, FeatureKind, kind_of
from .spelling import USUAL, Spelling, spelling_of

__all__ = ["Columns", "columns_of"]

ROLES = ("key", "time", "group", "feature", "target", "ignored")
METADATA = ("role", "kind", "positive", "pii", "calendar", "missing", "format")


@dataclass(frozen=True)
class Columns:
    """The columns of a table by role; ``private`` columns are never read."""

    key: str
    time: str | None
    group: str | None
    target: str | None
    problem: Problem | None
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    ignored: tuple[str, ...]
    private: tuple[str, ...]
    known_values: dict[str, tuple[Any, ...]]
    """The allowed values of each column for which the schema lists them."""
    dates: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    calendar: bool = False
    """Whether the time of a row is an input too, as parts of the calendar."""
    spellings: dict[str, Spelling] = field(default_factory=dict)
    """How the cells of a column are spelled, for each column that states it."""

    @property
    def of_target(self) -> Problem:
        """The problem; for code that runs only with the columns of a product."""
        if self.problem is None:
            raise ConfigError("schemas.py: no column has the role target – expected one – mark it")
        return self.problem

    @property
    def features(self) -> tuple[str, ...]:
        """The features: numeric columns, then categorical ones, dates and texts."""
        return self.numeric + self.categorical + self.dates + self.texts

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that the model receives: the features, and the time if there are dates or if
        the time itself is an input.

        A date means little to a model without the time of its row: see ``training/preprocess.py``.
        """
        with_time = self.time is not None and (self.dates or self.calendar)
        return (*self.features, str(self.time)) if with_time else self.features

    def kind_of(self, feature: str) -> FeatureKind:
        """The kind of a feature; the time is a date. Raises KeyError for another column."""
        named = (self.numeric, self.categorical, (*self.dates, self.time), self.texts)
        for kind, names in zip(("number", "category", "date", "text"), named, strict=True):
            if feature in names:
                return KINDS[kind]
        raise KeyError(feature)

    def encoded_target(self, rows: pd.DataFrame) -> np.ndarray:
        """The target of ``rows`` as floats: the numbers, or the codes of the classes."""
        return self.of_target.encode(rows[str(self.target)])

    @property
    def read(self) -> tuple[str, ...]:
        """Every column that is read, in a fixed order, without personal data."""
        singles = (self.key, self.time, self.group)
        named = tuple(name for name in singles if name is not None)
        rest = self.features + self.ignored
        target = (self.target,) if self.target else ()
        return tuple(dict.fromkeys(named + rest + target))


def columns_of(schema: type[DataFrameModel], problem: Problem | None = None) -> Columns:
    """The columns of ``schema`` by role, as in its metadata; ``problem`` is what is predicted.

    Raises ConfigError for an unknown role, a missing key, a second column with the role key, time,
    group or target, personal data in any role except ``ignored``, and metadata that is unknown or
    does not fit the column.
    """
    columns = schema.to_schema().columns
    for name, column in columns.items():
        _refuse_unknown(name, column)
    marked = {name: _role(name, column) for name, column in columns.items()}
    described = {name: column for name, column in columns.items() if not _is_private(column)}
    by_role = {role: [name for name in described if marked[name] == role] for role in ROLES}
    for role in ("key", "time", "group", "target"):
        if len(by_role[role]) > 1:
            raise ConfigError(
                f"schemas.py: {' and '.join(by_role[role])} have the role {role} – expected at most"
                " one column with it – give the others another role"
            )
    if not by_role["key"]:
        raise ConfigError(
            "schemas.py: no column has the role key – expected one – give it to the column that"
            " identifies a row's subject"
        )
    target = next(iter(by_role["target"]), None)
    kinds = {name: _kind(name, column, marked[name]) for name, column in described.items()}

    def of_kind(kind: str) -> tuple[str, ...]:
        return tuple(name for name in by_role["feature"] if kinds[name].name == kind)

    return Columns(
        key=by_role["key"][0],
        time=next(iter(by_role["time"]), None),
        group=next(iter(by_role["group"]), None),
        target=target,
        problem=problem.of(_target(target, columns[target])) if problem and target else None,
        numeric=of_kind("number"),
        categorical=of_kind("category"),
        ignored=tuple(by_role["ignored"]),
        private=tuple(name for name in marked if name not in described),
        known_values={
            name: values for name, column in described.items() if (values := _listed(column))
        },
        dates=of_kind("date"),
        texts=of_kind("text"),
        calendar=any(_is_calendar(columns[name]) for name in by_role["time"]),
        spellings={
            name: spelling
            for name, column in described.items()
            if (spelling := _spelling(name, column)) != USUAL
        },
    )


def _refuse_unknown(name: str, column: Any) -> None:
    for key in column.metadata or {}:
        if key not in METADATA:
            near = difflib.get_close_matches(str(key), METADATA, n=1)
            advice = f"did you mean {near[0]!r}?" if near else "remove it"
            raise ConfigError(
                f"schemas.py: column {name} has the metadata {key!r} – expected"
                f" {', '.join(METADATA)} – {advice}"
            )


def _spelling(name: str, column: Any) -> Spelling:
    return spelling_of(name, column.metadata or {}, cell_kind_of(column.dtype))


def _target(name: str, column: Any) -> Target:
    positive = (column.metadata or {}).get("positive")
    return Target(name, cell_kind_of(column.dtype) == "text", _listed(column), positive)


def _role(name: str, column: Any) -> str:
    role = str((column.metadata or {}).get("role"))
    if role not in ROLES:
        raise ConfigError(
            f"schemas.py: column {name} has the role {role!r} – expected one of {', '.join(ROLES)}"
            " – correct it in the column's metadata"
        )
    if _is_private(column) and role != "ignored":
        raise ConfigError(
            f"schemas.py: column {name} is marked pii and has the role {role} – expected the role"
            " ignored for personal data – give the role to a pseudonymous column instead"
        )
    return role


def _kind(name: str, column: Any, role: str) -> FeatureKind:
    stated = (column.metadata or {}).get("kind")
    if stated is not None and role != "feature":
        raise ConfigError(
            f"schemas.py: column {name} has the kind {stated!r} and the role {role} – expected a"
            " kind only with the role feature – remove the kind"
        )
    return kind_of(column.dtype, name, stated)


def _is_calendar(column: Any) -> bool:
    return bool((column.metadata or {}).get("calendar"))


def _is_private(column: Any) -> bool:
    return bool((column.metadata or {}).get("pii"))


def _listed(column: Any) -> tuple[Any, ...]:
    """The allowed values of the column if its checks list them, else empty."""
    listed = (check.statistics["allowed_values"] for check in column.checks if check.name == "isin")
    return tuple(next(listed, ()))
