"""The prediction log: every prediction, the model that made it, and its label.

Predictions are recorded in blocks. A block is written in one transaction and comes from one model.
It has a name and is recorded once; a caller that does not know whether a block was recorded can
therefore record it again.

    stream "batch"      a chunk of a day's partition; its features are in the block's Parquet file
    stream "shadow"     the same by the challenger; used only for the comparison of the models
    stream "service"    predictions of the HTTP service; the features are in the row, as JSON

The log contains no personal data: columns marked ``pii`` are never read.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..clock import now
from ..data.fingerprint import logged
from ..data.keys import spelled
from ..errors import ConfigError
from ..plain_text import NAME_LIMIT, plain
from ..reading import BLANKS
from ..redaction import redacted
from ..tables import BATCH_ROWS
from .database import Database
from .sql_tables import BLOCKS, ERASURES, LABELS, PARTITIONS, PREDICTIONS

__all__ = [
    "COUNTED",
    "Coverage",
    "Erased",
    "LogBatch",
    "Partition",
    "PredictionLog",
    "Stream",
    "utc",
]

Stream = Literal["batch", "service", "shadow"]
# The streams whose predictions were used; shadow predictions are only compared.
COUNTED: tuple[Stream, ...] = ("batch", "service")

AT_ONCE = 5_000  # values in one IN (...); SQLite's default limit is 32,766 parameters
PREDICTION = ["identity", "key", "as_of", "decision", "score", "low", "high", "features"]
# Written only for models that have it, so that the rows of others cost nothing.
PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class LogBatch:
    """A block: predictions that are recorded together.

    ``predictions`` has one row for each, with the columns identity (uint64, of key and time, or of
    the key alone), key, as_of (UTC without a zone, or missing), decision, and optionally score,
    low, high and features (a JSON object as text).
    """

    name: str
    stream: Stream
    day: date
    version: str
    digest: str
    run: str
    predictions: pd.DataFrame
    rejected: int = 0
    file: str | None = None


@dataclass(frozen=True)
class Partition:
    """One day's batch scoring. It is finished with the version it was started with."""

    stream: Stream
    day: date
    version: str
    digest: str
    done: bool
    rows: int = 0
    rejected: int = 0
    # Not compared: begin() returns None for a new partition and the time for the same one later.
    at: datetime | None = field(default=None, compare=False)
    """When it was started or finished; None if it was started by this call."""


@dataclass(frozen=True)
class Coverage:
    """How many predictions of a day have a label so far."""

    day: date
    predictions: int
    labelled: int

    @property
    def share(self) -> float:
        """The share of the day's predictions that have a label, 0 without predictions."""
        return self.labelled / self.predictions if self.predictions else 0.0


@dataclass(frozen=True)
class Erased:
    """How many predictions and labels were deleted."""

    predictions: int
    labels: int


