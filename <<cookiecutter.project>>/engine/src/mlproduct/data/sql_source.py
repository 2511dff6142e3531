"""Read the rows of a query as a stream; the address of the database is in the environment."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from ..config.settings import Source
from ..errors import SourceError, SourceUnavailable
from .source_errors import one_line

__all__ = ["frames"]

ROWS_AT_ONCE = 50_000  # held in memory while the server sends the next ones
# Classes of SQLSTATE that are temporary: connection, rollback, resources, operator intervention
# (PostgreSQL documentation, appendix A).
PASSING = ("08", "40", "53", "57")

# Parts of messages that mean a wrong address or wrong credentials, not an outage.
REFUSED = ("authentication", "does not exist", "no pg_hba", "password", "Access denied", "role ")


def frames(
    source: Source, wanted: Sequence[str], environ: Mapping[str, str]
) -> Iterator[tuple[pd.DataFrame, tuple[str, ...]]]:
    """Tables of bounded size with the ``wanted`` columns of the query, and the names of all others.

    Raises SourceError, or SourceUnavailable if the database is temporarily unavailable.
    """
    import sqlalchemy as sa

    name, query = source.described, str(source.query)
    url = _address(source, environ)
    engine = _engine(url, name)
    # SQLAlchemy would read a colon as a parameter, so colons are escaped. The line break before the
    # bracket ends a line comment at the end of the query. A semicolon within brackets is an error.
    inner = sa.text(f"(\n{query.strip().rstrip(';').replace(':', chr(92) + ':')}\n) AS source_rows")
    try:
        with _in_words(name), engine.connect() as connection:
            yield from _streamed(
                connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE),
                inner,
                wanted,
            )
    finally:
        engine.dispose()


def _streamed(
    connection: Any, inner: Any, wanted: Sequence[str]
) -> Iterator[tuple[pd.DataFrame, tuple[str, ...]]]:
    import sqlalchemy as sa

    # A query without rows returns the names of the columns.
    names = list(
        connection.execute(
            sa.select(sa.text("*")).select_from(inner).where(sa.text("1 = 0"))
        ).keys()
    )
    found = [name for name in wanted if name in names]
    unread = tuple(name for name in names if name not in wanted)
    if not found:
        yield pd.DataFrame(), unread
        return
    empty = True
    for rows in connection.execute(sa.select(*map(sa.column, found)).select_from(inner)).partitions(
        ROWS_AT_ONCE
    ):
        empty = False
        yield _frame([tuple(row) for row in rows], found), unread
    if empty:
        yield pd.DataFrame({name: pd.Series(dtype="str") for name in found}), unread


def _frame(rows: list[tuple[Any, ...]], names: list[str]) -> pd.DataFrame:
    """The rows as a table in which whole numbers stay whole.

    Without this, pandas would convert them to floats if one is missing.
    """
    frame = pd.DataFrame.from_records(rows, columns=names)
    for at, name in enumerate(names):
        if not pd.api.types.is_float_dtype(frame[name].dtype):
            continue
        kinds = {type(row[at]) for row in rows}
        if int in kinds:
            # Beside fractions, whole numbers stay exact as objects.
            only = kinds <= {int, type(None)}
            frame[name] = pd.Series([row[at] for row in rows], dtype="Int64" if only else object)
    return frame


def _address(source: Source, environ: Mapping[str, str]) -> Any:
    import sqlalchemy as sa

    variable = str(source.url_from)
    text = environ.get(variable, "").strip()
    if not text:
        raise SourceError(
            f"source.url_from: the environment variable {variable} is not set – expected the"
            f" address of a database – export {variable}=postgresql://host/database, or set it in"
            " .env"
        )
    try:
        url = sa.engine.make_url(text)
        # SQLAlchemy ends the password at its first @ and takes the rest as the host.
        if "@" in (url.host or ""):
            raise ValueError("an @ of the password is not encoded")
    except (sa.exc.ArgumentError, ValueError):
        # Not chained: their text contains the address with its password.
        raise SourceError(
            f"${variable}: is not the address of a database – expected"
            " postgresql://host:5432/database, with user:password and an @ before the host – encode"
            " special characters of the password, for example @ as %40"
        ) from None
    # SQLAlchemy's default driver is psycopg2; this package installs psycopg 3.
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        _refuse_missing(Path(str(url.database)), variable)
    return url


def _refuse_missing(database: Path, variable: str) -> None:
    """Raises SourceError for a missing file; SQLite would create an empty database."""
    if not str(database).startswith("file:") and not database.is_file():
        raise SourceError(
            f"${variable}: {database}: no such file – expected an SQLite database – check the"
            " address"
        )


def _engine(url: Any, name: str) -> Any:
    import sqlalchemy as sa

    # Without a pool, no connection stays open between two reads. With hidden parameters, errors do
    # not contain values.
    # Only psycopg knows this argument; the driver of SQLite refuses it.
    patience = {"connect_timeout": 20} if url.get_backend_name() == "postgresql" else {}
    try:
        return sa.create_engine(
            url, poolclass=sa.pool.NullPool, connect_args=patience, hide_parameters=True
        )
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError):
        raise SourceError(
            f"{name}: no driver for {url.drivername} – expected postgresql or sqlite, or a driver's"
            " package installed – install it, or check the start of the address"
        ) from None


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _mistake(name, error) from None
    except (sa.exc.SQLAlchemyError, ValueError, OSError) as error:
        raise SourceError(
            f"{name}: {one_line(error)} – expected rows – check address and query"
        ) from None


def _mistake(name: str, error: Any) -> SourceError:
    message = one_line(error.orig)
    state = getattr(error.orig, "sqlstate", None) or ""
    # SQLAlchemy has no statement for an error while it connects.
    connecting = error.statement is None
    # SQLite has no SQLSTATE; its message for a busy database is "database is locked".
    passing = error.connection_invalidated or state[:2] in PASSING or "locked" in message
    if passing or (connecting and not any(word in message for word in REFUSED)):
        return SourceUnavailable(
            f"{name}: no response ({message}) – expected the database to be available – try again"
            " later"
        )
    if connecting:
        return SourceError(
            f"{name}: {message} – expected a connection –"
            f" check user, password and database in {name}"
        )
    return SourceError(
        f"{name}: the database rejected the query: {message} – expected a SELECT –"
        " correct source.query"
    )
