"""The audit log: who made which model the champion, when and why. Rows are only added.

It is the source of truth, and the alias in MLflow mirrors it. Each decision gets the next number,
and a number is used once. Of two decisions made at the same time on the same state, one is
therefore refused.

The entries are a hash chain: the digest of each one covers its columns and the digest of the entry
before. ``audit_mirror.py`` keeps the last digest in MLflow too, so that a change of one of the two
stores is detected.

The table is in the product's database; ``log/database.py`` opens and creates it.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from ..clock import now
from ..errors import Refused
from ..log.database import Database
from ..redaction import redacted

__all__ = ["RESTORE", "Action", "AuditLog", "AuditTrail", "Entry", "taken_on_text"]

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
    sa.Column("entry_digest", sa.String(64), nullable=False),
)

RESTORE = "restore the product's database from a backup"  # what to do, in several messages
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
    ``sequence`` and ``entry_digest`` are empty until ``AuditTrail.followed_by`` sets them.
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
    entry_digest: str = ""

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
    """The decisions so far, oldest first, and the state that results from them.

    ``migrated`` is the number of entries from before 0.5.0, which the migration chained.
    ``broken`` names the first entry that does not fit into the chain, None if every entry does.
    """

    entries: tuple[Entry, ...]
    migrated: int = 0
    broken: str | None = None

    @property
    def last(self) -> int:
        """The number of the last decision, 0 if there is none."""
        return self.entries[-1].sequence if self.entries else 0

    @property
    def head(self) -> str | None:
        """The digest of the last decision, None if there is none."""
        return self.entries[-1].entry_digest if self.entries else None

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

    def followed_by(self, entry: Entry) -> Entry:
        """The entry as the next one: with its number and digest, and without secrets."""
        following = replace(
            entry,
            by=redacted(entry.by),
            because=redacted(entry.because),
            sequence=self.last + 1,
        )
        return replace(following, entry_digest=_digest(_row(following), self.head))


class AuditLog:
    """The audit log in one database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def read(self) -> AuditTrail:
        """All decisions, oldest first. Raises Refused if the time of an entry is not a time."""
        query = sa.select(TRAIL).order_by(TRAIL.c.sequence)
        try:
            with self.database.connected() as connection:
                rows = connection.execute(query).mappings().all()
        except (TypeError, ValueError) as problem:  # SQLite stores any value in the column
            raise Refused(
                f"the audit log has an entry with an invalid time ({problem}) – it was changed –"
                f" {RESTORE}"
            ) from problem
        return AuditTrail(tuple(_entry(row) for row in rows), *_chain(rows))

    def append(self, entry: Entry) -> None:
        """Records the entry that ``AuditTrail.followed_by`` returned.

        Raises Refused if another entry was recorded since the trail was read.
        """
        try:
            # No lock: the checks before it read files from MLflow. A number that was used meanwhile
            # is refused.
            with self.database.connected() as connection:
                connection.execute(TRAIL.insert(), _row(entry))
        except sa.exc.IntegrityError as problem:
            raise Refused(
                f"another decision was recorded at the same time as {entry.action} of version"
                f" {entry.version} – a decision must take all earlier ones into account – check the"
                " audit log and decide again"
            ) from problem

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


def _row(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.astimezone(UTC).replace(tzinfo=None)}


def _digest(row: Mapping[Any, Any], previous: str | None, *, migrated: bool = False) -> str:
    """The sha256 of the row's canonical JSON, with the digest of the row before.

    Empty columns are left out, so that a new column does not change the digests of old rows.
    """
    content = {name: value for name, value in row.items() if name != "entry_digest"}
    content |= {
        "at": row["at"].isoformat(timespec="microseconds"),
        "previous_digest": previous,
        "migrated": migrated or None,
    }
    filled = {name: value for name, value in content.items() if value is not None}
    # default: SQLite can return bytes from a column of texts that was changed.
    canonical = json.dumps(filled, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _chain(rows: Sequence[Mapping[Any, Any]]) -> tuple[int, str | None]:
    """``migrated`` and ``broken`` of the trail of these rows, which are as stored."""
    migrated, number = 0, 0
    previous: str | None = None
    for row in rows:
        found = row["entry_digest"]
        if migrated == number and found == _digest(row, previous, migrated=True):
            migrated += 1
        elif found != _digest(row, previous):
            return migrated, _broken(number + 1, row)
        number, previous = row["sequence"], found
    return migrated, None


def _broken(expected: int, row: Mapping[Any, Any]) -> str:
    if row["sequence"] != expected:
        what = f"the audit log has no entry {expected} before entry {row['sequence']}"
    else:
        what = (
            f"entry {expected} of the audit log ({row['action']} of version {row['version']}) does"
            " not match its digest: it was changed or added, or the entry before it was changed"
        )
    return f"{what} – expected the entries as they were recorded – {RESTORE}"
