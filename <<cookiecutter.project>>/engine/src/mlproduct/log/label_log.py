"""The labels as delivered. Late, repeated and corrected ones are counted separately.

A label is matched to its prediction by identity: key and time, or key and day for rows without a
time. The newest delivery is used. The labels it replaced are kept, so that an earlier verdict can
be explained.
"""

from collections import Counter
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
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
    sa.Column("unseen", sa.JSON(none_as_null=True)),
)


@dataclass(frozen=True)
class Delivery:
    """The counts of one delivery of labels.

    ``rows`` were read, ``rejected`` ones were not valid. Of the valid ones, ``new`` ones were not
    known before, ``repeated`` ones were known with the same value, and ``corrected`` ones with
    another value. ``late`` ones arrived after the allowed time. ``unmatched`` ones belong to no
    prediction in the log; they are kept in case it is recorded later. ``unseen`` are the classes
    that the schema does not list, with their rows; these are among the rejected ones.
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
    unseen: dict[str, int] | None = None

    @property
    def counts(self) -> str:
        """The rows by their result, such as ``1,996 new, 2 quarantined``: each row counts once."""
        counted = {
            "new": self.new,
            "corrected": self.corrected,
            "unchanged": self.repeated,
            "quarantined": self.rejected,
        }
        return ", ".join(f"{count:,} {what}" for what, count in counted.items() if count) or "none"


class Labels:
    """The labels in one database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def delivered(self, digest: str) -> Delivery | None:
        """The recorded delivery with this digest, None if there is none."""
        query = sa.select(*(DELIVERIES.c[each.name] for each in fields(Delivery))).where(
            DELIVERIES.c.digest == digest
        )
        with self.database.connected() as connection:
            row = connection.execute(query).mappings().first()
        return Delivery(**row) if row else None

    def last(self) -> Delivery | None:
        """The latest delivery, None if there is none."""
        query = sa.select(*(DELIVERIES.c[each.name] for each in fields(Delivery))).order_by(
            DELIVERIES.c.at.desc()
        )
        with self.database.connected() as connection:
            row = connection.execute(query.limit(1)).mappings().first()
        return Delivery(**row) if row else None

    def unseen(self, start: date, end: date) -> tuple[dict[str, int], int]:
        """The classes that the schema did not list, with the labels of each, and all labels, in the
        deliveries from ``start`` to ``end``, both included.
        """
        first = datetime.combine(start, time.min)
        arrived = DELIVERIES.c.at.between(first, datetime.combine(end, time.max))
        query = sa.select(DELIVERIES.c.rows, DELIVERIES.c.unseen).where(arrived)
        found: Counter[str] = Counter()
        total = 0
        with self.database.connected() as connection:
            for rows, classes in connection.execute(query):
                total += rows
                found.update(classes or {})
        return dict(found.most_common()), total

    def record(
        self,
        labels: pd.DataFrame,
        *,
        digest: str,
        source: str,
        at: datetime,
        late_after: timedelta,
        rejected: int = 0,
        unseen: dict[str, int] | None = None,
    ) -> Delivery:
        """The counts of the delivery, recorded completely or not at all.

        A ``digest`` that is already recorded changes nothing; its first counts are returned.

        ``labels`` has the columns identity (uint64, of key and time, or of the key alone), key,
        as_of (UTC without a zone, or missing), outcome (numbers or texts) and, if the delivery
        contains it, day (of the prediction). A label without time and day belongs to the only day
        on which its key was predicted.

        Raises InvalidData if the key of such a label was predicted on several days, and if a
        delivery has different labels for one row.
        """
        arrived, rows = utc(at), len(labels)
        # Under a lock, so that a delivery that two processes record at once is counted once.
        with self.database.alone() as connection:
            # Before the digest is looked up: the same rows can later be the labels of another day,
            # and then have to be refused.
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
            # Rows that _once dropped: the counts have to add up to the rows of the delivery.
            counted["repeated"] += rows - len(labels)
            # A label without time and day is not late: a comparison with a missing time is false.
            late = (arrived - labels["as_of"].fillna(labels["day"])) > late_after
            delivery = Delivery(
                source,
                arrived,
                rows + rejected,
                late=int(late.sum()),
                rejected=rejected,
                unseen=unseen or None,
                **counted,
            )
            counts = {each.name: getattr(delivery, each.name) for each in fields(Delivery)}
            connection.execute(DELIVERIES.insert(), {"digest": digest, **counts})
        return delivery

    def since(self, moment: datetime | None) -> int:
        """The number of rows with a label that arrived after ``moment``; all labels for None."""
        query = sa.select(sa.func.count()).where(LABELS.c.superseded_at.is_(None))
        if moment is not None:
            query = query.where(LABELS.c.arrived_at > utc(moment))
        with self.database.connected() as connection:
            return int(connection.execute(query).scalar_one())


