"""The same model with a shorter way through its columns, where that gives the very same
predictions.

Of the time that one row takes, most goes into scikit-learn's ``ColumnTransformer`` taking tables
apart and together again. An encoder treats each value by itself, so what it makes of every value
can be looked up. Whether the copy says the same as the model is not assumed but tried, on the rows
the model was judged on.
"""

import copy
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from ..data.columns import Columns
from ..training.predictions import predict

__all__ = ["ArrayRows", "accelerated"]

logger = logging.getLogger(__name__)
UNKNOWN = "\N{REPLACEMENT CHARACTER} never seen"


@dataclass(frozen=True)
class ArrayRows:
    """Rows as an array for each column: all of a table that the short way needs."""

    columns: Mapping[str, np.ndarray]
    rows: int

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        return cls({str(name): column.to_numpy() for name, column in table.items()}, len(table))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __len__(self) -> int:
        return self.rows


def accelerated(model: Any, example: pd.DataFrame, columns: Columns) -> Any | None:
    """A faster copy of ``model`` that takes ``ArrayRows`` rows; None where it would not say the
    same of every row.

    ``example`` are rows the model was judged on; they are tried as they are, one by one, and with
    every text missing or never seen.
    """
    try:
        fast = copy.deepcopy(model)
        found = 0
        for holder, key, transformer in _transformers(fast):
            holder[key] = _Looked(transformer)
            found += 1
        if found and _same(model, fast, example[list(columns.features)], columns):
            return fast
        logger.info("the plain path is used: the short one does not say the same")
    except Exception as error:  # a model built in another way is answered the plain way
        logger.info("the plain path is used: %s", error)
    return None


def _same(model: Any, fast: Any, rows: pd.DataFrame, columns: Columns) -> bool:
    texts = list(columns.categorical)
    tried = [
        rows,
        rows.head(1),
        rows.head(20).assign(**dict.fromkeys(texts, None)).astype(rows.dtypes.to_dict()),
    ]
    tried.append(
        rows.head(20).assign(**dict.fromkeys(texts, UNKNOWN)).astype(rows.dtypes.to_dict())
    )
    return all(predict(model, each).same_as(predict(fast, ArrayRows.of(each))) for each in tried)


def _transformers(
    part: Any, seen: set[int] | None = None
) -> Iterator[tuple[Any, Any, ColumnTransformer]]:
    """Every fitted ColumnTransformer in the model, with the dict or list that holds it and
    where.
    """
    seen = set() if seen is None else seen
    if id(part) in seen:
        return
    seen.add(id(part))
    held = part.__dict__ if hasattr(part, "get_params") else part
    places = (
        held.items()
        if isinstance(held, dict)
        else enumerate(held)
        if isinstance(held, list)
        else ()
    )
    for key, inner in list(places):
        if (
            isinstance(inner, tuple) and len(inner) == 2
        ):  # a step of a Pipeline: its name, and what it does
            held[key] = inner = list(inner)
        if isinstance(inner, ColumnTransformer):
            if hasattr(
                inner, "transformers_"
            ):  # else it is the pattern that a fitted one was made of
                yield held, key, inner
        elif isinstance(inner, list) or hasattr(inner, "get_params"):
            yield from _transformers(inner, seen)


class _Looked:
    """A fitted ColumnTransformer as arrays of numbers and tables of what each text becomes."""

    def __init__(self, transformer: ColumnTransformer) -> None:
        self._parts: list[_Numbers | _Texts] = []
        for _, part, names in transformer.transformers_:
            if isinstance(part, str) and part == "drop":
                continue
            texts = hasattr(part, "categories_")
            self._parts.append(_Texts(part, list(names)) if texts else _Numbers(part, list(names)))

    def transform(self, rows: ArrayRows) -> np.ndarray:
        return np.hstack([part.transform(rows) for part in self._parts])


class _Numbers:
    def __init__(self, part: Any, names: list[str]) -> None:
        self._names = names
        passed = part == "passthrough" or type(part).__name__ == "FunctionTransformer"
        self._part = None if passed else _without_names(part)

    def transform(self, rows: ArrayRows) -> np.ndarray:
        values = np.column_stack([rows[name].astype(np.float64) for name in self._names])
        return values if self._part is None else np.asarray(self._part.transform(values))


class _Texts:
    """What the encoder makes of a first row, and by how much each value of each column differs from
    that.
    """

    def __init__(self, encoder: Any, names: list[str]) -> None:
        known = [
            [value for value in values if isinstance(value, str)] for values in encoder.categories_
        ]
        first = pd.DataFrame(
            {name: [values[0]] for name, values in zip(names, known, strict=True)}, dtype="str"
        )
        self._base = np.asarray(encoder.transform(first), dtype=np.float64)[0]
        self._columns = []
        for name, values in zip(names, known, strict=True):
            tried = pd.concat([first] * (len(values) + 2), ignore_index=True)
            tried[name] = pd.Series([*values, None, UNKNOWN], dtype="str")
            differs = np.asarray(encoder.transform(tried), dtype=np.float64) - self._base
            self._columns.append(
                (name, {value: place for place, value in enumerate(values)}, differs)
            )

    def transform(self, rows: ArrayRows) -> np.ndarray:
        found = np.tile(self._base, (len(rows), 1))
        for name, places, differs in self._columns:
            missing, unknown = len(places), len(places) + 1
            cells = rows[name]
            found += differs[
                [places.get(cell, unknown) if isinstance(cell, str) else missing for cell in cells]
            ]
        return found


def _without_names(part: Any) -> Any:
    """The fitted step for plain arrays: it must not ask for the names of columns."""
    steps = [step for _, step in part.steps] if hasattr(part, "steps") else []
    for each in (part, *steps):
        each.__dict__.pop("feature_names_in_", None)
    return part
