"""The audit log: who made which model the champion.

A table from before there were migrations is kept.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the audit log."""
    tables = sa.inspect(op.get_bind())
    if tables.has_table("schema_version"):
        op.drop_table("schema_version")
    if tables.has_table("champion_history"):
        return
    op.create_table(
        "champion_history",
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
        sa.Column("at", sa.DateTime, nullable=False),
    )
    # On a server, the administrator restricts changes with rights on the table.
    if op.get_bind().dialect.name != "sqlite":
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER champion_history_no_{change.lower()} BEFORE {change} ON"
            " champion_history BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END"
        )