class PredictionLog:
    """The prediction log in one database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def begin(self, stream: Stream, day: date, version: str, digest: str) -> Partition:
        """The partition of that day. A new one is started with ``version``; an existing one keeps
        its version.
        """
        # Under a lock, so that two processes do not start one day with different versions.
        with self.database.alone() as connection:
            if found := _partition(connection, stream, day):
                return found
            fresh = {
                "version": version,
                "digest": digest,
                "state": "open",
                "rows": 0,
                "rejected": 0,
                "at": _now(),
            }
            connection.execute(PARTITIONS.insert(), {"lane": stream, "day": day, **fresh})
        return Partition(stream, day, version, digest, done=False)

    def finish(self, partition: Partition, *, rejected: int) -> Partition:
        """The finished partition, with the number of rows in its blocks; ``rejected`` is the number
        of invalid rows in its source.
        """
        where = (PARTITIONS.c.lane == partition.stream) & (PARTITIONS.c.day == partition.day)
        total = sa.select(sa.func.coalesce(sa.func.sum(BLOCKS.c.rows), 0))
        mine = (BLOCKS.c.lane == partition.stream) & (BLOCKS.c.day == partition.day)
        with self.database.connected() as connection:
            # From the blocks, because an earlier, interrupted run may have recorded some of them.
            rows = connection.execute(total.where(mine)).scalar_one()
            done = {"state": "done", "rows": rows, "rejected": rejected, "at": _now()}
            connection.execute(PARTITIONS.update().where(where).values(**done))
            found = _partition(connection, partition.stream, partition.day)
        assert found is not None
        return found

    def partitions(self, stream: Stream = "batch") -> tuple[Partition, ...]:
        """Every partition of the stream, oldest day first."""
        query = sa.select(PARTITIONS).where(PARTITIONS.c.lane == stream).order_by(PARTITIONS.c.day)
        with self.database.connected() as connection:
            return tuple(_as_partition(row) for row in connection.execute(query).mappings())

    def record(self, block: LogBatch) -> bool:
        """True if the block was recorded by this call; False if it was recorded before, and nothing
        changed. Raises IntegrityError if a required cell of a row is missing.
        """
        values = {
            name: getattr(block, name)
            for name in ("name", "day", "version", "digest", "run", "file")
        }
        values["lane"] = block.stream  # the name of the column
        counted = {"rows": len(block.predictions), "rejected": block.rejected, "at": _now()}
        plain = block.predictions["identity"].to_numpy(np.uint64)
        predictions = block.predictions.assign(
            identity=logged(plain, block.predictions["as_of"], block.day)
        )
        timeless = predictions[predictions["as_of"].isna()]
        # Rows without a time are recorded under a lock. If one of their labels is recorded at the
        # same time, one of the two transactions has to see the rows of the other.
        transaction = self.database.connected if timeless.empty else self.database.alone
        try:
            with transaction() as connection:
                if _id(connection, block.name) is not None:
                    return False
                connection.execute(BLOCKS.insert(), values | counted)
                number = _id(connection, block.name)
                for rows in _records(predictions):
                    connection.execute(
                        PREDICTIONS.insert(), [{"block": number, **row} for row in rows]
                    )
                _join_waiting(connection, timeless, block.day)
        except sa.exc.IntegrityError:
            with self.database.connected() as connection:
                # Another process has recorded the block meanwhile.
                if _id(connection, block.name) is not None:
                    return False
            raise
        return True

    def find(self, name: str) -> LogBatch | None:
        """The block with that name and its remaining rows, without features; None if unknown."""
        columns = [each for each in PREDICTIONS.c if each.name not in ("block", "row", "features")]
        with self.database.connected() as connection:
            found = (
                connection.execute(sa.select(BLOCKS).where(BLOCKS.c.name == name))
                .mappings()
                .first()
            )
            if found is None:
                return None
            mine = (
                sa.select(*columns)
                .where(PREDICTIONS.c.block == found["id"])
                .order_by(PREDICTIONS.c.row)
            )
            rows = pd.DataFrame(
                connection.execute(mine).all(), columns=[each.name for each in columns]
            )
        rows["identity"] = rows["identity"].to_numpy(np.int64).view(np.uint64)
        values = {
            each: found[each]
            for each in ("name", "day", "version", "digest", "run", "rejected", "file")
        }
        values["stream"] = found["lane"]
        return LogBatch(**values, predictions=rows)

    def recorded(self, stream: Stream, day: date) -> dict[str, int]:
        """The names of the blocks of that day, each with the number of its rejected rows."""
        query = sa.select(BLOCKS.c.name, BLOCKS.c.rejected).where(
            (BLOCKS.c.lane == stream) & (BLOCKS.c.day == day)
        )
        with self.database.connected() as connection:
            return {name: rejected for name, rejected in connection.execute(query)}

    def known(
        self, stream: Stream, day: date, identities: np.ndarray, as_of: pd.Series
    ) -> np.ndarray:
        """A mask of the rows with these ``identities`` (uint64) and times that are already logged
        for this day.
        """
        signed, found = logged(identities, as_of, day).view(np.int64), set[int]()
        # Blocks are a separate query: in a join, SQLite would read all rows of the day for every
        # slice of identities.
        query = sa.select(PREDICTIONS.c.block, PREDICTIONS.c.identity)
        with self.database.connected() as connection:
            of_day = (BLOCKS.c.lane == stream) & (BLOCKS.c.day == day)
            blocks = set(connection.execute(sa.select(BLOCKS.c.id).where(of_day)).scalars())
            # Sorted, so that each query reads neighbouring entries of the index.
            for some in _slices(np.sort(signed).tolist() if blocks else []):
                same = connection.execute(query.where(PREDICTIONS.c.identity.in_(some)))
                found.update(identity for block, identity in same if block in blocks)
        return np.isin(signed, np.fromiter(found, np.int64, len(found)))

    def read(
        self,
        start: date,
        end: date,
        streams: Sequence[Stream] = COUNTED,
        *,
        version: str | None = None,
        labelled: bool = False,
    ) -> Iterator[pd.DataFrame]:
        """The predictions of the days from ``start`` to ``end``, both included, each with its label
        if it has one.

        They are returned in tables of bounded size, the rows of a day in the order of their record;
        only those of ``version`` if it is given, and only those with a label if ``labelled``.
        Columns: identity (uint64), key, as_of, day, lane, version, decision, score, low, high,
        probabilities (a list, or None), outcome (a number or a text), arrived_at, features (a dict,
        or None), file and row.
        """
        mine = BLOCKS.c.day.between(start, end) & BLOCKS.c.lane.in_(list(streams))
        if version is not None:
            mine &= BLOCKS.c.version == version
        query = (
            sa.select(BLOCKS.c.id, BLOCKS.c.rows).where(mine).order_by(BLOCKS.c.day, BLOCKS.c.id)
        )
        with self.database.connected() as connection:
            blocks = connection.execute(query).all()
        # A connection for each table: a connection that stays open while the caller computes would
        # be a reader that makes an erasure fail (Database.wipe).
        for some in _together(blocks):
            yield self._read(some, labelled)

    def _read(self, blocks: list[int], labelled: bool) -> pd.DataFrame:
        current = (LABELS.c.identity == PREDICTIONS.c.identity) & LABELS.c.superseded_at.is_(None)
        of_block = (BLOCKS.c.day, BLOCKS.c.lane, BLOCKS.c.version, BLOCKS.c.file)
        of_label = (LABELS.c.outcome, LABELS.c.outcome_text, LABELS.c.arrived_at)
        columns = [*PREDICTIONS.c, *of_block, *of_label]
        query = (
            sa.select(*columns)
            .join(BLOCKS, BLOCKS.c.id == PREDICTIONS.c.block)
            .join(LABELS, current, isouter=not labelled)
            .where(PREDICTIONS.c.block.in_(blocks))
            .order_by(BLOCKS.c.day, PREDICTIONS.c.block, PREDICTIONS.c.row)
        )
        names = [column.name for column in columns]
        with self.database.connected() as connection:
            # In parts, because cells as Python objects need many times the memory of a column.
            tables = [_table(rows, names) for rows in connection.execute(query).partitions(AT_ONCE)]
        return pd.concat(tables or [_table((), names)], ignore_index=True)

    def volumes(
        self, start: date, end: date, streams: Sequence[Stream] = COUNTED
    ) -> dict[date, int]:
        """The number of rows predicted on each day that had any, including rows erased since."""
        mine = BLOCKS.c.day.between(start, end) & BLOCKS.c.lane.in_(list(streams))
        query = (
            sa.select(BLOCKS.c.day, sa.func.sum(BLOCKS.c.rows)).where(mine).group_by(BLOCKS.c.day)
        )
        with self.database.connected() as connection:
            return {day: int(rows) for day, rows in connection.execute(query)}

    def coverage(
        self,
        start: date,
        end: date,
        streams: Sequence[Stream] = COUNTED,
        version: str | None = None,
    ) -> tuple[Coverage, ...]:
        """For each day with predictions, of ``version`` if it is given: how many have a label so
        far.
        """
        current = (LABELS.c.identity == PREDICTIONS.c.identity) & LABELS.c.superseded_at.is_(None)
        mine = BLOCKS.c.day.between(start, end) & BLOCKS.c.lane.in_(list(streams))
        query = (
            sa.select(BLOCKS.c.day, sa.func.count(), sa.func.count(LABELS.c.identity))
            .select_from(PREDICTIONS)
            .join(BLOCKS, BLOCKS.c.id == PREDICTIONS.c.block)
            .outerjoin(LABELS, current)
            .where(mine if version is None else mine & (BLOCKS.c.version == version))
            .group_by(BLOCKS.c.day)
            .order_by(BLOCKS.c.day)
        )
        with self.database.connected() as connection:
            return tuple(Coverage(*row) for row in connection.execute(query))

    def keys_of_several_days(self) -> int:
        """The number of keys without a time that were predicted on more than one day; their labels
        have to name the day.
        """
        several = (
            sa.select(PREDICTIONS.c.key)
            .join(BLOCKS, BLOCKS.c.id == PREDICTIONS.c.block)
            .where(PREDICTIONS.c.as_of.is_(None))
            .group_by(PREDICTIONS.c.key)
            .having(sa.func.count(BLOCKS.c.day.distinct()) > 1)
        )
        with self.database.connected() as connection:
            return int(
                connection.execute(
                    sa.select(sa.func.count()).select_from(several.subquery())
                ).scalar_one()
            )

    def files(self, start: date, end: date, streams: Sequence[Stream] = COUNTED) -> tuple[str, ...]:
        """The Parquet files with the rows of those days, oldest first."""
        mine = (
            BLOCKS.c.day.between(start, end)
            & BLOCKS.c.lane.in_(list(streams))
            & BLOCKS.c.file.is_not(None)
        )
        with self.database.connected() as connection:
            found = connection.execute(
                sa.select(BLOCKS.c.file).where(mine).order_by(BLOCKS.c.day, BLOCKS.c.id)
            )
            return tuple(found.scalars())

    def may_hold(self, key: str, files: Iterable[str]) -> tuple[str, ...]:
        """The Parquet files that may contain rows of the subject.

        These are the files that contain such rows according to the log, those of ``files`` that no
        block names, and those whose block lost rows in an earlier erasure. Such a file may have
        been unreadable then and restored from a backup since.
        """
        recorded = sa.select(BLOCKS.c.file).where(BLOCKS.c.file.is_not(None))
        holding = recorded.join(PREDICTIONS, PREDICTIONS.c.block == BLOCKS.c.id).where(
            _of(PREDICTIONS, key)
        )
        of_block = PREDICTIONS.c.block == BLOCKS.c.id
        fewer = recorded.outerjoin(PREDICTIONS, of_block).group_by(
            BLOCKS.c.id, BLOCKS.c.file, BLOCKS.c.rows
        )
        # A block with fewer rows than it was recorded with has lost rows in an erasure.
        fewer = fewer.having(sa.func.count(PREDICTIONS.c.block) < BLOCKS.c.rows)
        with self.database.connected() as connection:
            theirs = {
                *connection.execute(holding.distinct()).scalars(),
                *connection.execute(fewer).scalars(),
            }
            return tuple(
                sorted(theirs | (set(files) - set(connection.execute(recorded).scalars())))
            )

    def forget(self, key: str, *, by: str, files: int) -> Erased:
        """The number of the subject's predictions and labels, which were deleted.

        The erasure is recorded without the subject. Raises ConfigError if ``by`` is empty or not
        plain text, and DatabaseUnavailable if the deleted data can still be read in SQLite's
        write-ahead log.
        """
        if not (by := plain("--by", by, NAME_LIMIT)):
            raise ConfigError("--by is empty – an erasure is recorded with a name – give one")
        with self.database.connected() as connection:
            predictions = connection.execute(
                PREDICTIONS.delete().where(_of(PREDICTIONS, key))
            ).rowcount
            labels = connection.execute(LABELS.delete().where(_of(LABELS, key))).rowcount
            note = {
                "at": _now(),
                "by": redacted(by),
                "predictions": predictions,
                "labels": labels,
                "files": files,
            }
            connection.execute(ERASURES.insert(), note)
        # After the commit, because SQLite's checkpoint moves committed changes only.
        self.database.wipe()
        return Erased(predictions, labels)

    def expire(self, before: date) -> Erased:
        """The number of deleted predictions of days before ``before`` and of labels that arrived
        before it.

        The partitions remain, so it is still known which days were scored.
        """
        old = sa.select(BLOCKS.c.id).where(BLOCKS.c.day < before)
        with self.database.connected() as connection:
            # Before the blocks, because predictions have a foreign key to their block.
            rows = connection.execute(
                PREDICTIONS.delete().where(PREDICTIONS.c.block.in_(old))
            ).rowcount
            connection.execute(BLOCKS.delete().where(BLOCKS.c.day < before))
            arrived = LABELS.c.arrived_at < datetime(before.year, before.month, before.day)
            labels = connection.execute(LABELS.delete().where(arrived)).rowcount
        self.database.wipe()
        return Erased(rows, labels)


def _of(table: sa.Table, key: str) -> sa.ColumnElement[bool]:
    """The subject's rows, including those that release 0.2.0 recorded with blanks around the key or
    as `1.0`.
    """
    same = {key, spelled(key), f"{spelled(key)}.0"}
    return sa.func.trim(table.c.key, BLANKS).in_(sorted(same)) | (table.c.key == key)


def utc(moment: datetime) -> datetime:
    """The moment as it is stored in the tables: UTC without a zone, which SQLite cannot store."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _now() -> datetime:
    return utc(now())


