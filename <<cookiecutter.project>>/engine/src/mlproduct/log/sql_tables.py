"""The tables of the prediction log for queries; the migrations create them.

Identities are uint64 in the program. The same 64 bits are stored as a signed integer, because
SQLite and PostgreSQL have no unsigned ones.
"""

import sqlalchemy as sa

__all__ = ["BLOCKS", "ERASURES", "LABELS", "PARTITIONS", "PREDICTIONS", "TABLES"]

TABLES = sa.MetaData()
PARTITIONS = sa.Table(
    "partitions",
    TABLES,
    sa.Column("lane", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    *(sa.Column(name, sa.String) for name in ("version", "digest", "state")),
    *(sa.Column(name, sa.BigInteger) for name in ("rows", "rejected")),
    sa.Column("at", sa.DateTime),
)
BLOCKS = sa.Table(
    "blocks",
    TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.String) for name in ("name", "lane", "version", "digest", "run", "file")),
    sa.Column("day", sa.Date),
    *(sa.Column(name, sa.BigInteger) for name in ("rows", "rejected")),
    sa.Column("at", sa.DateTime),
)
PREDICTIONS = sa.Table(
    "predictions",
    TABLES,
    sa.Column("block", sa.BigInteger, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("identity", sa.BigInteger),
    *(sa.Column(name, sa.Text) for name in ("key", "features")),
    sa.Column("as_of", sa.DateTime),
    *(sa.Column(name, sa.Float) for name in ("decision", "score", "low", "high")),
    # A list with one probability per class; empty where the score says everything.
    sa.Column("probabilities", sa.JSON(none_as_null=True)),
)
LABELS = sa.Table(
    "labels",
    TABLES,
    sa.Column("identity", sa.BigInteger, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text),
    sa.Column("outcome", sa.Float),
    sa.Column("outcome_text", sa.Text),  # of a target that is text; outcome is then empty
    *(sa.Column(name, sa.DateTime) for name in ("as_of", "arrived_at", "superseded_at")),
    sa.Column("delivery", sa.String),
    sa.Column("day", sa.Date),
)
ERASURES = sa.Table(
    "erasures",
    TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.DateTime),
    sa.Column("by", sa.Text),
    *(sa.Column(name, sa.BigInteger) for name in ("predictions", "labels", "files")),
)
