"""SQLite's files after an erasure, and the messages for damaged files."""

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


def filled_log(url: str, *, timed: bool) -> PredictionLog:
    """A log with 1,000 predictions on each of two days.

    One subject has a prediction on both days, each with a label and a correction of it.
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


def files_with_key(folder: Path) -> list[str]:
    """The names of the files whose bytes contain the subject's key."""
    return [path.name for path in folder.iterdir() if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_an_erased_key_is_in_the_bytes_of_no_file(tmp_path: Path, mode: str, timed: bool) -> None:
    url = url_in(tmp_path)
    # An open connection keeps the write-ahead log, as that of another process would.
    reader = Database(url).engine.connect()
    reader.execute(sa.text(f"PRAGMA journal_mode={mode}"))
    reader.rollback()
    log = filled_log(url, timed=timed)
    assert files_with_key(tmp_path / "var")
    erased = log.forget(KEY, by="Ada", files=0)
    assert (erased.predictions, erased.labels) == (2, 4)
    assert files_with_key(tmp_path / "var") == []
    reader.close()


def test_an_expired_key_is_in_the_bytes_of_no_file(tmp_path: Path) -> None:
    log = filled_log(url_in(tmp_path), timed=True)
    log.expire(DAY + timedelta(days=30))
    assert files_with_key(tmp_path / "var") == []


def test_an_erasure_fails_when_a_reader_keeps_the_write_ahead_log_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlproduct.log.database.WAIT_SECONDS", 0.1)
    url = url_in(tmp_path)
    log = filled_log(url, timed=True)
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
    assert files_with_key(tmp_path / "var") == []


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database " * 1000)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def page_overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-8192:] = b"\xff" * 8192
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [garbage, truncated])
def test_a_damaged_file_is_reported_with_advice(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    url = url_in(tmp_path)
    filled_log(url, timed=True).database.engine.dispose()
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
        assert not isinstance(problem.value, DatabaseUnavailable)  # a retry does not help
        assert len(str(problem.value).splitlines()) == 1


def test_integrity_detects_a_damaged_page_that_refuse_damaged_does_not(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    filled_log(url, timed=True).database.engine.dispose()
    page_overwritten(tmp_path / "var" / "product.db")
    refuse_damaged(url, "predictions", "PRODUCT_DATABASE_URL")
    with pytest.raises(ProductError, match=r"product\.db is damaged.*restore it from a backup"):
        integrity(url, "predictions", "PRODUCT_DATABASE_URL")


@pytest.mark.parametrize(
    "url", ["sqlite:///no/such/file.db", "http://mlflow:5000", "postgresql://u:secret@h/d"]
)
def test_a_missing_file_and_a_server_are_not_checked_and_no_secret_is_shown(url: str) -> None:
    refuse_damaged(url, "runs", "MLFLOW_TRACKING_URI")
    assert "secret" not in integrity(url, "runs", "MLFLOW_TRACKING_URI")
    assert not Path("no").exists()
