"""The product's database: SQLite by default, PostgreSQL by address, and one schema for both.

    champion_history                 who made which model the champion     registry/audit_log.py
    blocks, predictions, partitions  the predictions                       log/prediction_log.py
    labels, deliveries               the labels as delivered               log/label_log.py
    decisions                        decisions of monitoring, with causes  log/decision_log.py
    erasures                         that a subject was erased             log/prediction_log.py

The migrations in ``migrations/versions`` create and change the tables when a newer program opens a
database for the first time. A database that a newer program has changed is refused, because it
could be misread.
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

NEWEST = "0005"  # the last migration; a test compares it with the files

HOLDS, VARIABLE = "predictions, labels and decisions", "PRODUCT_DATABASE_URL"
VERSION_TABLE = "product_version"
MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_SECONDS = 30  # for another process that is writing
LOOK_SECONDS = 5  # for commands that only read, which should fail soon
# The statements that lock the database for one process, for example during a migration. The number
# is the application's own key of the lock. IMMEDIATE takes SQLite's write lock before the first
# read; Python's sqlite3 would start the transaction only before the first write.
LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(20261124)"}


class Database:
    """One database, opened and migrated to the newest schema.

    Raises ConfigError if the address is not valid or a newer release has changed the schema.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url, WAIT_SECONDS)
        if self._version() != NEWEST:
            self._migrate()

    @classmethod
    def refuse_unreadable(cls, url: str) -> None:
        """Raises ProductError if the database cannot be read as it is. Nothing is changed."""
        refuse_missing(url, HOLDS, VARIABLE)
        # Without __init__, which would migrate the database.
        found = cls.__new__(cls)
        found.engine = _engine(url, wait_seconds=LOOK_SECONDS)
        try:
            version = found._version()
        finally:
            found.engine.dispose()
        if version != NEWEST:
            raise ConfigError(
                f"the database has the schema {version or 'none'} – this program reads {NEWEST} –"
                " if the schema is older, run a command that writes, such as score, to update it;"
                " if a newer release has changed it, use that release"
            )

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A connection in a transaction: the changes of the block are recorded completely or not at
        all.

        Raises DatabaseUnavailable if the database does not respond or is locked, and ProductError
        for its other errors. IntegrityError is raised unchanged.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        # First, because it is a kind of DatabaseError. A caller takes it as a used number or name.
        except sa.exc.IntegrityError:
            raise
        except sa.exc.DatabaseError as problem:
            if self.engine.dialect.name == "sqlite" and is_damage(problem.orig):
                url = self.engine.url.render_as_string(hide_password=True)
                raise ProductError(damage(url, problem.orig, HOLDS, VARIABLE)) from problem
            # Drivers raise OperationalError for a lock or a lost connection: a retry may help.
            kind = (
                DatabaseUnavailable
                if isinstance(problem, sa.exc.OperationalError)
                else ProductError
            )
            # The driver's message only: the text of SQLAlchemy's error also contains the statement.
            why = one_line(next(iter(str(problem.orig).splitlines()), ""))
            raise kind(
                f"the database {redacted(self.engine.url)} cannot be used: {why} – it stores the"
                " predictions and decisions – check PRODUCT_DATABASE_URL"
            ) from problem

    @contextmanager
    def alone(self) -> Iterator[sa.Connection]:
        """A transaction that runs in one process at a time, for writes that depend on a read."""
        with self.connected() as connection:
            if lock := LOCKS.get(self.engine.dialect.name):
                connection.exec_driver_sql(lock)
            yield connection

    def wipe(self) -> None:
        """Removes deleted data from SQLite's write-ahead log too; a server does this itself.

        Raises DatabaseUnavailable if another process prevents it because it is reading.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with self.engine.connect() as connection:
            # Outside a transaction, because SQLite cannot empty its log within one.
            single = connection.execution_options(isolation_level="AUTOCOMMIT")
            busy = single.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        if busy:
            raise DatabaseUnavailable(
                f"deleted data is still in {self.engine.url.database}-wal, because another process"
                " is reading the database – expected a moment without readers – run the same"
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
        # Alembic's configuration interpolates %, which a path may contain.
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        with self.alone() as connection:
            # Read again under the lock: another process may have migrated the database meanwhile.
            found = _version_in(connection)
            if found is not None and found not in known:
                raise ConfigError(
                    f"the database has the schema {found}, changed by a newer release of the"
                    f" product – this program knows schemas up to {NEWEST} – use that release"
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
            # The installed driver; SQLAlchemy's default is another one.
            address = address.set(drivername="postgresql+psycopg")
        local = address.get_backend_name() == "sqlite"
        patience = {"timeout": wait_seconds} if local else {"connect_timeout": wait_seconds}
        if "@" in (address.host or ""):
            raise ValueError("an @ of the password is not encoded")
        # pool_pre_ping replaces connections that a restarted server has closed.
        # Parameters are hidden, because they are keys and features of people and an error quotes
        # its statement.
        engine = sa.create_engine(
            address, pool_pre_ping=True, connect_args=patience, hide_parameters=True
        )
    # The cause is dropped: its text repeats the address or half of a password.
    except (sa.exc.ArgumentError, ValueError, ImportError):
        raise ConfigError(
            "PRODUCT_DATABASE_URL is not a valid address – expected sqlite:///var/product.db, or"
            " postgresql://host/database with user:password and an @ before the host – write"
            " special characters of the password as codes, such as %40 for @"
        ) from None
    if local:
        sa.event.listen(engine, "connect", _overwrite_deleted)
    if local and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    return engine


def _overwrite_deleted(connection: Any, _: object) -> None:
    """Makes SQLite overwrite deleted data.

    By default, it stays in the file until the space is needed: an erased key could still be read.
    """
    connection.execute("PRAGMA secure_delete=ON").close()
