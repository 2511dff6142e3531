"""The audit trail: who made which model the champion, when and why. Rows are added, never changed.

It is the source of truth; the alias in MLflow mirrors it. Each decision takes the next number, and a
number can be taken once: of two decisions made at the same time on the same state, one is refused.

    SQLite by default, PostgreSQL by address. The table is made on first use, and the version of its
    shape is kept beside it: a newer shape is refused instead of misread, and the first change of the
    shape has a number to start from. Until there is one, a migration tool would have nothing to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from ..clock import now
from ..errors import ConfigError, ProductError, Refused

__all__ = ["Action", "Entry", "History", "Trail"]

Action = Literal["approve", "automatic", "reject", "rollback"]
SHAPE = 1
WAIT_SECONDS = 30  # for another process that is writing
LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(20261124)"}
"""What keeps two processes from making the tables at once."""

TABLES = sa.MetaData()
TRAIL = sa.Table(
    "champion_history",
    TABLES,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("version", sa.String(20), nullable=False),
    sa.Column("previous_version", sa.String(20)),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("because", sa.Text, nullable=False),
    sa.Column("despite", sa.Text, nullable=False),
    sa.Column("decision", sa.String(40), nullable=False),
    sa.Column("decision_digest", sa.String(64), nullable=False),
    sa.Column("model_digest", sa.String(64), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),  # UTC; SQLite keeps no zone
)
SHAPES = sa.Table(
    "schema_version",
    TABLES,
    sa.Column("part", sa.String(60), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)

for change in ("UPDATE", "DELETE"):  # elsewhere, rights on the table are the administrator's to give
    sa.event.listen(
        TRAIL,
        "after_create",
        sa.DDL(
            f"CREATE TRIGGER champion_history_no_{change.lower()} BEFORE {change} ON champion_history"
            " BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END"
        ).execute_if(dialect="sqlite"),
    )


@dataclass(frozen=True)
class Entry:
    """One decision. ``previous_version`` was champion before it; a reject leaves it so."""

    action: Action
    version: str
    previous_version: str | None
    by: str
    because: str
    decision: str
    decision_digest: str
    model_digest: str
    role: str = "reviewer"
    despite: str = ""
    at: datetime = field(default_factory=now)
    sequence: int = 0

    @property
    def champion(self) -> str | None:
        """The version that is champion after it."""
        return self.previous_version if self.action == "reject" else self.version


@dataclass(frozen=True)
class Trail:
    """The decisions so far, oldest first, and what follows from them."""

    entries: tuple[Entry, ...]

    @property
    def last(self) -> int:
        """The number of the last decision, 0 where there is none."""
        return self.entries[-1].sequence if self.entries else 0

    @property
    def reigning(self) -> Entry | None:
        """The entry by which the present champion became one."""
        return next((entry for entry in reversed(self.entries) if entry.action != "reject"), None)

    @property
    def champion(self) -> str | None:
        return self.reigning.version if self.reigning else None

    @property
    def champions(self) -> frozenset[str]:
        """Every version that ever was champion."""
        return frozenset(entry.version for entry in self.entries if entry.action != "reject")

    @property
    def rejected(self) -> dict[str, Entry]:
        """The decision by version that was rejected."""
        return {entry.version: entry for entry in self.entries if entry.action == "reject"}

    @property
    def succession(self) -> tuple[str, ...]:
        """The champions that a rollback can return to, the present one last.

        A release is put on top; a rollback takes away what came after the one it returned to, so
        that rolling back twice goes back two, and not to the one that was left.
        """
        line: list[str] = []
        for entry in self.entries:
            if entry.action == "rollback" and entry.version in line:
                del line[line.index(entry.version) + 1 :]
            elif entry.action != "reject":
                line = [*(version for version in line if version != entry.version), entry.version]
        return tuple(line)


class History:
    """The trail in one database."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._prepare()

    def trail(self) -> Trail:
        with self._connected() as connection:
            rows = connection.execute(sa.select(TRAIL).order_by(TRAIL.c.sequence)).mappings().all()
        return Trail(tuple(Entry(**{**row, "at": row["at"].replace(tzinfo=UTC)}) for row in rows))

    def append(self, entry: Entry, *, after: int) -> Entry:
        """The entry as recorded, with the number after ``after``.

        ``after`` is the number of the last entry that the decision took into account, 0 for none.
        Raises Refused where another one was recorded since.
        """
        taken = Entry(**{**asdict(entry), "sequence": after + 1})
        try:
            with self._connected() as connection:
                connection.execute(
                    TRAIL.insert(), asdict(taken) | {"at": taken.at.astimezone(UTC).replace(tzinfo=None)}
                )
        except sa.exc.IntegrityError as problem:
            raise Refused(
                f"another decision was recorded at the same time as {entry.action} of version {entry.version} – each"
                " is made on what is champion then – look at the history and decide again"
            ) from problem
        return taken

    def champion_on(self, day: date) -> Entry | None:
        """The decision that made the champion in force at the end of ``day`` (UTC), None where there was none."""
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return Trail(tuple(entry for entry in self.trail().entries if entry.at < end)).reigning

    def _prepare(self) -> None:
        with self._connected() as connection:
            there = sa.inspect(connection).has_table(SHAPES.name)
        if not there:
            self._make_tables()
        with self._connected() as connection:
            found = connection.execute(sa.select(SHAPES.c.version).where(SHAPES.c.part == TRAIL.name)).scalar()
        if found != SHAPE:
            raise ConfigError(
                f"{TRAIL.name} has the shape {found}, this program knows {SHAPE} – it was written by another release"
                " of the product – use that one"
            )

    def _make_tables(self) -> None:
        with self._connected() as connection:
            if lock := LOCKS.get(self.engine.dialect.name):
                connection.exec_driver_sql(lock)
            if not sa.inspect(connection).has_table(SHAPES.name):
                TABLES.create_all(connection)
                connection.execute(SHAPES.insert(), {"part": TRAIL.name, "version": SHAPE})

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            with self.engine.begin() as connection:
                yield connection
        except sa.exc.IntegrityError:
            raise
        except sa.exc.DatabaseError as problem:
            raise ProductError(
                f"the database {self.engine.url.render_as_string(hide_password=True)} cannot be used:"
                f" {str(problem.orig).splitlines()[0]} – the history of champions is kept there –"
                " check PRODUCT_DATABASE_URL"
            ) from problem


def _engine(url: str) -> sa.Engine:
    try:
        address = sa.make_url(url)
        if address.drivername in ("postgres", "postgresql"):
            address = address.set(drivername="postgresql+psycopg")  # the driver in the lock
        local = address.get_backend_name() == "sqlite"
        engine = sa.create_engine(address, pool_pre_ping=True, connect_args={"timeout": WAIT_SECONDS} if local else {})
    except (sa.exc.ArgumentError, ImportError) as problem:
        raise ConfigError(
            "PRODUCT_DATABASE_URL is not an address that can be used – expected is sqlite:///var/product.db or"
            " postgresql://user:password@host/database – mend it"
        ) from problem
    if local and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    return engine
