"""What came true: labels as they were delivered, late, repeated and corrected ones told apart.

A label belongs to a row by the row's identity (key and time). The newest delivery counts; what it
replaced is kept, so that a verdict of last month can be explained.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from .database import Database
from .log_tables import LABELS, PREDICTIONS
from .prediction_log import AT_ONCE, utc

__all__ = ["Delivery", "Labels"]

DELIVERIES = sa.Table(
    "deliveries",
    sa.MetaData(),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("source", sa.Text),
    sa.Column("at", sa.DateTime),
    *(
        sa.Column(name, sa.BigInteger)
        for name in ("rows", "new", "repeated", "corrected", "late", "unmatched", "rejected")
    ),
)


@dataclass(frozen=True)
class Delivery:
    """What one delivery of labels came to.

    ``rows`` were read; of those that were valid, ``new`` ones were not known before, ``repeated``
    ones were known so, ``corrected`` ones were known otherwise. ``late`` ones came after the time
    allowed, ``unmatched`` ones belong to no prediction in the log (and are kept for when it comes).
    """

    source: str
    at: datetime
    rows: int
    new: int
    repeated: int
    corrected: int
    late: int
    unmatched: int
    rejected: int


class Labels:
    """The labels in one database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def delivered(self, digest: str) -> Delivery | None:
        """What this very delivery came to when it was recorded; None where it was not."""
        query = sa.select(*(DELIVERIES.c[each.name] for each in fields(Delivery))).where(DELIVERIES.c.digest == digest)
        with self.database.connected() as connection:
            row = connection.execute(query).mappings().first()
        return Delivery(**row) if row else None

    def record(
        self, labels: pd.DataFrame, *, digest: str, source: str, at: datetime, late_after: timedelta, rejected: int = 0
    ) -> Delivery:
        """Records a delivery as a whole, or not at all; the same ``digest`` a second time changes nothing.

        ``labels`` has identity (uint64), key, as_of (UTC without a zone, or missing) and outcome.
        """
        arrived = utc(at)
        with self.database.alone() as connection:
            known = connection.execute(sa.select(DELIVERIES).where(DELIVERIES.c.digest == digest)).mappings().first()
            if known:
                return Delivery(**{each.name: known[each.name] for each in fields(Delivery)})
            counted = {"new": 0, "repeated": 0, "corrected": 0, "unmatched": 0}
            for start in range(0, len(labels), AT_ONCE):
                some = labels.iloc[start : start + AT_ONCE]
                for name, count in _write(connection, some, arrived, digest).items():
                    counted[name] += count
            late = (arrived - labels["as_of"]) > late_after
            delivery = Delivery(
                source, arrived, len(labels) + rejected, late=int(late.sum()), rejected=rejected, **counted
            )
            told = {each.name: getattr(delivery, each.name) for each in fields(Delivery)}
            connection.execute(DELIVERIES.insert(), {"digest": digest, **told})
        return delivery

    def since(self, moment: datetime | None) -> int:
        """How many rows have a label that came after ``moment``; all that have one for None."""
        query = sa.select(sa.func.count()).where(LABELS.c.superseded_at.is_(None))
        if moment is not None:
            query = query.where(LABELS.c.arrived_at > utc(moment))
        with self.database.connected() as connection:
            return int(connection.execute(query).scalar_one())


def _write(connection: sa.Connection, labels: pd.DataFrame, arrived: datetime, digest: str) -> dict[str, int]:
    identities = labels["identity"].to_numpy(np.uint64).view(np.int64).tolist()
    current = LABELS.c.superseded_at.is_(None) & LABELS.c.identity.in_(identities)
    found = sa.select(LABELS.c.identity, LABELS.c.revision, LABELS.c.outcome).where(current)
    known = {identity: (revision, outcome) for identity, revision, outcome in connection.execute(found)}
    matched = sa.select(PREDICTIONS.c.identity).where(PREDICTIONS.c.identity.in_(identities)).distinct()
    predicted = set(connection.execute(matched).scalars())
    new: list[dict[str, Any]] = []
    corrected: list[int] = []
    times = [None if pd.isna(time) else time.to_pydatetime() for time in labels["as_of"]]
    for identity, key, as_of, outcome in zip(identities, labels["key"], times, labels["outcome"], strict=True):
        revision, before = known.get(identity, (0, None))
        if before == outcome:
            continue
        if before is not None:
            corrected.append(identity)
        said = {"identity": identity, "revision": revision + 1, "key": key, "as_of": as_of, "outcome": float(outcome)}
        new.append(said | {"arrived_at": arrived, "superseded_at": None, "delivery": digest})
    if corrected:
        was = LABELS.c.superseded_at.is_(None) & LABELS.c.identity.in_(corrected)
        connection.execute(LABELS.update().where(was).values(superseded_at=arrived))
    if new:
        connection.execute(LABELS.insert(), new)
    return {
        "new": len(new) - len(corrected),
        "corrected": len(corrected),
        "repeated": len(labels) - len(new),
        "unmatched": len(labels) - len(predicted),
    }
