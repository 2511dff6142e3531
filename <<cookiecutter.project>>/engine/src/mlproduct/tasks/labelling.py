"""Records deliveries of labels and deletes expired data."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameModel

from .. import console
from ..clock import now, today
from ..config.settings import Scoring, Settings, read_scoring
from ..data.broken_rules import unlisted
from ..data.columns import columns_of
from ..data.fingerprint import fingerprint, row_identities
from ..data.label_schema import answers_of
from ..data.quarantine import Quarantine, Replayed
from ..data.sources import read
from ..data.validation import validate
from ..errors import InvalidData, SourceMissing
from ..log.label_log import Delivery, Labels
from ..log.partition_files import PartitionFiles
from ..log.prediction_log import Erased, PredictionLog, utc
from ..permissions import private_settings
from ..product import Product
from ..tables import Batch, Validated

__all__ = ["LabelContext", "expire", "label_context", "record_labels", "replay_labels"]


@dataclass(frozen=True)
class LabelContext:
    """The product and the settings for recording labels and for the expiry."""

    product: Product
    settings: Settings
    scoring: Scoring


def label_context(product: Product) -> LabelContext:
    """The context for recording labels and for the expiry, with the current settings files."""
    settings = private_settings()
    return LabelContext(product, settings, read_scoring(settings.scoring_file))


def record_labels(
    context: LabelContext, day: date | None = None, file: str | None = None
) -> Delivery | None:
    """The counts of the recorded delivery: that of ``file``, or that of ``day`` (default today)
    from the configured source.

    None if there is no delivery and deliveries are irregular. A delivery is recorded as a whole or
    not at all. With too many invalid rows nothing is recorded, because it is probably the wrong
    file. The invalid rows of any delivery are quarantined.

    Raises InvalidData for too many invalid rows.
    """
    day = day or today()
    day_column = context.scoring.labels.day_column
    answers = answers_of(context.product.labelled, day_column)
    columns = columns_of(answers)
    configured = context.scoring.labels.source
    source = configured.at(file) if file else configured.on(day)
    quarantine = Quarantine(context.settings.var / "quarantine")
    batches: Iterable[Batch] = read(
        source, columns.read, root=context.settings.root, environ=os.environ
    )
    # A file that a person names has to exist, also if deliveries are irregular.
    if (
        file is None
        and context.scoring.labels.delivered == "irregularly"
        and not (batches := _if_any(batches))
    ):
        console.line("labels", f"{source.described}: nothing was delivered")
        return None
    try:
        validated = _validated(context, batches, answers)
    except InvalidData as error:
        if error.rejected is not None:
            quarantine.keep(f"labels-{day}", error.rejected)
        raise
    quarantine.keep(f"labels-{day}", validated.rejected)
    rejected = validated.rejected
    own = context.product.columns
    new = unlisted(rejected.failures, str(own.target)) if own.of_target.adopts_classes else None
    return _record(
        context, validated, source.described, day_column, rejected=len(rejected.rows), unseen=new
    )


def replay_labels(context: LabelContext, run: str, repaired: Path | None = None) -> Replayed:
    """Records the quarantined rows of a label delivery that are valid now.

    For example after the class of these labels was added to the schema. ``repaired`` is the
    exported file with repaired rows.
    """
    day_column = context.scoring.labels.day_column
    answers = answers_of(context.product.labelled, day_column)

    def check(batches: Iterator[Batch]) -> Validated:
        validated = validate(batches, answers, limit=1.0)
        if len(validated.rows):
            # Recorded before the quarantine forgets them: after a kill in between, they are
            # replayed again and recorded once.
            _record(context, validated, f"quarantine of {run}", day_column)
        return validated

    reading = context.scoring.labels.source.reading
    return Quarantine(context.settings.var / "quarantine").replay(run, repaired, check, reading)


def _validated(
    context: LabelContext, batches: Iterable[Batch], answers: type[DataFrameModel]
) -> Validated:
    own = context.product.columns
    return validate(
        batches,
        answers,
        limit=context.scoring.rejected_share_at_most,
        open_column=own.target if own.of_target.adopts_classes else None,
    )


def _record(
    context: LabelContext,
    validated: Validated,
    source: str,
    day_column: str | None,
    *,
    rejected: int = 0,
    unseen: dict[str, int] | None = None,
) -> Delivery:
    own, rows = context.product.columns, validated.rows
    missing = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    labels = pd.DataFrame(
        {
            "identity": row_identities(rows, own),
            "key": rows[own.key].astype("str"),  # the log stores every key as text
            "as_of": rows[own.time] if own.time else missing,
            "day": rows[day_column].dt.floor("D") if day_column else missing,
            "outcome": rows[own.target].astype("str" if own.of_target.holds_text else "float64"),
        }
    )
    moment = now()
    delivery = Labels(context.settings.database_url).record(
        labels,
        digest=fingerprint(rows),
        source=source,
        at=moment,
        late_after=timedelta(days=context.scoring.labels.late_after_days),
        rejected=rejected,
        unseen=unseen,
    )
    # Rows that were recorded before give the earlier delivery, with the time of that one.
    console.line("labels", _summary(delivery, again=delivery.at != utc(moment)))
    return delivery


def _if_any(batches: Iterable[Batch]) -> Iterable[Batch]:
    """The batches; none if there is no file or the file has no rows."""
    try:
        found = list(batches)  # a missing file is found only when the first batch is read
    except SourceMissing:
        return []
    return found if any(len(batch.rows) for batch in found) else []


def _summary(delivery: Delivery, *, again: bool) -> str:
    before = (
        f"already recorded on {delivery.at:%Y-%m-%d %H:%M}; nothing changes. It had "
        if again
        else ""
    )
    sentences = [f"{delivery.source}: {before}{delivery.rows:,} rows: {delivery.counts}."]
    # A late or unmatched label is in one of the counts as well, so each has a separate sentence.
    if delivery.late:
        sentences.append(f"{delivery.late:,} of the labels arrived late.")
    if delivery.unmatched:
        verb = "matches" if delivery.unmatched == 1 else "match"
        sentences.append(f"{delivery.unmatched:,} of the labels {verb} no prediction yet.")
    if delivery.unseen:
        counted = ", ".join(f"{name} ({rows:,})" for name, rows in delivery.unseen.items())
        sentences.append(
            f"{sum(delivery.unseen.values()):,} of the quarantined labels are of classes that"
            f" schemas.py does not list: {counted}. To adopt a class, add it there, replay the"
            " quarantine and train."
        )
    return " ".join(sentences)


def expire(context: LabelContext) -> Erased:
    """The counts of the deleted predictions and labels older than ``keep_days``; their Parquet
    files are deleted as well.
    """
    before = today() - timedelta(days=context.scoring.keep_days)
    # Files first and the database last, so that the next run finds what an interrupted run left.
    PartitionFiles(context.settings.var / "predictions", context.product.columns.key).expire(before)
    erased = PredictionLog(context.settings.database_url).expire(before)
    console.line(
        "expire",
        f"{erased.predictions:,} predictions and {erased.labels:,} labels from before {before}",
    )
    return erased
