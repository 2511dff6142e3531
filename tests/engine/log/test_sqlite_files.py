"""SQLite's files: what was erased is not in them, and a damaged one is told in a line."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from mlproduct.errors import DatabaseUnavailable, ProductError
from mlproduct.log.database import Database
from mlproduct.log.label_log import Labels
from mlproduct.log.prediction_log import LogBatch, PredictionLog
from mlproduct.log.sqlite_files import integrity, refuse_damaged

from ..databases import url_in

KEY, DAY = "subject-to-be-erased-4711", date(2026, 11, 24)


def filled(url: str, *, timed: bool) -> PredictionLog:
    """A log of 2,000 rows on two days; the same subject is among those of each, and has labels, one
    corrected.
    """
    log, random = PredictionLog(url), np.random.default_rng(7)
    moment = pd.Timestamp("2026-11-20") if timed else pd.NaT
    for day in (DAY, DAY + timedelta(days=1)):
        rows = pd.DataFrame(
            {"identity": random.integers(0, 2**63, 1_000).astype(np.uint64), "decision": 1.0}
        )
        rows["key"] = [
            KEY if number == 500 else f"C{number * 7919 % 1000:024d}" for number in range(1_000)
        ]
        rows["as_of"] = pd.Series(moment, index=rows.index).astype("datetime64[us]")
        rows["features"] = json.dumps({"note": "x" * 200})
        log.record(LogBatch(str(day), "batch", day, "3", "m" * 64, "run", rows))
        for digest, outcome in (("a", 1.0), ("b", 0.0)):
            Labels(url).record(
                rows[["identity", "key", "as_of"]].assign(
                    outcome=outcome, day=pd.Timestamp(day) if not timed else pd.NaT
                ),
                digest=f"{day}{digest}",
                source="labels.csv",
                at=datetime(2026, 11, 28, tzinfo=UTC),
                late_after=timedelta(days=7),
            )
    return log


def holding(folder: Path) -> list[str]:
    """The files in which the subject's key can be read."""
    return [path.name for path in folder.iterdir() if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_an_erased_key_is_not_among_the_bytes_of_any_file(
    tmp_path: Path, mode: str, timed: bool
) -> None:
    url = url_in(tmp_path)
    reader = Database(
        url
    ).engine.connect()  # keeps the write-ahead log alive, as another process would
    reader.execute(sa.text(f"PRAGMA journal_mode={mode}"))
    reader.rollback()
    log = filled(url, timed=timed)
    assert holding(tmp_path / "var")
    gone = log.forget(KEY, by="Ada", files=0)
    assert (gone.predictions, gone.labels) == (2, 4)
    assert holding(tmp_path / "var") == []
    reader.close()


def test_what_expires_is_not_among_the_bytes_either(tmp_path: Path) -> None:
    log = filled(url_in(tmp_path), timed=True)
    log.expire(DAY + timedelta(days=30))
    assert holding(tmp_path / "var") == []


def test_a_reader_that_holds_the_log_of_the_file_open_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlproduct.log.database.WAIT_SECONDS", 0.1)
    url = url_in(tmp_path)
    log = filled(url, timed=True)
    with log.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=wal")
    with sqlite3.connect(tmp_path / "var" / "product.db") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM predictions").fetchone()
        with pytest.raises(
            DatabaseUnavailable, match=r"product\.db-wal.*run the same command again"
        ):
            log.forget(KEY, by="Ada", files=0)
    reader.close()
    log.forget(KEY, by="Ada", files=0)
    assert holding(tmp_path / "var") == []


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database " * 1000)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_page_lost(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-8192:] = b"\xff" * 8192
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [garbage, truncated])
def test_a_damaged_file_is_told_with_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    url = url_in(tmp_path)
    filled(url, timed=True).database.engine.dispose()
    assert (
        integrity(url, "predictions", "PRODUCT_DATABASE_URL")
        == f"{tmp_path / 'var' / 'product.db'} is intact"
    )
    refuse_damaged(url, "predictions", "PRODUCT_DATABASE_URL")
    damage(tmp_path / "var" / "product.db")
    for call in (
        lambda: PredictionLog(url).coverage(DAY, DAY),
        lambda: refuse_damaged(url, "predictions", "PRODUCT_DATABASE_URL"),
        lambda: integrity(url, "predictions", "PRODUCT_DATABASE_URL"),
    ):
        with pytest.raises(
            ProductError, match=r"product\.db is damaged.*restore it from a backup"
        ) as problem:
            call()
        assert not isinstance(problem.value, DatabaseUnavailable)  # trying again does not help
        assert len(str(problem.value).splitlines()) == 1


def test_the_integrity_check_finds_what_opening_the_file_does_not(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    filled(url, timed=True).database.engine.dispose()
    a_page_lost(tmp_path / "var" / "product.db")
    refuse_damaged(url, "predictions", "PRODUCT_DATABASE_URL")
    with pytest.raises(ProductError, match=r"product\.db is damaged.*restore it from a backup"):
        integrity(url, "predictions", "PRODUCT_DATABASE_URL")


@pytest.mark.parametrize(
    "url", ["sqlite:///no/such/file.db", "http://mlflow:5000", "postgresql://u:secret@h/d"]
)
def test_what_is_not_there_or_no_file_is_left_to_others(url: str) -> None:
    refuse_damaged(url, "runs", "MLFLOW_TRACKING_URI")
    assert "secret" not in integrity(url, "runs", "MLFLOW_TRACKING_URI")
    assert not Path("no").exists()
