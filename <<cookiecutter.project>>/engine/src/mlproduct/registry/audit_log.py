"""The audit trail: who made which model the champion, when and why. Rows are added, never changed.

It is the source of truth; the alias in MLflow mirrors it. Each decision takes the next number, and
a number can be taken once: of two decisions made at the same time on the same state, one is
refused.

The table is in the product's database; ``database.py`` says which and makes it.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from ..clock import now
from ..errors import Refused
from ..log.database import Database
from ..redaction import redacted

__all__ = ["Action", "AuditLog", "AuditTrail", "Entry", "taken_on_text"]

Action = Literal["approve", "automatic", "reject", "rollback"]

TRAIL = sa.Table(
    "champion_history",
    sa.MetaData(),
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


BEFORE_CONCERNS = ": "  # no id of a criterion holds it


def taken_on_text(despite: Collection[str], concerns: Collection[str]) -> str:
    """The column ``despite``: the ids, and behind a colon the concerns about the criteria, where
    there are any.

    The sentences stand in the trail itself, so that they can be read where MLflow has lost the
    document.
    """
    named = ", ".join(sorted(despite))
    return BEFORE_CONCERNS.join((named, " ".join(concerns))) if concerns else named


@dataclass(frozen=True)
class Entry:
    """One decision. ``previous_version`` was champion before it; a reject leaves it so.

    ``despite`` is what was taken on, as ``taken_on_text`` puts it together.
    """

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

    @property
    def taken_on(self) -> tuple[str, ...]:
        """The open points that whoever approved took on, by their ids."""
        named = self.despite.partition(BEFORE_CONCERNS)[0]
        return tuple(named.split(", ")) if named else ()

    @property
    def concerns(self) -> str:
        """What was said about the criteria themselves, such as which bar was loosened; empty where
        nothing was.
        """
        return self.despite.partition(BEFORE_CONCERNS)[2]


@dataclass(frozen=True)
class AuditTrail:
    """The decisions so far, oldest first, and what follows from them."""

    entries: tuple[Entry, ...]

    @property
    def last(self) -> int:
        """The number of the last decision, 0 where there is none."""
        return self.entries[-1].sequence if self.entries else 0

    @property
    def current(self) -> Entry | None:
        """The entry by which the present champion became one."""
        return next((entry for entry in reversed(self.entries) if entry.action != "reject"), None)

    @property
    def champion(self) -> str | None:
        return self.current.version if self.current else None

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


class AuditLog:
    """The trail in one database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def read(self) -> AuditTrail:
        with self.database.connected() as connection:
            rows = connection.execute(sa.select(TRAIL).order_by(TRAIL.c.sequence)).mappings().all()
        return AuditTrail(tuple(_entry(row) for row in rows))

    def append(self, entry: Entry, *, after: int) -> Entry:
        """The entry as recorded, with the number after ``after``.

        ``after`` is the number of the last entry that the decision took into account, 0 for none.
        Raises Refused where another one was recorded since.
        """
        without_secrets = {"by": redacted(entry.by), "because": redacted(entry.because)}
        recorded = Entry(**{**asdict(entry), **without_secrets, "sequence": after + 1})
        try:
            with self.database.connected() as connection:
                connection.execute(
                    TRAIL.insert(),
                    asdict(recorded) | {"at": recorded.at.astimezone(UTC).replace(tzinfo=None)},
                )
        except sa.exc.IntegrityError as problem:
            raise Refused(
                f"another decision was recorded at the same time as {entry.action} of version"
                f" {entry.version} – each is made on what is champion then – look at the history"
                " and decide again"
            ) from problem
        return recorded

    def champion_on(self, day: date) -> Entry | None:
        """The decision that made the champion in force at the end of ``day`` (UTC), None where
        there was none.
        """
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return AuditTrail(tuple(entry for entry in self.read().entries if entry.at < end)).current


def _entry(row: Mapping[Any, Any]) -> Entry:
    """The row as an entry; one from before secrets were taken out of what is recorded loses them
    here.
    """
    without_secrets = {"by": redacted(row["by"]), "because": redacted(row["because"])}
    return Entry(**{**row, **without_secrets, "at": row["at"].replace(tzinfo=UTC)})