def _matched(connection: sa.Connection, labels: pd.DataFrame, source: str) -> pd.DataFrame:
    """The labels with the identity and, for rows without a time, the day of their logged
    prediction.
    """
    nothing = pd.Series(pd.NaT, index=labels.index, dtype="datetime64[us]")
    days = labels.get("day", nothing)
    unsaid = labels["as_of"].isna() & days.isna()
    if unsaid.any():
        predicted = _predicted(connection, labels["key"][unsaid].unique().tolist())
        _refuse_unclear(labels["key"][unsaid], predicted, source)
        # The only day, because keys of several days were refused.
        only = {key: pd.Timestamp(found[0]) for key, found in predicted.items()}
        days = days.where(~unsaid, labels["key"].map(only).astype("datetime64[us]"))
    identities, known = labels["identity"].to_numpy(np.uint64), days.notna().to_numpy()
    found = np.where(known, dated(identities, days.to_numpy("datetime64[D]")), identities)
    return labels.assign(identity=found, day=days)


def _predicted(connection: sa.Connection, keys: list[str]) -> dict[str, list[date]]:
    """The days on which each of the keys was predicted without a time, oldest first."""
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
            f"{source}: {len(unclear):,} of {len(keys):,} labels have a key that was predicted on"
            f" more than one day (for example {key} on"
            f" {' and '.join(map(str, predicted[key][:3]))}) – without a time column, each label"
            " needs the day of its prediction – deliver this day as a column and name the column as"
            " labels: day_column in config/scoring.yaml; nothing was recorded"
        )


def _once(labels: pd.DataFrame, source: str) -> pd.DataFrame:
    """The labels, one for each row. Raises InvalidData if a row has different labels."""
    repeated = labels["identity"].duplicated(keep=False)
    if not repeated.any():
        return labels
    for _, same in labels[repeated].groupby("identity"):
        if same["outcome"].nunique() > 1:
            values = " and ".join(map(_in_words, sorted(same["outcome"].unique())))
            raise InvalidData(
                f"{source}: {same['key'].iloc[0]} has the labels {values} – expected one label for"
                " each prediction – repair the delivery; nothing was recorded"
            )
    return labels.drop_duplicates("identity", ignore_index=True)


def _in_words(outcome: float | str) -> str:
    return outcome if isinstance(outcome, str) else f"{outcome:g}"


def _write(
    connection: sa.Connection, labels: pd.DataFrame, arrived: datetime, digest: str
) -> dict[str, int]:
    identities = labels["identity"].to_numpy(np.uint64).view(np.int64).tolist()
    current = LABELS.c.superseded_at.is_(None) & LABELS.c.identity.in_(identities)
    found = sa.select(
        LABELS.c.identity, LABELS.c.revision, LABELS.c.outcome, LABELS.c.outcome_text
    ).where(current)
    known = {
        identity: (revision, number if text is None else text)
        for identity, revision, number, text in connection.execute(found)
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
            "outcome": None if isinstance(outcome, str) else float(outcome),
            "outcome_text": outcome if isinstance(outcome, str) else None,
            "arrived_at": arrived,
            "superseded_at": None,
            "delivery": digest,
        }
        new.append(label | came)
    if corrected:  # before the insert, whose rows would otherwise be superseded as well
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
