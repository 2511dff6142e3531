"""Databases for tests: an SQLite file per test and a schema per test on the PostgreSQL server of
CI.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.registry.audit_log import AuditLog, Entry

__all__ = ["postgresql", "recorded", "url_in", "whole"]


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'var' / 'product.db'}"


@contextmanager
def postgresql(name: str) -> Iterator[str]:
    """The URL of an empty schema, which is dropped afterwards. Skips the test on a machine without
    a server.
    """
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


def recorded(audit_log: AuditLog, entry: Entry) -> Entry:
    """The entry as recorded after the present ones, without the checks of a decision."""
    following = audit_log.read().followed_by(entry)
    audit_log.append(following)
    return following


def whole(log: PredictionLog, *asked: Any, **more: Any) -> pd.DataFrame:
    """The batches of ``log.read`` as one table."""
    tables = list(log.read(*asked, **more))
    return (
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["key", "version"])
    )
