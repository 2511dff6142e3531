"""The tables of the prediction log, the labels and the decisions of monitoring."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# For people who write SQL: each row of the view is one prediction with everything known about it.
LOG = """
CREATE VIEW prediction_log AS
SELECT p.key, p.as_of, b.day, b.lane, p.score, p.decision, p.low, p.high,
       b.version, b.digest, b.run, b.at,
       p.features, b.file, p.row, l.outcome, l.arrived_at
FROM predictions p
JOIN blocks b ON b.id = p.block
LEFT JOIN labels l ON l.identity = p.identity AND l.superseded_at IS NULL
"""


def upgrade() -> None:
    """Creates the prediction log and its view."""
    # An INTEGER in SQLite, because only such a primary key is numbered automatically.
    whole = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "partitions",
        sa.Column("lane", sa.String(20), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "blocks",
        sa.Column("id", whole, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(120), nullable=False, unique=True),
        sa.Column("lane", sa.String(20), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("file", sa.Text),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("blocks_day", "blocks", ["day", "lane"])
    op.create_table(
        "predictions",
        sa.Column(
            "block", whole, sa.ForeignKey("blocks.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("identity", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("as_of", sa.DateTime),
        sa.Column("decision", sa.Float, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("low", sa.Float),
        sa.Column("high", sa.Float),
        sa.Column("features", sa.Text),
    )
    op.create_index("predictions_identity", "predictions", ["identity"])
    op.create_table(
        "labels",
        sa.Column("identity", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("as_of", sa.DateTime),
        sa.Column("outcome", sa.Float, nullable=False),
        sa.Column("arrived_at", sa.DateTime, nullable=False),
        sa.Column("superseded_at", sa.DateTime),
        sa.Column("delivery", sa.String(64), nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("rows", "new", "repeated", "corrected", "late", "unmatched", "rejected")
        ),
    )
    op.create_table(
        "decisions",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("trust", sa.String(20), nullable=False),
        sa.Column("window_start", sa.Date, nullable=False),
        sa.Column("window_end", sa.Date, nullable=False),
        sa.Column("champion", sa.String(20), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("id", whole, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("predictions", sa.BigInteger, nullable=False),
        sa.Column("labels", sa.BigInteger, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
    )
    op.execute(LOG)
