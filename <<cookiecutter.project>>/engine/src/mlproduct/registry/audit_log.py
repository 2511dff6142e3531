"""The audit log: who made which model the champion, when and why. Rows are only added.

It is the source of truth, and the alias in MLflow mirrors it. Each decision gets the next number,
and a number is used once. Of two decisions made at the same time on the same state, one is
therefore refused.

The table is in the product's database; ``log/database.py`` opens and creates it.
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
    # Not numbered by the database: a used number has to be refused and not replaced by the next.
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


BEFORE_CONCERNS = ": "  # a separator, because no id of a criterion contains it


def taken_on_text(despite: Collection[str], concerns: Collection[str]) -> str:
    """The text of the column ``despite``: the accepted ids and, after a colon, any concerns about
    the criteria.

    The concerns are stored here so that they can still be read if MLflow has lost the document.
    """
    named = ", ".join(sorted(despite))
    return BEFORE_CONCERNS.join((named, " ".join(concerns))) if concerns else named


@dataclass(frozen=True)
class Entry:
    """One decision. ``previous_version`` was the champion before it; after a reject it still is.

    ``despite`` contains the accepted risks in the form that ``taken_on_text`` returns.
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
        """The version that is the champion after this decision."""
        return self.previous_version if self.action == "reject" else self.version

    @property
    def taken_on(self) -> tuple[str, ...]:
        """The ids of the open risks that the approval accepted."""
        named = self.despite.partition(BEFORE_CONCERNS)[0]
        return tuple(named.split(", ")) if named else ()

    @property
    def concerns(self) -> str:
        """The concerns about the criteria themselves, such as a loosened bar; empty if there were
        none.
        """
        return self.despite.partition(BEFORE_CONCERNS)[2]


@dataclass(frozen=True)
class AuditTrail:
    """The decisions so far, oldest first, and the state that results from them."""

    entries: tuple[Entry, ...]

    @property
    def last(self) -> int:
        """The number of the last decision, 0 if there is none."""
        return self.entries[-1].sequence if self.entries else 0

    @property
    def current(self) -> Entry | None:
        """The decision that made the present champion the champion, None if there is none."""
        # By number and not by time, because a clock can be set back.
        return next((entry for entry in reversed(self.entries) if entry.action != "reject"), None)

    @property
    def champion(self) -> str | None:
        """The version that is the champion, None if there is none."""
        return self.current.version if self.current else None

    @property
    def champions(self) -> frozenset[str]:
        """Every version that is or was the champion."""
        return frozenset(entry.version for entry in self.entries if entry.action != "reject")

    @property
    def rejected(self) -> dict[str, Entry]:
        """The rejected versions, each with the decision that rejected it."""
        return {entry.version: entry for entry in self.entries if entry.action == "reject"}

    @property
    def succession(self) -> tuple[str, ...]:
        """The champions that a rollback can return to, oldest first, the present one last.

        A release adds its version at the end. A rollback removes every version after the one it
        returned to. Two rollbacks therefore go back two versions and do not return to the version
        that the first one replaced.
        """
        line: list[str] = []
        for entry in self.entries:
            if entry.action == "rollback" and entry.version in line:
                del line[line.index(entry.version) + 1 :]
            elif entry.action != "reject":
                line = [*(version for version in line if version != entry.version), entry.version]
        return tuple(line)


class AuditLog:
    """The audit log in one database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def read(self) -> AuditTrail:
        """All decisions, oldest first."""
        with self.database.connected() as connection:
            rows = connection.execute(sa.select(TRAIL).order_by(TRAIL.c.sequence)).mappings().all()
        return AuditTrail(tuple(_entry(row) for row in rows))

    def append(self, entry: Entry, *, after: int) -> Entry:
        """The entry as recorded, with the number ``after + 1``.

        ``after`` is the number of the last entry that the decision took into account, 0 for none.
        Raises Refused if another entry was recorded since.
        """
        without_secrets = {"by": redacted(entry.by), "because": redacted(entry.because)}
        recorded = Entry(**{**asdict(entry), **without_secrets, "sequence": after + 1})
        try:
            # No lock: the checks before it read files from MLflow. A number that was used meanwhile
            # is refused.
            with self.database.connected() as connection:
                connection.execute(
                    TRAIL.insert(),
                    asdict(recorded) | {"at": recorded.at.astimezone(UTC).replace(tzinfo=None)},
                )
        except sa.exc.IntegrityError as problem:
            raise Refused(
                f"another decision was recorded at the same time as {entry.action} of version"
                f" {entry.version} – a decision must take all earlier ones into account – check the"
                " audit log and decide again"
            ) from problem
        return recorded

    def champion_on(self, day: date) -> Entry | None:
        """The decision that made the champion at the end of ``day`` (UTC) the champion, None if
        there was none.
        """
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return AuditTrail(tuple(entry for entry in self.read().entries if entry.at < end)).current


def _entry(row: Mapping[Any, Any]) -> Entry:
    """The row as an entry, without secrets: old rows were recorded before ``append`` removed
    them.
    """
    without_secrets = {"by": redacted(row["by"]), "because": redacted(row["because"])}
    return Entry(**{**row, **without_secrets, "at": row["at"].replace(tzinfo=UTC)})
