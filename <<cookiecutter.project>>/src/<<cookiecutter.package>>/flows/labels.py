"""Labels come in, and what is old goes out."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from .. import console
from ..clock import now, today
from ..columns import columns_of
from ..config import Scoring, Settings, Source, read_scoring
from ..errors import InvalidData, SourceMissing
from ..private import private_settings
from ..schemas import Labelled
from ..steps.answers import answers_of
from ..steps.fingerprint import fingerprint, row_identities
from ..steps.validate import validate
from ..stores.labels import Delivery, Labels
from ..stores.parts import Parts
from ..stores.prediction_log import Erased, PredictionLog, utc
from ..stores.quarantine import Quarantine
from ..stores.sources import read
from ..tables import Batch

__all__ = ["Counter", "counter", "expire", "take_labels"]


@dataclass(frozen=True)
class Counter:
    """Where labels are handed in."""

    settings: Settings
    scoring: Scoring


def counter() -> Counter:
    settings = private_settings()
    return Counter(settings, read_scoring(settings.scoring_file))


def take_labels(counter: Counter, file: str | None, day: date) -> Delivery | None:
    """What the delivery came to: that of ``file``, or of ``day`` at the configured source.

    None where nothing came on a day on which nothing has to come. A delivery is taken as a whole or
    not at all: too many bad rows and nothing is recorded, since a file of another kind is likelier
    than so many slips. The bad rows of any delivery are kept aside.
    """
    day_column, own = counter.scoring.labels.day_column, columns_of(Labelled)
    answers = answers_of(Labelled, day_column)
    columns = columns_of(answers)
    source = Source(path=file) if file else counter.scoring.labels.source.on(day)
    quarantine = Quarantine(counter.settings.var / "quarantine")
    batches: Iterable[Batch] = read(source, columns.read, root=counter.settings.root, environ=os.environ)
    if file is None and counter.scoring.labels.delivered == "irregularly" and not (batches := _if_any(batches)):
        console.line("labels", f"{source.described}: nothing was delivered")
        return None
    try:
        validated = validate(batches, answers, limit=counter.scoring.rejected_share_at_most)
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
    delivery = Labels(counter.settings.database_url).record(
        labels,
        digest=fingerprint(rows),
        source=source.described,
        at=moment,
        late_after=timedelta(days=counter.scoring.labels.late_after_days),
        rejected=len(validated.rejected.rows),
    )
    console.line("labels", _told(delivery, again=delivery.at != utc(moment)))
    return delivery


def _if_any(batches: Iterable[Batch]) -> Iterable[Batch]:
    """The batches; none where there is no file, or no row in it."""
    try:
        found = list(batches)
    except SourceMissing:
        return []
    return found if any(len(batch.rows) for batch in found) else []


def _told(delivery: Delivery, *, again: bool) -> str:
    counted = {
        "new": delivery.new,
        "corrected": delivery.corrected,
        "known before": delivery.repeated,
        "late": delivery.late,
        "of rows never scored": delivery.unmatched,
        "in quarantine": delivery.rejected,
    }
    said = ", ".join(f"{count:,} {what}" for what, count in counted.items() if count)
    before = f"recorded before, on {delivery.at:%Y-%m-%d %H:%M}; nothing changes. It was " if again else ""
    return f"{delivery.source}: {before}{delivery.rows:,} rows: {said}"


def expire(counter: Counter) -> Erased:
    """What was older than ``keep_days`` and is gone now: predictions, labels, Parquet files."""
    before = today() - timedelta(days=counter.scoring.keep_days)
    # Files first, the database last: what breaks off is found again by the next run.
    Parts(counter.settings.var / "predictions", columns_of(Labelled).key).expire(before)
    erased = PredictionLog(counter.settings.database_url).expire(before)
    console.line("expire", f"{erased.predictions:,} predictions and {erased.labels:,} labels from before {before}")
    return erased
