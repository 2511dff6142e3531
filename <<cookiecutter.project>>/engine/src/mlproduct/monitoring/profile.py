"""The distribution of each column as counts in fixed bins, small enough to be stored permanently.

Counts can be added, so a window of any size is counted piece by piece. The deciles of the reference
are the edges of a number's bins. A category has a bin for each of its values, and one for all
others. Of a date, the days before the row's time are counted; of a text, its length and the share
of its words that the reference does not have (``vocabulary.py``).
"""

from typing import Literal, Self

import numpy as np
import pandas as pd

from ..config.strict_yaml import Strict
from ..data.columns import Columns
from ..data.feature_kinds import Measure
from ..derived_numbers import characters, days_before
from ..problems import Predictions
from .vocabulary import unknown_words, vocabulary_of

__all__ = ["PREDICTION", "ColumnProfile", "Profile", "profile_of", "with_prediction"]

# The column of the predictions: the score, or the decision if there is no score.
PREDICTION = "prediction"

DECILES = np.linspace(0.1, 0.9, 9)
# Of the share of unknown words. Most rows of a reference have none, so that most deciles are 0.
SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
VALUES_AT_MOST = 50  # of a category whose schema lists no values: the most frequent ones


class ColumnProfile(Strict):
    """The counts of one column.

    A number has ``edges``. Its counts are those of the values below the first edge, from each edge
    to the next, and from the last edge on. A category has ``values``. Its counts are those of the
    values, followed by the count of all others.

    What is counted is the value of the table's column, or what ``measure`` derives from it.
    Profiles of releases before 0.4 have none of the last four fields.
    """

    name: str
    kind: Literal["number", "category"]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    missing: int = 0
    measure: Measure = "value"
    column: str | None = None
    """The column of the table, if it is not ``name``."""
    time: str | None = None
    """The column from which the days of a date are counted; None for 1970."""
    vocabulary: str | None = None

    def counted(self, table: pd.DataFrame) -> Self:
        """The same bins with the counts of ``table``."""
        column = self.measured(table)
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

    def measured(self, table: pd.DataFrame) -> pd.Series:
        """What is counted, per row; a column that the table does not have has no rows."""
        name = self.column or self.name
        if name not in table or (self.time is not None and self.time not in table):
            return pd.Series(dtype="float64")
        column = table[name]
        if self.measure == "days":
            return days_before(column, None if self.time is None else table[self.time])
        if self.measure == "characters":
            return characters(column)
        if self.measure == "unknown words":
            return unknown_words(column, self.vocabulary or "")
        return column

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
        columns = tuple(column.counted(table) for column in self.columns)
        return self.model_copy(update={"rows": len(table), "columns": columns})

    def __add__(self, other: "Profile") -> Self:
        columns = tuple(
            mine + theirs for mine, theirs in zip(self.columns, other.columns, strict=True)
        )
        return self.model_copy(update={"rows": self.rows + other.rows, "columns": columns})


def profile_of(table: pd.DataFrame, columns: Columns) -> Profile:
    """The profile of the features and the prediction in ``table``, with bins computed from it.

    ``table`` has the columns that the model receives, and ``prediction``.
    """
    found = [
        _profile(table, name, measure, columns)
        for name in columns.features
        for measure in columns.kind_of(name).measures
    ]
    found.append(_of_numbers(table, ColumnProfile(name=PREDICTION, kind="number")))
    return Profile(rows=len(table), columns=tuple(found))


def _profile(table: pd.DataFrame, name: str, measure: Measure, columns: Columns) -> ColumnProfile:
    if columns.kind_of(name).watched_as == "category":
        return _of_values(table, name, columns)
    if measure == "value":
        return _of_numbers(table, ColumnProfile(name=name, kind="number"))
    derived = ColumnProfile(name=f"{name} ({measure})", kind="number", measure=measure, column=name)
    if measure == "days":
        derived = derived.model_copy(update={"time": columns.time})
    if measure == "unknown words":
        # Every second row is counted with the words of the others: a word of a row would otherwise
        # be known because of this row, and all rows of a window would have more unknown words.
        known = vocabulary_of(table[name].iloc[::2])
        table, derived = table.iloc[1::2], derived.model_copy(update={"vocabulary": known})
    return _of_numbers(table, derived)


def _of_values(table: pd.DataFrame, name: str, columns: Columns) -> ColumnProfile:
    values = tuple(map(str, columns.known_values.get(name, ())))
    found = table[name].dropna().astype("str")
    if not values and found.nunique() > VALUES_AT_MOST:
        # The values are chosen in every second row and counted in the others. Values that are the
        # most frequent by chance are less frequent in all other rows, also in those of a window.
        found, table = table[name].iloc[::2].dropna().astype("str"), table.iloc[1::2]
    if not values:
        values = tuple(sorted(map(str, found.value_counts().index[:VALUES_AT_MOST])))
    counts = (0,) * (len(values) + 1)
    return ColumnProfile(name=name, kind="category", values=values, counts=counts).counted(table)


def _of_numbers(table: pd.DataFrame, empty: ColumnProfile) -> ColumnProfile:
    """The profile ``empty`` with the deciles of ``table`` as edges, and its counts."""
    filled = empty.measured(table).dropna().to_numpy(dtype=float)
    edges = np.array(SHARES if empty.measure == "unknown words" else ())
    if len(filled) and not len(edges):
        # Equal deciles would make empty bins.
        edges = np.unique(np.quantile(filled, DECILES))
    counts = (0,) * (len(edges) + 1)
    with_edges = empty.model_copy(update={"edges": tuple(edges.tolist()), "counts": counts})
    return with_edges.counted(table)


def with_prediction(features: pd.DataFrame, predictions: Predictions) -> pd.DataFrame:
    """The features with the score (or the decision) in the column ``prediction``."""
    return features.assign(
        **{PREDICTION: predictions.decision if predictions.score is None else predictions.score}
    )
