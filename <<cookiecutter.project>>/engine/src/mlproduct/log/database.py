"""The product's database: SQLite by default, PostgreSQL by address, and one schema for both.

    champion_history                 who made which model the champion     registry/audit_log.py
    blocks, predictions, partitions  what was predicted                    log/prediction_log.py
    labels, deliveries               what came true                        log/label_log.py
    decisions                        what monitoring decided, and why      log/decision_log.py
    erasures                         that a subject was erased             log/prediction_log.py

The tables are made and changed by the migrations in ``migrations/versions``, when a database is
opened for the first time by a newer program. A database that a newer program has changed is refused
instead of misread.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..data.source_errors import one_line
from ..errors import ConfigError, DatabaseUnavailable, ProductError
from ..redaction import redacted
from .sqlite_files import damage, is_damage, refuse_missing

__all__ = ["HOLDS", "NEWEST", "VARIABLE", "VERSION_TABLE", "Database"]

NEWEST = "0003"
"""The last migration; a test holds it against the files."""

HOLDS, VARIABLE = "predictions, labels and decisions", "PRODUCT_DATABASE_URL"
VERSION_TABLE = "product_version"
MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_SECONDS = 30  # for another process that is writing
LOOK_SECONDS = 5  # where somebody only looks
LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(20261124)"}
"""What keeps two processes from migrating at once."""


class Database:
    """One database, opened and brought up to date."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url, WAIT_SECONDS)
        if self._version() != NEWEST:
            self._migrate()

    @classmethod
    def refuse_unreadable(cls, url: str) -> None:
        """Raises ProductError where the database cannot be read as it is: it is made and changed by
        nobody here.
        """
        refuse_missing(url, HOLDS, VARIABLE)
        found = cls.__new__(cls)
        found.engine = _engine(url, wait_seconds=LOOK_SECONDS)
        try:
            version = found._version()
        finally:
            found.engine.dispose()
        if version != NEWEST:
            raise ConfigError(
                f"the database has the schema {version or 'none'}, this program reads {NEWEST} – it"
                " is brought up to date by the first verb that writes, such as score, or was"
                " changed by a newer release – run one, or use that release"
            )

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A connection in a transaction: what the block does is recorded as a whole, or not at all.

        Raises DatabaseUnavailable where the database does not answer or is locked, and ProductError
        for whatever else it refuses; IntegrityError passes as it is.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except sa.exc.IntegrityError:
            raise
        except sa.exc.DatabaseError as problem:
            if self.engine.dialect.name == "sqlite" and is_damage(problem.orig):
                url = self.engine.url.render_as_string(hide_password=True)
                raise ProductError(damage(url, problem.orig, HOLDS, VARIABLE)) from problem
            kind = (
                DatabaseUnavailable
                if isinstance(problem, sa.exc.OperationalError)
                else ProductError
            )
            why = one_line(next(iter(str(problem.orig).splitlines()), ""))
            raise kind(
                f"the database {redacted(self.engine.url)} cannot be used: {why} – predictions and"
                " decisions are kept there – check PRODUCT_DATABASE_URL"
            ) from problem

    @contextmanager
    def alone(self) -> Iterator[sa.Connection]:
        """A transaction that no other process is in at the same time, for what is first read and
        then written.
        """
        with self.connected() as connection:
            if lock := LOCKS.get(self.engine.dialect.name):
                connection.exec_driver_sql(lock)
            yield connection

    def wipe(self) -> None:
        """Takes what was deleted out of SQLite's write-ahead log too; on a server, that is the
        server's to do.

        Raises DatabaseUnavailable where another process keeps it from that by reading on.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with self.engine.connect() as connection:
            # Not in a transaction: SQLite cannot empty its log from within one.
            single = connection.execution_options(isolation_level="AUTOCOMMIT")
            busy = single.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        if busy:
            raise DatabaseUnavailable(
                f"what was deleted still stands in {self.engine.url.database}-wal – another process"
                " reads the database, and expected is that none does for a moment – run the same"
                " command again"
            )

    def _version(self) -> str | None:
        with self.connected() as connection:
            return _version_in(connection)

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        with self.alone() as connection:
            found = _version_in(connection)
            if found is not None and found not in known:
                raise ConfigError(
                    f"the database has the schema {found}, this program knows up to {NEWEST} – a"
                    " newer release of the product has changed it – use that one"
                )
            config.attributes["connection"] = connection
            command.upgrade(config, NEWEST)


def _version_in(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def _engine(url: str, wait_seconds: float) -> sa.Engine:
    try:
        address = sa.make_url(url)
        if address.drivername in ("postgres", "postgresql"):
            address = address.set(drivername="postgresql+psycopg")  # the driver in the lock
        local = address.get_backend_name() == "sqlite"
        patience = {"timeout": wait_seconds} if local else {"connect_timeout": wait_seconds}
        if "@" in (address.host or ""):
            raise ValueError("an @ of the password is not encoded")
        # Parameters are keys and features of people: an error that quotes a statement must not
        # quote them.
        engine = sa.create_engine(
            address, pool_pre_ping=True, connect_args=patience, hide_parameters=True
        )
    except (
        sa.exc.ArgumentError,
        ValueError,
        ImportError,
    ):  # their words repeat the address, or half a password
        raise ConfigError(
            "PRODUCT_DATABASE_URL is not an address that can be used – expected"
            " sqlite:///var/product.db, or postgresql://host/database with user:password and an @"
            " before the host – write special characters of the password as %40 and the like"
        ) from None
    if local:
        sa.event.listen(engine, "connect", _overwrite_deleted)
    if local and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    return engine


def _overwrite_deleted(connection: Any, _: object) -> None:
    """SQLite leaves what was deleted in the file until the room is needed: an erased key could
    still be read.
    """
    connection.execute("PRAGMA secure_delete=ON").close()