def _id(connection: sa.Connection, name: str) -> int | None:
    return connection.execute(sa.select(BLOCKS.c.id).where(BLOCKS.c.name == name)).scalar()


def _join_waiting(connection: sa.Connection, predictions: pd.DataFrame, day: date) -> None:
    """Sets the identity and the day of labels that arrived before their prediction was recorded.

    A label that arrived before ``day`` cannot belong to a prediction of that day and keeps waiting.
    """
    identities = dict(
        zip(
            predictions["key"],
            predictions["identity"].to_numpy(np.uint64).view(np.int64),
            strict=True,
        )
    )
    waiting = LABELS.c.as_of.is_(None) & LABELS.c.day.is_(None)
    current = LABELS.c.superseded_at.is_(None) & (
        LABELS.c.arrived_at >= datetime(day.year, day.month, day.day)
    )
    for some in _slices(list(identities)):
        query = sa.select(LABELS.c.key, LABELS.c.identity).where(
            waiting & current & LABELS.c.key.in_(some)
        )
        # All rows are fetched first, because the loop changes the table that they come from.
        for key, before in connection.execute(query).all():
            # int, because sqlite3 stores NumPy's integers as bytes.
            taken = sa.select(LABELS.c.identity).where(LABELS.c.identity == int(identities[key]))
            # A label that names this day has priority.
            if connection.execute(taken.limit(1)).first() is None:
                change = LABELS.update().where(LABELS.c.identity == before)
                connection.execute(change.values(identity=int(identities[key]), day=day))


