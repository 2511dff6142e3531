"""Several classes: probabilities beside the score, labels that are texts, and new classes.

The number of a label may then be empty. SQLite cannot change this for a column, so its table is
made anew; the labels and their index stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# For people who write SQL: each row of the view is one prediction with everything known about it.
LOG = """
CREATE VIEW prediction_log AS
SELECT p.key, p.as_of, b.day, b.lane, p.score, p.decision, p.low, p.high,
       b.version, b.digest, b.run, b.at,
       p.features, b.file, p.row, l.outcome, l.arrived_at, p.probabilities, l.outcome_text
FROM predictions p
JOIN blocks b ON b.id = p.block
LEFT JOIN labels l ON l.identity = p.identity AND l.superseded_at IS NULL
"""
NAMES = "identity, revision, key, as_of, outcome, arrived_at, superseded_at, delivery, day"


def upgrade() -> None:
    """Adds the columns, and allows labels without a number."""
    op.execute("DROP VIEW prediction_log")
    op.add_column("predictions", sa.Column("probabilities", sa.JSON))
    op.add_column("deliveries", sa.Column("unseen", sa.JSON))
    if op.get_bind().dialect.name == "sqlite":
        _make_labels_anew()
    else:
        op.alter_column("labels", "outcome", nullable=True)
        op.add_column("labels", sa.Column("outcome_text", sa.Text))
    op.execute(LOG)


def _make_labels_anew() -> None:
    op.drop_index("labels_waiting", "labels")
    op.rename_table("labels", "labels_before")
    op.create_table(
        "labels",
        sa.Column("identity", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("as_of", sa.DateTime),
        sa.Column("outcome", sa.Float),
        sa.Column("arrived_at", sa.DateTime, nullable=False),
        sa.Column("superseded_at", sa.DateTime),
        sa.Column("delivery", sa.String(64), nullable=False),
        sa.Column("day", sa.Date),
        sa.Column("outcome_text", sa.Text),
    )
    op.execute(f"INSERT INTO labels ({NAMES}) SELECT {NAMES} FROM labels_before")
    op.drop_table("labels_before")
    waiting = sa.text("as_of IS NULL AND day IS NULL")
    op.create_index("labels_waiting", "labels", ["key"], sqlite_where=waiting)
