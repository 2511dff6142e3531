"""What came true: labels as they were delivered, late, repeated and corrected ones told apart.

A label belongs to a prediction by its identity: key and time, or key and day where rows have no
time. The newest delivery counts; what it replaced is kept, so that a verdict of last month can be
explained.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..data.fingerprint import dated
from ..errors import InvalidData
from .database import Database
from .prediction_log import AT_ONCE, utc
from .sql_tables import BLOCKS, LABELS, PREDICTIONS

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
        query = sa.select(*(DELIVERIES.c[each.name] for each in fields(Delivery))).where(
            DELIVERIES.c.digest == digest
        )
        with self.database.connected() as connection:
            row = connection.execute(query).mappings().first()
        return Delivery(**row) if row else None

    def last(self) -> Delivery | None:
        """The delivery that came last; None where none has come."""
        query = sa.select(*(DELIVERIES.c[each.name] for each in fields(Delivery))).order_by(
            DELIVERIES.c.at.desc()
        )
        with self.database.connected() as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return Delivery(**row) if row else None

    def record(
        self,
        labels: pd.DataFrame,
        *,
        digest: str,
        source: str,
        at: datetime,
        late_after: timedelta,
        rejected: int = 0,
    ) -> Delivery:
        """Records a delivery as a whole, or not at all; the same ``digest`` a second time changes
        nothing.

        ``labels`` has identity (uint64, of key and time, or of the key alone), key, as_of (UTC
        without a zone, or missing), outcome and, where a delivery says it, day: that of the
        prediction. Without time and day a label is of the only day for which its key was predicted.

        Raises InvalidData where a key was predicted on several days, and where a delivery has
        different labels of one row.
        """
        arrived, rows = utc(at), len(labels)
        with self.database.alone() as connection:
            # Before the digest is looked up: the same rows again may be the labels of another day.
            labels = _once(_matched(connection, labels, source), source)
            known = (
                connection.execute(sa.select(DELIVERIES).where(DELIVERIES.c.digest == digest))
                .mappings()
                .first()
            )
            if known:
                return Delivery(**{each.name: known[each.name] for each in fields(Delivery)})
            counted = {"new": 0, "repeated": 0, "corrected": 0, "unmatched": 0}
            for start in range(0, len(labels), AT_ONCE):
                some = labels.iloc[start : start + AT_ONCE]
                for name, count in _write(connection, some, arrived, digest).items():
                    counted[name] += count
            counted["repeated"] += rows - len(labels)
            late = (arrived - labels["as_of"].fillna(labels["day"])) > late_after
            delivery = Delivery(
                source, arrived, rows + rejected, late=int(late.sum()), rejected=rejected, **counted
            )
            counts = {each.name: getattr(delivery, each.name) for each in fields(Delivery)}
            connection.execute(DELIVERIES.insert(), {"digest": digest, **counts})
        return delivery

    def since(self, moment: datetime | None) -> int:
        """How many rows have a label that came after ``moment``; all that have one for None."""
        query = sa.select(sa.func.count()).where(LABELS.c.superseded_at.is_(None))
        if moment is not None:
            query = query.where(LABELS.c.arrived_at > utc(moment))
        with self.database.connected() as connection:
            return int(connection.execute(query).scalar_one())


def _matched(connection: sa.Connection, labels: pd.DataFrame, source: str) -> pd.DataFrame:
    """The labels with the identity under which their prediction is logged and, where rows have no
    time, its day.
    """
    nothing = pd.Series(pd.NaT, index=labels.index, dtype="datetime64[us]")
    days = labels.get("day", nothing)
    unsaid = labels["as_of"].isna() & days.isna()
    if unsaid.any():
        predicted = _predicted(connection, labels["key"][unsaid].unique().tolist())
        _refuse_unclear(labels["key"][unsaid], predicted, source)
        only = {key: pd.Timestamp(found[0]) for key, found in predicted.items()}
        days = days.where(~unsaid, labels["key"].map(only).astype("datetime64[us]"))
    identities, known = labels["identity"].to_numpy(np.uint64), days.notna().to_numpy()
    found = np.where(known, dated(identities, days.to_numpy("datetime64[D]")), identities)
    return labels.assign(identity=found, day=days)


def _predicted(connection: sa.Connection, keys: list[str]) -> dict[str, list[date]]:
    """The days for which each of the keys was predicted without a time, the oldest first."""
    found: dict[str, list[date]] = {}
    query = (
        sa.select(PREDICTIONS.c.key, BLOCKS.c.day)
        .join(BLOCKS, BLOCKS.c.id == PREDICTIONS.c.block)
        .distinct()
    )
    for start in range(0, len(keys), AT_ONCE):
        mine = PREDICTIONS.c.as_of.is_(None) & PREDICTIONS.c.key.in_(keys[start : start + AT_ONCE])
        for key, day in connection.execute(query.where(mine).order_by(BLOCKS.c.day)):
            found.setdefault(key, []).append(day)
    return found


def _refuse_unclear(keys: pd.Series, predicted: dict[str, list[date]], source: str) -> None:
    unclear = keys[keys.map(lambda key: len(predicted.get(key, ())) > 1)]
    if len(unclear):
        key = unclear.iloc[0]
        raise InvalidData(
            f"{source}: {len(unclear):,} of {len(keys):,} labels are of keys that were predicted on"
            f" more than one day (as {key} on {' and '.join(map(str, predicted[key][:3]))}) –"
            " without a time column each has to say of which day it is – deliver the day of the"
            " prediction as a column and name that column as labels: day_column in"
            " config/scoring.yaml; nothing was recorded"
        )


def _once(labels: pd.DataFrame, source: str) -> pd.DataFrame:
    """The labels, one of each row."""
    repeated = labels["identity"].duplicated(keep=False)
    if not repeated.any():
        return labels
    for _, same in labels[repeated].groupby("identity"):
        if same["outcome"].nunique() > 1:
            values = " and ".join(f"{value:g}" for value in sorted(same["outcome"].unique()))
            raise InvalidData(
                f"{source}: {same['key'].iloc[0]} has the labels {values} – expected one label of"
                " each prediction – repair the delivery; nothing was recorded"
            )
    return labels.drop_duplicates("identity", ignore_index=True)


def _write(
    connection: sa.Connection, labels: pd.DataFrame, arrived: datetime, digest: str
) -> dict[str, int]:
    identities = labels["identity"].to_numpy(np.uint64).view(np.int64).tolist()
    current = LABELS.c.superseded_at.is_(None) & LABELS.c.identity.in_(identities)
    found = sa.select(LABELS.c.identity, LABELS.c.revision, LABELS.c.outcome).where(current)
    known = {
        identity: (revision, outcome) for identity, revision, outcome in connection.execute(found)
    }
    matched = (
        sa.select(PREDICTIONS.c.identity).where(PREDICTIONS.c.identity.in_(identities)).distinct()
    )
    predicted = set(connection.execute(matched).scalars())
    new: list[dict[str, Any]] = []
    corrected: list[int] = []
    times = [None if pd.isna(time) else time.to_pydatetime() for time in labels["as_of"]]
    days = [None if pd.isna(day) else day.date() for day in labels["day"]]
    cells = zip(identities, labels["key"], times, days, labels["outcome"], strict=True)
    for identity, key, as_of, day, outcome in cells:
        revision, before = known.get(identity, (0, None))
        if before == outcome:
            continue
        if before is not None:
            corrected.append(identity)
        label = {
            "identity": identity,
            "revision": revision + 1,
            "key": key,
            "as_of": as_of,
            "day": day,
        }
        came = {
            "outcome": float(outcome),
            "arrived_at": arrived,
            "superseded_at": None,
            "delivery": digest,
        }
        new.append(label | came)
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
