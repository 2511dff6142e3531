"""Predictions of rows without a time are identified by key and day, and a label by both as well.

Before, they were identified by the key alone, so that a label of one day replaced those of all
other days. Every delivered label is kept, so each can be assigned to the last day that was
predicted before it arrived.
"""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

AT_ONCE = 1_000  # SQLite accepts 32,766 parameters in a statement

BLOCKS = sa.table(
    "blocks", sa.column("id"), sa.column("day", sa.Date), sa.column("at", sa.DateTime)
)
PREDICTIONS = sa.table("predictions", *map(sa.column, ("block", "row", "identity", "key", "as_of")))
LABELS = sa.table(
    "labels",
    *map(sa.column, ("identity", "revision", "key", "outcome", "delivery")),
    *(sa.column(name, sa.DateTime) for name in ("as_of", "arrived_at", "superseded_at")),
    sa.column("day", sa.Date),
)


def upgrade() -> None:
    """Adds the day to labels, and repairs identities of rows without a time."""
    op.add_column("labels", sa.Column("day", sa.Date))
    # Partial indexes: they are empty and cost nothing if rows have a time.
    timeless, waiting = sa.text("as_of IS NULL"), sa.text("as_of IS NULL AND day IS NULL")
    op.create_index(
        "predictions_key", "predictions", ["key"], sqlite_where=timeless, postgresql_where=timeless
    )
    op.create_index(
        "labels_waiting", "labels", ["key"], sqlite_where=waiting, postgresql_where=waiting
    )
    connection = op.get_bind()
    blocks = {number: (day, at) for number, day, at in connection.execute(sa.select(BLOCKS))}
    _date_labels(connection, blocks)
    _date_predictions(connection, blocks)


def _date_predictions(connection: sa.Connection, blocks: dict[int, tuple[date, datetime]]) -> None:
    timeless = PREDICTIONS.c.as_of.is_(None)
    change = (
        sa.update(PREDICTIONS)
        .where(
            (PREDICTIONS.c.block == sa.bindparam("b")) & (PREDICTIONS.c.row == sa.bindparam("r"))
        )
        .values(identity=sa.bindparam("i"))
    )
    for number, (day, _) in blocks.items():
        query = sa.select(PREDICTIONS.c.row, PREDICTIONS.c.identity).where(
            timeless & (PREDICTIONS.c.block == number)
        )
        rows = connection.execute(query).all()
        if rows:
            pairs = zip(
                (row for row, _ in rows),
                _dated([each for _, each in rows], [day] * len(rows)),
                strict=True,
            )
            connection.execute(
                change, [{"b": number, "r": row, "i": identity} for row, identity in pairs]
            )


def _date_labels(connection: sa.Connection, blocks: dict[int, tuple[date, datetime]]) -> None:
    timeless = LABELS.c.as_of.is_(None)
    identities = (
        connection.execute(sa.select(LABELS.c.identity).where(timeless).distinct()).scalars().all()
    )
    for start in range(0, len(identities), AT_ONCE):
        some = timeless & LABELS.c.identity.in_(identities[start : start + AT_ONCE])
        query = sa.select(LABELS).where(some).order_by(LABELS.c.identity, LABELS.c.revision)
        labels = [dict(row) for row in connection.execute(query).mappings()]
        predicted = _predicted(connection, sorted({label["key"] for label in labels}), blocks)
        # Replaced and not updated: revisions are numbered anew, and would collide on the way.
        connection.execute(sa.delete(LABELS).where(some))
        connection.execute(sa.insert(LABELS), list(_placed(labels, predicted)))


def _predicted(
    connection: sa.Connection, keys: list[str], blocks: dict[int, tuple[date, datetime]]
) -> dict[str, list[tuple[date, datetime]]]:
    """The days on which each key was predicted, and when that was recorded."""
    query = sa.select(PREDICTIONS.c.key, PREDICTIONS.c.block)
    found: dict[str, list[tuple[date, datetime]]] = {}
    for key, block in connection.execute(
        query.where(PREDICTIONS.c.as_of.is_(None) & PREDICTIONS.c.key.in_(keys))
    ):
        found.setdefault(key, []).append(blocks[block])
    return found


def _placed(
    labels: list[dict[str, Any]], predicted: dict[str, list[tuple[date, datetime]]]
) -> Iterator[dict[str, Any]]:
    """The labels with their new day, identity and revision number."""
    for label in labels:
        label["day"] = _day(label["arrived_at"], predicted.get(label["key"], []))
    dated = [label for label in labels if label["day"]]
    numbers = _dated([label["identity"] for label in dated], [label["day"] for label in dated])
    for label, identity in zip(dated, numbers, strict=True):
        label["identity"] = identity
    order = sorted(labels, key=lambda label: (label["identity"], label["revision"]))
    for _, same in groupby(order, key=lambda label: label["identity"]):
        revisions = list(same)
        ends = [*(label["arrived_at"] for label in revisions[1:]), None]
        for number, (label, end) in enumerate(zip(revisions, ends, strict=True), start=1):
            yield label | {"revision": number, "superseded_at": end}


def _day(arrived: datetime, predicted: list[tuple[date, datetime]]) -> date | None:
    """The last day that was recorded before the label arrived, else the first day that was recorded
    late, else None.
    """
    before = [day for day, at in predicted if at <= arrived]
    late = [day for day, _ in predicted if day <= arrived.date()]
    return max(before, default=None) or min(late, default=None)


def _dated(identities: list[int], days: list[date]) -> list[int]:
    """A copy of ``dated`` in fingerprint.py: a migration must not change with the program."""
    numbers = np.array(days, dtype="datetime64[D]").astype(np.int64).view(np.uint64)
    found = _mix(
        np.array(identities, dtype=np.int64).view(np.uint64) ^ _mix(numbers + np.uint64(1))
    )
    return [int(number) for number in found.view(np.int64)]


def _mix(values: np.ndarray) -> np.ndarray:
    values = (values ^ np.right_shift(values, np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ np.right_shift(values, np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ np.right_shift(values, np.uint64(31))