def _partition(connection: sa.Connection, stream: Stream, day: date) -> Partition | None:
    query = sa.select(PARTITIONS).where((PARTITIONS.c.lane == stream) & (PARTITIONS.c.day == day))
    row = connection.execute(query).mappings().first()
    return None if row is None else _as_partition(row)


def _as_partition(row: Any) -> Partition:
    values = {name: row[name] for name in ("day", "version", "digest", "rows", "rejected")} | {
        "stream": row["lane"]
    }
    return Partition(**values, done=row["state"] == "done", at=row["at"].replace(tzinfo=UTC))


def _slices(values: list[Any]) -> Iterator[list[Any]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def _together(blocks: Iterable[Any]) -> Iterator[list[int]]:
    """The ids of the blocks (id, rows) that are read together: one large block or several small
    ones.
    """
    some, rows = list[int](), 0
    for number, more in blocks:
        if some and (rows + more > BATCH_ROWS or len(some) == AT_ONCE):
            yield some
            some, rows = [], 0
        some.append(number)
        rows += more
    if some:
        yield some


def _table(cells: Sequence[Any], names: list[str]) -> pd.DataFrame:
    """The rows in the columns and dtypes of ``PredictionLog.read``."""
    rows = pd.DataFrame(cells, columns=names)
    numbers = {
        name: rows[name].astype("float64")
        for name in ("decision", "score", "low", "high", "outcome")
    }
    if rows["outcome_text"].notna().any():
        texts = rows["outcome_text"].astype("object")
        numbers["outcome"] = texts.where(texts.notna(), numbers["outcome"])
    moments = {
        name: pd.to_datetime(rows[name]).astype("datetime64[us]")
        for name in ("as_of", "arrived_at")
    }
    identity = {"identity": rows["identity"].to_numpy(np.int64).view(np.uint64)}
    features = {
        "features": [
            json.loads(text) if isinstance(text, str) else None for text in rows["features"]
        ]
    }
    return rows.assign(**numbers, **moments, **identity, **features).drop(
        columns=["block", "outcome_text"]
    )


def _records(predictions: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """The rows as dicts, in parts; missing values are None.

    They are sorted by identity, so that the insert passes through the index once, whatever its
    size.
    """
    identities = predictions["identity"].to_numpy(np.uint64).view(np.int64)
    order = np.argsort(identities)
    more = [PROBABILITIES] if PROBABILITIES in predictions else []
    names = ["row", *PREDICTION, *more]
    rows = (
        predictions.assign(identity=identities, row=range(len(order)))
        .reindex(columns=names)
        .iloc[order]
    )
    for start in range(0, len(rows), AT_ONCE):
        columns = [_plain(rows[name].iloc[start : start + AT_ONCE]) for name in names]
        yield [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _plain(column: pd.Series) -> Iterable[Any]:
    """The cells as Python's own types; missing values are None."""
    if column.dtype.kind == "M":
        # By NumPy: it returns datetime and None, and is much faster than a loop over Timestamps.
        plain: list[Any] = column.to_numpy("datetime64[us]").astype(object).tolist()
        return plain
    missing = column.isna()
    return (
        column.astype(object).where(~missing, None).tolist() if missing.any() else column.tolist()
    )
