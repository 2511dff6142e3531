"""A faster copy of a model that uses look-up tables, if its predictions are exactly the same.

Most of the time for a single row is spent in scikit-learn's ``ColumnTransformer``, which splits and
combines tables. An encoder encodes each value separately, so the codes of all values can be looked
up. Dates and free texts go through the model's own steps. Whether both models give the same
predictions is tested on holdout rows.
"""

import copy
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import hstack, issparse
from sklearn.compose import ColumnTransformer

from ..data.columns import Columns

__all__ = ["ArrayRows", "accelerated"]

logger = logging.getLogger(__name__)
# A text that is not a category of any column.
UNKNOWN = "\N{REPLACEMENT CHARACTER} never seen"


@dataclass(frozen=True)
class ArrayRows:
    """Rows as one array per column, the input of a faster copy."""

    columns: Mapping[str, np.ndarray]
    rows: int

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        """The rows of a table."""
        return cls({str(name): column.to_numpy() for name, column in table.items()}, len(table))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __len__(self) -> int:
        return self.rows


def accelerated(model: Any, example: pd.DataFrame, columns: Columns) -> Any | None:
    """A faster copy of ``model`` that takes ``ArrayRows``; None if its predictions would differ.

    ``example`` are holdout rows. Both models are compared on all of them, on a single one, and on
    rows in which every text and date is missing, or every text unknown.
    """
    try:
        fast = copy.deepcopy(model)  # the model itself serves if the copy cannot be used
        found = 0
        for holder, key, transformer in _transformers(fast):
            holder[key] = _Looked(transformer, columns)
            found += 1
        if found and _same(model, fast, example[list(columns.inputs)], columns):
            return fast
        logger.info("the model is not accelerated: the predictions of the faster copy differ")
    except Exception as error:  # a model with another structure is used without acceleration
        logger.info("the model is not accelerated: %s", error)
    return None


def _same(model: Any, fast: Any, rows: pd.DataFrame, columns: Columns) -> bool:
    texts = [*columns.categorical, *columns.texts]
    missing = dict.fromkeys([*texts, *columns.dates], None)
    # Assigning one value changes the type of a column, so ``astype`` restores the types.
    tried = [
        rows,
        rows.head(1),
        rows.head(20).assign(**missing).astype(rows.dtypes.to_dict()),
    ]
    tried.append(
        rows.head(20).assign(**dict.fromkeys(texts, UNKNOWN)).astype(rows.dtypes.to_dict())
    )
    predict = columns.of_target.predict
    return all(predict(model, each).same_as(predict(fast, ArrayRows.of(each))) for each in tried)


def _transformers(
    part: Any, seen: set[int] | None = None
) -> Iterator[tuple[Any, Any, ColumnTransformer]]:
    """Every fitted ColumnTransformer in the model as (container, key, transformer); the container
    is the dict or list that contains it.
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
        if isinstance(inner, tuple) and len(inner) == 2:
            # A step of a Pipeline is a tuple (name, estimator). As a list, it can be changed.
            held[key] = inner = list(inner)
        if isinstance(inner, ColumnTransformer):
            # One that is not fitted is only the parameter from which a fitted one was cloned.
            if hasattr(inner, "transformers_"):
                yield held, key, inner
        elif isinstance(inner, list) or hasattr(inner, "get_params"):
            yield from _transformers(inner, seen)


class _Looked:
    """A fitted ColumnTransformer that uses arrays for numbers and look-up tables for texts."""

    def __init__(self, transformer: ColumnTransformer, columns: Columns) -> None:
        self._parts: list[_Numbers | _Texts | _Whole] = []
        self._sparse = transformer.sparse_output_
        apart = {*columns.dates, *columns.texts, columns.time}
        for _, part, names in transformer.transformers_:
            # A part without columns is never fitted.
            if (isinstance(part, str) and part == "drop") or not len(names):
                continue
            if isinstance(names, str):  # one column, which a vectorizer takes as a list of texts
                self._parts.append(_Whole(part, names))
            elif hasattr(part, "categories_"):
                self._parts.append(_Texts(part, list(names)))
            elif apart.isdisjoint(names):
                self._parts.append(_Numbers(part, list(names)))
            else:
                self._parts.append(_Whole(part, list(names)))

    def transform(self, rows: ArrayRows) -> Any:
        found = [part.transform(rows) for part in self._parts]
        return hstack(found, format="csr") if self._sparse else np.hstack(list(map(_dense, found)))


def _dense(part: Any) -> np.ndarray:
    return part.toarray() if issparse(part) else np.asarray(part)


class _Whole:
    """A part that is used as it is, on a table of its columns."""

    def __init__(self, part: Any, names: str | list[str]) -> None:
        self._part, self._names = part, names

    def transform(self, rows: ArrayRows) -> Any:
        if isinstance(self._names, str):
            return self._part.transform(rows[self._names])
        return self._part.transform(pd.DataFrame({name: rows[name] for name in self._names}))


class _Numbers:
    def __init__(self, part: Any, names: list[str]) -> None:
        self._names = names
        # A FunctionTransformer is treated as passthrough. If it changes values, the comparison of
        # the predictions finds it and the copy is not used.
        passed = part == "passthrough" or type(part).__name__ == "FunctionTransformer"
        self._part = None if passed else _without_names(part)

    def transform(self, rows: ArrayRows) -> np.ndarray:
        values = np.column_stack([rows[name].astype(np.float64) for name in self._names])
        return values if self._part is None else np.asarray(self._part.transform(values))


class _Texts:
    """An encoder as look-up tables: the code of a base row, and for each value of each column the
    difference from it.
    """

    def __init__(self, encoder: Any, names: list[str]) -> None:
        # Without NaN, which is a category if a training row had a missing value: see None below.
        known = [
            [value for value in values if isinstance(value, str)] for values in encoder.categories_
        ]
        # In a column of objects, None would be an unknown category and not a missing value.
        first = pd.DataFrame(
            {name: [values[0]] for name, values in zip(names, known, strict=True)}, dtype="str"
        )
        self._base = np.asarray(encoder.transform(first), dtype=np.float64)[0]
        self._columns = []
        for name, values in zip(names, known, strict=True):
            # All values in one call of the encoder, then a missing and an unknown one.
            tried = pd.concat([first] * (len(values) + 2), ignore_index=True)
            tried[name] = pd.Series([*values, None, UNKNOWN], dtype="str")
            differs = np.asarray(encoder.transform(tried), dtype=np.float64) - self._base
            self._columns.append(
                (name, {value: place for place, value in enumerate(values)}, differs)
            )

    def transform(self, rows: ArrayRows) -> np.ndarray:
        # An encoder encodes each column separately, so the differences of the columns can be added.
        found = np.tile(self._base, (len(rows), 1))
        for name, places, differs in self._columns:
            missing, unknown = len(places), len(places) + 1
            cells = rows[name]
            found += differs[
                [places.get(cell, unknown) if isinstance(cell, str) else missing for cell in cells]
            ]
        return found


def _without_names(part: Any) -> Any:
    """The fitted step for plain arrays, without the names for which it would check its input."""
    steps = [step for _, step in part.steps] if hasattr(part, "steps") else []
    for each in (part, *steps):
        each.__dict__.pop("feature_names_in_", None)
    return part
