"""The entries of the audit log become a hash chain.

Existing entries are chained in their order. Their digests contain ``migrated``, because MLflow has
no digest of them yet.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

COLUMNS = (
    *("sequence", "action", "version", "previous_version", "by", "role", "because", "despite"),
    *("decision", "decision_digest", "model_digest"),
)
TRAIL = sa.table(
    "champion_history",
    *map(sa.column, COLUMNS),
    sa.column("at", sa.DateTime),
    sa.column("entry_digest"),
)


def upgrade() -> None:
    """Adds the column and chains the entries."""
    connection = op.get_bind()
    op.add_column(
        "champion_history",
        sa.Column("entry_digest", sa.String(64), nullable=False, server_default=""),
    )
    local = connection.dialect.name == "sqlite"
    if local:
        op.execute("DROP TRIGGER IF EXISTS champion_history_no_update")
    columns = [column for column in TRAIL.c if column.name != "entry_digest"]
    previous = None
    for row in connection.execute(sa.select(*columns).order_by(TRAIL.c.sequence)).mappings().all():
        previous = _digest(row, previous)
        connection.execute(
            sa.update(TRAIL)
            .where(TRAIL.c.sequence == row["sequence"])
            .values(entry_digest=previous)
        )
    if local:
        op.execute(
            "CREATE TRIGGER champion_history_no_update BEFORE UPDATE ON champion_history"
            " BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END"
        )


def _digest(row: Mapping[Any, Any], previous: str | None) -> str:
    """A copy of ``_digest`` in audit_log.py: a migration must not change with the program."""
    content = dict(row) | {
        "at": row["at"].isoformat(timespec="microseconds"),
        "previous_digest": previous,
        "migrated": True,
    }
    filled = {name: value for name, value in content.items() if value is not None}
    canonical = json.dumps(filled, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
