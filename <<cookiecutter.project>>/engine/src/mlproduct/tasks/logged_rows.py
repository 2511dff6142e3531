"""The logged predictions with their features and, if it has been delivered, their label.

The features of a batch are in its Parquet files, those of the service in the log itself. The
identity of a row connects them with the label. It is computed from key and time, or key and day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ..config.settings import Settings
from ..data.columns import Columns
from ..data.fingerprint import dated, row_identities
from ..derived_numbers import moments
from ..log.partition_files import PartitionFiles
from ..log.prediction_log import PredictionLog
from ..monitoring.profile import PREDICTION
from ..product import Product
from ..tables import Batch

__all__ = ["PREFIX", "Logbook", "chunks", "labelled", "labelled_batches", "logbook"]

# The prefix of the columns that scoring adds to the features in a Parquet file.
PREFIX = "prediction_"


@dataclass(frozen=True)
class Logbook:
    """The prediction log with its Parquet files."""

    product: Product
    log: PredictionLog
    parts: PartitionFiles
    columns: Columns


def logbook(product: Product, settings: Settings) -> Logbook:
    """The prediction log of the product, with its Parquet files."""
    columns = product.feature_columns
    files = PartitionFiles(settings.var / "predictions", columns.key)
    return Logbook(product, PredictionLog(settings.database_url), files, columns)


def chunks(book: Logbook, start: date, end: date, version: str) -> Iterator[pd.DataFrame]:
    """The columns that were read of the rows of those days, one file at a time, without the rows of
    the shadow.

    Rows that ``version`` predicted have the additional column ``prediction``.
    """
    for file in book.log.files(start, end):
        rows = book.parts.read([file])
        predicted = rows[PREFIX + ("score" if f"{PREFIX}score" in rows else "decision")]
        yield _with(
            rows[list(book.columns.read)], predicted, (rows["model_version"] == version).all()
        )
    for served in book.log.read(start, end, ["service"]):
        for by, rows in served.groupby("version"):
            # A regression has no score.
            predicted = rows["score"] if rows["score"].notna().all() else rows["decision"]
            yield _with(_features_of(rows, book.columns), predicted, by == version)


def _with(rows: pd.DataFrame, predicted: pd.Series, by_version: bool) -> pd.DataFrame:
    return rows.assign(**{PREDICTION: predicted.to_numpy()}) if by_version else rows


def labelled(
    book: Logbook, days: Iterable[date], version: str | None = None, at_most: int | None = None
) -> pd.DataFrame:
    """The labelled rows of those days with the columns that were read of them; only those of
    ``version`` if it is given.

    Additional columns: identity, decision, score, low, high, probabilities and outcome. If there
    are more rows than ``at_most``, those with the smallest identities are returned. The identity is
    a hash, so this choice does not depend on the content of the rows.
    """
    rows = pd.DataFrame()
    for day in days:
        for more in book.log.read(day, day, version=version, labelled=True):
            # The batch and the service may both have scored a row of the day.
            rows = pd.concat([rows, more], ignore_index=True).drop_duplicates(["day", "identity"])
            # Cut after each piece, so that memory does not grow with the number of days.
            rows = rows if at_most is None else rows.nsmallest(at_most, "identity")
    if rows.empty:
        return rows
    served = rows[rows["file"].isna()]
    logged = ["identity", "decision", "score", "low", "high", "probabilities", "outcome"]
    found = []
    if len(served):
        found.append(
            pd.concat(
                [_features_of(served, book.columns), served[logged].reset_index(drop=True)], axis=1
            )
        )
    for file, scored in rows.groupby("file"):
        features = book.parts.read([str(file)])[list(book.columns.read)]
        identities = row_identities(features, book.columns)
        day = scored["day"].iloc[0]  # all rows of a file belong to one day
        features["identity"] = (
            identities if book.columns.time else dated(identities, np.datetime64(day))
        )
        found.append(features.merge(scored[logged], on="identity"))
    return pd.concat(found, ignore_index=True)


def labelled_batches(book: Logbook) -> Iterator[Batch]:
    """The labelled rows as batches for a training, one day at a time. If the source has the same
    row, training uses the row of the source.
    """
    target = book.product.columns.target
    for covered in book.log.coverage(date.min, date.max):
        if covered.labelled:
            rows = labelled(book, [covered.day])
            table = rows[list(book.columns.read)].assign(**{str(target): rows["outcome"]})
            yield Batch(table, f"predictions of {covered.day}", 0, repaired=True)


def _features_of(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The logged features as a table. Key and time are separate columns of the log."""
    table = pd.DataFrame(rows["features"].tolist())
    table[columns.key] = rows["key"].to_numpy()
    if columns.time:
        table[columns.time] = rows["as_of"].to_numpy()
    table = table.reindex(columns=list(columns.read))
    # JSON has no dates: the log has them as texts.
    return table.assign(**{name: moments(table[name]) for name in columns.dates})
