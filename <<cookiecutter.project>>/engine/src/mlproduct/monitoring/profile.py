"""The distribution of each column as counts in fixed bins, small enough to be stored permanently.

Counts can be added, so a window of any size is counted piece by piece. The deciles of the reference
are the edges of a number's bins. A category has a bin for each of its values, and one for all
others.
"""

from typing import Literal, Self

import numpy as np
import pandas as pd

from ..config.strict_yaml import Strict
from ..data.columns import Columns
from ..problems import Predictions

__all__ = ["PREDICTION", "ColumnProfile", "Profile", "profile_of", "with_prediction"]

# The column of the predictions: the score, or the decision if there is no score.
PREDICTION = "prediction"

DECILES = np.linspace(0.1, 0.9, 9)
VALUES_AT_MOST = 50  # of a category whose schema lists no values: the most frequent ones


class ColumnProfile(Strict):
    """The counts of one column.

    A number has ``edges``. Its counts are those of the values below the first edge, from each edge
    to the next, and from the last edge on. A category has ``values``. Its counts are those of the
    values, followed by the count of all others.
    """

    name: str
    kind: Literal["number", "category"]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    counts: tuple[int, ...]
    missing: int

    def counted(self, column: pd.Series) -> Self:
        """The same bins with the counts of ``column``."""
        filled = column[column.notna()]
        if self.kind == "number":
            bins = np.searchsorted(np.array(self.edges), filled.to_numpy(dtype=float), side="right")
        else:
            places = pd.Index(self.values).get_indexer(pd.Index(filled.astype("str")))
            bins = np.where(places < 0, len(self.values), places)
        counts = np.bincount(bins, minlength=len(self.counts)).tolist()
        return self.model_copy(
            update={"counts": tuple(counts), "missing": int(len(column) - len(filled))}
        )

    def __add__(self, other: "ColumnProfile") -> Self:
        counts = tuple(
            mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)
        )
        return self.model_copy(update={"counts": counts, "missing": self.missing + other.missing})


class Profile(Strict):
    """The number of rows of a table, and the counts of its columns."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    def counted(self, table: pd.DataFrame) -> Self:
        """The same bins with the counts of ``table``; a missing column has counts of zero."""
        nothing = pd.Series(dtype="float64")
        columns = tuple(column.counted(table.get(column.name, nothing)) for column in self.columns)
        return self.model_copy(update={"rows": len(table), "columns": columns})

    def __add__(self, other: "Profile") -> Self:
        columns = tuple(
            mine + theirs for mine, theirs in zip(self.columns, other.columns, strict=True)
        )
        return self.model_copy(update={"rows": self.rows + other.rows, "columns": columns})


def profile_of(table: pd.DataFrame, columns: Columns) -> Profile:
    """The profile of the features and the prediction in ``table``, with bins computed from it."""
    found = []
    for name in (*columns.features, PREDICTION):
        filled = table[name].dropna()
        if name in columns.categorical:
            frequent = filled.astype("str").value_counts().index[:VALUES_AT_MOST]
            values = tuple(map(str, columns.known_values.get(name, ()))) or tuple(
                sorted(map(str, frequent))
            )
            empty = ColumnProfile(
                name=name,
                kind="category",
                values=values,
                counts=(0,) * (len(values) + 1),
                missing=0,
            )
        else:
            # Equal deciles would make empty bins.
            edges = (
                np.unique(np.quantile(filled.to_numpy(dtype=float), DECILES))
                if len(filled)
                else np.zeros(0)
            )
            counts = (0,) * (len(edges) + 1)
            empty = ColumnProfile(
                name=name, kind="number", edges=tuple(edges.tolist()), counts=counts, missing=0
            )
        found.append(empty.counted(table[name]))
    return Profile(rows=len(table), columns=tuple(found))


def with_prediction(features: pd.DataFrame, predictions: Predictions) -> pd.DataFrame:
    """The features with the score (or the decision) in the column ``prediction``."""
    return features.assign(
        **{PREDICTION: predictions.decision if predictions.score is None else predictions.score}
    )
