"""One schema for SQLite and PostgreSQL: made, brought up to date, refused when it is newer."""

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
from mlproduct.registry.audit_log import AuditLog

from ..databases import url_in


def test_the_newest_migration_is_the_one_the_program_expects() -> None:
    numbers = sorted(path.name[1:5] for path in (MIGRATIONS / "versions").glob("r*.py"))
    assert numbers[-1] == NEWEST


def test_the_tables_are_as_the_program_reads_and_writes_them(database_url: str) -> None:
    inspector = sa.inspect(Database(database_url).engine)
    for table in (*TABLES.sorted_tables, DELIVERIES, DECISIONS):
        there = {column["name"] for column in inspector.get_columns(table.name)}
        assert there == {column.name for column in table.columns}, table.name
    assert inspector.get_view_names() == ["prediction_log"]


def test_a_trail_from_before_there_were_migrations_is_kept(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    history = AuditLog(url)
    with history.database.engine.begin() as connection:
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
        connection.execute(
            sa.text("CREATE TABLE schema_version (part TEXT PRIMARY KEY, version INTEGER)")
        )
        row = "(1, 'approve', '1', NULL, 'Ada', 'reviewer', 'It pays.', '', 'ready', 'd', 'm', :at)"
        connection.execute(
            sa.text(f"INSERT INTO champion_history VALUES {row}"), {"at": datetime(2026, 1, 1)}
        )
    assert AuditLog(url).read().champion == "1"
    assert not sa.inspect(history.database.engine).has_table("schema_version")


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


def open_at_once(url: str, ready: Any) -> None:
    ready.wait()
    Database(url)


def test_two_processes_that_open_a_new_database_at_once_make_it_once(database_url: str) -> None:
    fresh = multiprocessing.get_context("spawn")
    ready = fresh.Barrier(3)
    all_of_them = [fresh.Process(target=open_at_once, args=(database_url, ready)) for _ in range(3)]
    for process in all_of_them:
        process.start()
    for process in all_of_them:
        process.join(120)
    assert [process.exitcode for process in all_of_them] == [0, 0, 0]


def test_a_database_that_does_not_answer_is_told_from_a_wrong_address() -> None:
    with pytest.raises(DatabaseUnavailable, match="check PRODUCT_DATABASE_URL"):
        Database("postgresql://nobody:secret@127.0.0.1:1/none")
