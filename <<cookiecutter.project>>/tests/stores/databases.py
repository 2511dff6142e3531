"""Databases to try things on: a file of the test's own, and a schema of its own on the PostgreSQL of CI."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

__all__ = ["postgresql", "url_in"]


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'var' / 'product.db'}"


@contextmanager
def postgresql(name: str) -> Iterator[str]:
    """The address of an empty schema, dropped afterwards. Skips the test on a machine without a server."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        pytest.skip("TEST_POSTGRES_URL is not set; .ci/run sets it")
    name = f"{name}_{os.getpid()}"
    engine = sa.create_engine(server.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    yield f"{server}?options=-csearch_path%3D{name}"
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()
