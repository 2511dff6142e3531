"""Creating, migrating and refusing the schema on SQLite and PostgreSQL."""

import multiprocessing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from mlproduct.errors import ConfigError, DatabaseUnavailable
from mlproduct.log.database import MIGRATIONS, NEWEST, Database
from mlproduct.log.decision_log import DECISIONS
from mlproduct.log.label_log import DELIVERIES
from mlproduct.log.sql_tables import TABLES
from mlproduct.registry.audit_log import TRAIL, AuditLog

from ..databases import url_in


def test_the_newest_migration_is_the_schema_that_the_program_expects() -> None:
    numbers = sorted(path.name[1:5] for path in (MIGRATIONS / "versions").glob("r*.py"))
    assert numbers[-1] == NEWEST


def test_the_migrated_tables_have_the_columns_that_the_program_uses(database_url: str) -> None:
    inspector = sa.inspect(Database(database_url).engine)
    for table in (*TABLES.sorted_tables, DELIVERIES, DECISIONS, TRAIL):
        existing = {column["name"] for column in inspector.get_columns(table.name)}
        assert existing == {column.name for column in table.columns}, table.name
    assert inspector.get_view_names() == ["prediction_log"]


def test_an_audit_log_from_before_the_first_migration_is_kept(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    audit_log = AuditLog(url)
    with audit_log.database.engine.begin() as connection:
        for table in (
            "predictions",
            "blocks",
            "partitions",
            "labels",
            "deliveries",
            "decisions",
            "erasures",
        ):
            connection.execute(
                sa.text(f"DROP {'VIEW' if table.endswith('_log') else 'TABLE'} {table}")
            )
        connection.execute(sa.text("DROP VIEW prediction_log"))
        connection.execute(sa.text("DROP TABLE product_version"))
        connection.execute(sa.text("ALTER TABLE champion_history DROP COLUMN entry_digest"))
        connection.execute(
            sa.text("CREATE TABLE schema_version (part TEXT PRIMARY KEY, version INTEGER)")
        )
        row = "(1, 'approve', '1', NULL, 'Ada', 'reviewer', 'It pays.', '', 'ready', 'd', 'm', :at)"
        connection.execute(
            sa.text(f"INSERT INTO champion_history VALUES {row}"), {"at": datetime(2026, 1, 1)}
        )
    trail = AuditLog(url).read()
    assert (trail.champion, trail.migrated, trail.broken) == ("1", 1, None)
    assert not sa.inspect(audit_log.database.engine).has_table("schema_version")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    with Database(url).connected() as connection:
        connection.execute(sa.text("UPDATE product_version SET version_num = '9999'"))
    with pytest.raises(
        ConfigError,
        match="has the schema 9999, changed by a newer release of the product – this program knows"
        " schemas up to",
    ):
        Database(url)


def open_database(url: str, ready: Any) -> None:
    ready.wait()
    Database(url)


def test_three_processes_that_open_a_new_database_at_once_create_it_once(database_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(3)
    processes = [
        context.Process(target=open_database, args=(database_url, ready)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_database_that_does_not_respond_is_reported_as_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable, match="check PRODUCT_DATABASE_URL"):
        Database("postgresql://ann:secret@127.0.0.1:1/none")
