"""The decisions of monitoring, each with its cause in a sentence. Rows are added, never changed.

Decisions are numbered. Each is made on the previous ones, under a lock. If two monitoring runs find
the same cause at the same time, one requests a retraining, and the other finds that request.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import sqlalchemy as sa

from ..clock import now
from ..redaction import redacted
from .database import Database
from .prediction_log import utc

__all__ = ["Decided", "DecisionLog", "Reaction"]

Reaction = Literal["retrain", "wait", "nothing"]

DECISIONS = sa.Table(
    "decisions",
    sa.MetaData(),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime),
    *(
        sa.Column(name, sa.String)
        for name in ("action", "cause", "sentence", "trust", "champion", "details")
    ),
    sa.Column("window_start", sa.Date),
    sa.Column("window_end", sa.Date),
)


@dataclass(frozen=True)
class Decided:
    """One decision of monitoring.

    ``cause`` identifies the cause: equal causes have equal texts. ``details`` is plain data that
    JSON can store. ``sequence`` is 0 until the decision is recorded.
    """

    action: Reaction
    cause: str
    sentence: str
    trust: str
    window_start: date
    window_end: date
    champion: str
    details: Mapping[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=now)
    sequence: int = 0


class DecisionLog:
    """The decisions in one database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def decisions(self) -> tuple[Decided, ...]:
        """Every decision, oldest first."""
        with self.database.connected() as connection:
            return _all(connection)

    def decide(self, how: Callable[[tuple[Decided, ...]], Decided]) -> Decided:
        """The decision as recorded: what ``how`` returns for the earlier decisions, oldest first.

        No other process can record a decision meanwhile.
        """
        with self.database.alone() as connection:
            before = _all(connection)
            made = how(before)
            number = (before[-1].sequence if before else 0) + 1
            recorded = Decided(
                **{**_row(made), "sentence": redacted(made.sentence), "sequence": number}
            )
            row = _row(recorded) | {
                "details": json.dumps(recorded.details),
                "at": utc(recorded.at),
            }
            connection.execute(DECISIONS.insert(), row)
        return recorded


def _row(decided: Decided) -> dict[str, Any]:
    return asdict(decided) | {"details": dict(decided.details)}


def _all(connection: sa.Connection) -> tuple[Decided, ...]:
    rows = connection.execute(sa.select(DECISIONS).order_by(DECISIONS.c.sequence)).mappings()
    return tuple(
        Decided(
            **{**row, "details": json.loads(row["details"]), "at": row["at"].replace(tzinfo=UTC)}
        )
        for row in rows
    )
