"""What was predicted, with the features it was predicted from and, where it has come, the label.

Features of a batch stand in its Parquet files, those of the service in the log itself. Both are found
again by the row's identity, which is computed from key and time, or from key and day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ..columns import Columns, columns_of
from ..config import Settings
from ..identities import dated
from ..schemas import Features, Labelled
from ..steps.fingerprint import row_identities
from ..steps.profile import PREDICTION
from ..stores.parts import Parts
from ..stores.prediction_log import PredictionLog
from ..tables import Batch

__all__ = ["Logbook", "labelled", "labelled_batches", "logbook", "pieces"]

PREFIX = "prediction_"


@dataclass(frozen=True)
class Logbook:
    """The prediction log with its Parquet files."""

    log: PredictionLog
    parts: Parts
    columns: Columns


def logbook(settings: Settings) -> Logbook:
    columns = columns_of(Features)
    return Logbook(PredictionLog(settings.database_url), Parts(settings.var / "predictions", columns.key), columns)


def pieces(book: Logbook, start: date, end: date, version: str) -> Iterator[pd.DataFrame]:
    """The rows on which somebody acted in those days, a file at a time: what was read of them.

    Those that ``version`` predicted have a further column, ``prediction``.
    """
    for file in book.log.files(start, end):
        rows = book.parts.read([file])
        said = rows[PREFIX + ("score" if f"{PREFIX}score" in rows else "decision")]
        yield _with(rows[list(book.columns.read)], said, (rows["model_version"] == version).all())
    for served in book.log.read(start, end, ["service"]):
        for by, rows in served.groupby("version"):
            said = rows["score"] if rows["score"].notna().all() else rows["decision"]
            yield _with(_features_of(rows, book.columns), said, by == version)


def _with(rows: pd.DataFrame, said: pd.Series, by_version: bool) -> pd.DataFrame:
    return rows.assign(**{PREDICTION: said.to_numpy()}) if by_version else rows


def labelled(
    book: Logbook, days: Iterable[date], version: str | None = None, at_most: int | None = None
) -> pd.DataFrame:
    """The rows of those days that have a label, with what was read of them; of ``version`` alone if it is given.

    Further columns: identity, decision, score, low, high and outcome. Of more rows than ``at_most`` those with the
    smallest identities are kept, which has nothing to do with what is in them.
    """
    rows = pd.DataFrame()
    for day in days:
        for more in book.log.read(day, day, version=version, labelled=True):
            rows = pd.concat([rows, more], ignore_index=True).drop_duplicates(["day", "identity"])
            rows = rows if at_most is None else rows.nsmallest(at_most, "identity")
    if rows.empty:
        return rows
    served, said = rows[rows["file"].isna()], ["identity", "decision", "score", "low", "high", "outcome"]
    found = []
    if len(served):
        found.append(pd.concat([_features_of(served, book.columns), served[said].reset_index(drop=True)], axis=1))
    for file, scored in rows.groupby("file"):
        features = book.parts.read([str(file)])[list(book.columns.read)]
        identities, day = row_identities(features, book.columns), scored["day"].iloc[0]  # a file is of one day
        features["identity"] = identities if book.columns.time else dated(identities, np.datetime64(day))
        found.append(features.merge(scored[said], on="identity"))
    return pd.concat(found, ignore_index=True)


def labelled_batches(book: Logbook) -> Iterator[Batch]:
    """The labelled rows as training reads them, a day at a time; the source wins where it has the same row."""
    target = columns_of(Labelled).target
    for covered in book.log.coverage(date.min, date.max):
        if covered.labelled:
            rows = labelled(book, [covered.day])
            table = rows[list(book.columns.read)].assign(**{str(target): rows["outcome"]})
            yield Batch(table, f"predictions of {covered.day}", 0, repaired=True)


def _features_of(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The logged features as a table; key and time stand in columns of their own."""
    table = pd.DataFrame(rows["features"].tolist())
    table[columns.key] = rows["key"].to_numpy()
    if columns.time:
        table[columns.time] = rows["as_of"].to_numpy()
    return table.reindex(columns=list(columns.read))
