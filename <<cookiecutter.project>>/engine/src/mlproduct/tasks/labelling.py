"""Labels come in, and what is old goes out."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from .. import console
from ..clock import now, today
from ..config.settings import Scoring, Settings, Source, read_scoring
from ..data.columns import columns_of
from ..data.fingerprint import fingerprint, row_identities
from ..data.label_schema import answers_of
from ..data.quarantine import Quarantine
from ..data.sources import read
from ..data.validation import validate
from ..errors import InvalidData, SourceMissing
from ..log.label_log import Delivery, Labels
from ..log.partition_files import PartitionFiles
from ..log.prediction_log import Erased, PredictionLog, utc
from ..permissions import private_settings
from ..product import Product
from ..tables import Batch

__all__ = ["LabelContext", "expire", "label_context", "record_labels"]


@dataclass(frozen=True)
class LabelContext:
    """What the intake of labels, and their expiry, work with."""

    product: Product
    settings: Settings
    scoring: Scoring


def label_context(product: Product) -> LabelContext:
    """What the intake of labels, and their expiry, work with, by the files as they are now."""
    settings = private_settings()
    return LabelContext(product, settings, read_scoring(settings.scoring_file))


def record_labels(
    context: LabelContext, day: date | None = None, file: str | None = None
) -> Delivery | None:
    """What the delivery came to: that of ``file``, or of ``day`` (today) at the configured source.

    None where nothing came on a day on which nothing has to come. A delivery is taken as a whole or
    not at all: too many bad rows and nothing is recorded, since a file of another kind is likelier
    than so many slips. The bad rows of any delivery are quarantined.
    """
    day = day or today()
    day_column, own = context.scoring.labels.day_column, context.product.columns
    answers = answers_of(context.product.labelled, day_column)
    columns = columns_of(answers)
    source = Source(path=file) if file else context.scoring.labels.source.on(day)
    quarantine = Quarantine(context.settings.var / "quarantine")
    batches: Iterable[Batch] = read(
        source, columns.read, root=context.settings.root, environ=os.environ
    )
    if (
        file is None
        and context.scoring.labels.delivered == "irregularly"
        and not (batches := _if_any(batches))
    ):
        console.line("labels", f"{source.described}: nothing was delivered")
        return None
    try:
        validated = validate(batches, answers, limit=context.scoring.rejected_share_at_most)
    except InvalidData as error:
        if error.rejected is not None:
            quarantine.keep(f"labels-{day}", error.rejected)
        raise
    quarantine.keep(f"labels-{day}", validated.rejected)
    rows = validated.rows
    missing = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    labels = pd.DataFrame(
        {
            "identity": row_identities(rows, own),
            "key": rows[own.key].astype("str"),
            "as_of": rows[own.time] if own.time else missing,
            "day": rows[day_column].dt.floor("D") if day_column else missing,
            "outcome": rows[own.target].astype("float64"),
        }
    )
    moment = now()
    delivery = Labels(context.settings.database_url).record(
        labels,
        digest=fingerprint(rows),
        source=source.described,
        at=moment,
        late_after=timedelta(days=context.scoring.labels.late_after_days),
        rejected=len(validated.rejected.rows),
    )
    console.line("labels", _summary(delivery, again=delivery.at != utc(moment)))
    return delivery


def _if_any(batches: Iterable[Batch]) -> Iterable[Batch]:
    """The batches; none where there is no file, or no row in it."""
    try:
        found = list(batches)
    except SourceMissing:
        return []
    return found if any(len(batch.rows) for batch in found) else []


def _summary(delivery: Delivery, *, again: bool) -> str:
    counted = {
        "new": delivery.new,
        "corrected": delivery.corrected,
        "known before": delivery.repeated,
        "late": delivery.late,
        "of rows never scored": delivery.unmatched,
        "in quarantine": delivery.rejected,
    }
    counts_text = ", ".join(f"{count:,} {what}" for what, count in counted.items() if count)
    before = (
        f"recorded before, on {delivery.at:%Y-%m-%d %H:%M}; nothing changes. It was "
        if again
        else ""
    )
    return f"{delivery.source}: {before}{delivery.rows:,} rows: {counts_text}"


def expire(context: LabelContext) -> Erased:
    """What was older than ``keep_days`` and is gone now: predictions, labels, Parquet files."""
    before = today() - timedelta(days=context.scoring.keep_days)
    # Files first, the database last: what breaks off is found again by the next run.
    PartitionFiles(context.settings.var / "predictions", context.product.columns.key).expire(before)
    erased = PredictionLog(context.settings.database_url).expire(before)
    console.line(
        "expire",
        f"{erased.predictions:,} predictions and {erased.labels:,} labels from before {before}",
    )
    return erased
