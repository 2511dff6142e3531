"""The prediction log and its labels, on SQLite and PostgreSQL."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from mlproduct.data.fingerprint import row_hashes
from mlproduct.data.keys import keys_of
from mlproduct.errors import ConfigError
from mlproduct.log import label_log, prediction_log
from mlproduct.log.decision_log import Decided, DecisionLog
from mlproduct.log.label_log import Delivery, Labels
from mlproduct.log.prediction_log import LogBatch, PredictionLog

from ..databases import whole

DAY = date(2026, 11, 24)
IDENTIFIED = {"key": "str", "at": "datetime64[us]"}
IDENTITIES = [12067777962855166450, 5951925193018199715, 10952926141554572092]
LARGE = np.uint64(2**64 - 3)  # an identity above the largest signed 64-bit integer


def predictions(count: int = 4, **columns: Any) -> pd.DataFrame:
    identities = np.arange(count, dtype=np.uint64)
    identities[0] = LARGE
    keys = [f"C{number}" for number in range(count)]
    times = pd.Series(pd.Timestamp("2026-11-20"), index=range(count)).astype("datetime64[us]")
    decided = {"decision": np.arange(count) % 2 * 1.0, "score": np.linspace(0, 1, count)}
    return pd.DataFrame({"identity": identities, "key": keys, "as_of": times, **decided, **columns})


def block(name: str = "batch/2026-11-24/00000", **changes: Any) -> LogBatch:
    return replace(
        LogBatch(name, "batch", DAY, "3", "m" * 64, "run", predictions(), 1, "part.parquet"),
        **changes,
    )


@pytest.fixture
def log(database_url: str) -> PredictionLog:
    return PredictionLog(database_url)


def deliver(
    log: PredictionLog, digest: str, outcomes: dict[int, float], day: int = 25, **more: Any
) -> Delivery:
    rows = predictions().iloc[list(outcomes)]
    labels = Labels(log.database.engine.url.render_as_string(hide_password=False))
    return labels.record(
        rows[["identity", "key", "as_of"]].assign(outcome=list(outcomes.values())),
        digest=digest,
        source="labels.csv",
        at=datetime(2026, 11, day, 9, tzinfo=UTC),
        late_after=timedelta(days=7),
        **more,
    )


def test_recorded_predictions_are_read_unchanged(log: PredictionLog) -> None:
    asked = [{"plan": "basic", "tenure": 3.5}, None, None, None]
    texts = [json.dumps(features) if features else None for features in asked]
    assert log.record(block(predictions=predictions(features=texts)))
    found = whole(log, DAY, DAY)
    names = ["identity", "key", "as_of", "decision", "score"]
    pd.testing.assert_frame_equal(found[names], predictions()[names], check_dtype=False)
    assert found["features"].tolist() == asked
    assert found["low"].isna().all()
    assert set(found["version"]) == {"3"}
    assert whole(log, DAY + timedelta(days=1), DAY + timedelta(days=9)).empty


def test_the_log_is_read_in_tables_of_limited_size(
    log: PredictionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "BATCH_ROWS", 8)
    for number in range(5):
        log.record(block(f"service/{number}", stream="service", version=str(number % 2)))
    keys = [f"C{number}" for number in range(4)]
    assert [table["key"].tolist() for table in log.read(DAY, DAY)] == [2 * keys, 2 * keys, keys]
    assert [len(table) for table in log.read(DAY, DAY, version="1")] == [8]
    deliver(log, "a", {1: 1.0})
    assert [table["key"].tolist() for table in log.read(DAY, DAY, labelled=True)] == [
        ["C1"] * 2,
        ["C1"] * 2,
        ["C1"],
    ]
    assert log.volumes(DAY - timedelta(days=1), DAY) == {DAY: 20}
    assert log.volumes(DAY, DAY, ["batch"]) == {}


def test_a_block_is_recorded_once(log: PredictionLog) -> None:
    assert [log.record(block()), log.record(block())] == [True, False]
    assert len(whole(log, DAY, DAY)) == 4
    assert log.recorded("batch", DAY) == {"batch/2026-11-24/00000": 1}


def test_find_returns_a_block_by_name_without_its_erased_rows(log: PredictionLog) -> None:
    log.record(block())
    found = log.find(block().name)
    assert found is not None
    names = ["identity", "key", "as_of", "decision", "score"]
    pd.testing.assert_frame_equal(found.predictions[names], predictions()[names], check_dtype=False)
    assert replace(found, predictions=None) == replace(block(rejected=1), predictions=None)
    log.forget("C1", by="Ada", files=0)
    left = log.find(block().name)
    assert left is not None
    assert left.predictions["key"].tolist() == ["C0", "C2", "C3"]
    assert log.find("service/none") is None


def test_a_block_is_recorded_completely_or_not_at_all(log: PredictionLog) -> None:
    broken = predictions(decision=[0.0, 1.0, None, 1.0])
    with pytest.raises(sa.exc.IntegrityError):
        log.record(block(predictions=broken))
    assert log.recorded("batch", DAY) == {}
    assert log.record(block())


def test_a_partition_keeps_the_version_with_which_it_was_begun(log: PredictionLog) -> None:
    begun = log.begin("batch", DAY, "3", "m")
    assert log.begin("batch", DAY, "4", "n") == begun
    log.record(block())
    done = log.finish(begun, rejected=2)
    assert (done.done, done.version, done.rows, done.rejected) == (True, "3", 4, 2)
    assert log.partitions() == (done,)
    assert log.partitions("shadow") == ()


def test_known_marks_the_rows_that_a_day_already_contains(log: PredictionLog) -> None:
    log.record(block())
    asked = np.array([LARGE, 2, 77], dtype=np.uint64)
    times = pd.Series(pd.Timestamp("2026-11-20"), index=range(3))
    assert log.known("batch", DAY, asked, times).tolist() == [True, True, False]
    assert log.known("shadow", DAY, asked, times).tolist() == [False, False, False]


def test_a_delivery_counts_new_repeated_corrected_late_and_unmatched_labels(
    log: PredictionLog,
) -> None:
    log.record(block(predictions=predictions(3)))
    first = deliver(log, "a", {0: 1.0, 1: 0.0, 3: 1.0}, rejected=2)
    assert (first.rows, first.new, first.rejected, first.unmatched, first.late) == (5, 3, 2, 1, 0)
    second = deliver(log, "b", {0: 0.0, 1: 0.0, 2: 1.0}, day=29)
    assert (second.new, second.repeated, second.corrected, second.late) == (1, 1, 1, 3)
    assert whole(log, DAY, DAY)["outcome"].tolist() == [0.0, 0.0, 1.0]
    assert [(c.predictions, c.labelled, c.share) for c in log.coverage(DAY, DAY)] == [(3, 3, 1.0)]


def test_a_corrected_label_is_kept_as_an_earlier_revision(log: PredictionLog) -> None:
    deliver(log, "a", {0: 1.0})
    deliver(log, "b", {0: 0.0})
    with log.database.connected() as connection:
        rows = connection.execute(
            sa.text("SELECT revision, outcome, superseded_at FROM labels ORDER BY revision")
        ).all()
    assert [(row[0], row[1], row[2] is None) for row in rows] == [(1, 1.0, False), (2, 0.0, True)]


def test_a_repeated_delivery_changes_nothing(log: PredictionLog) -> None:
    first = deliver(log, "a", {0: 1.0, 1: 0.0})
    deliver(log, "b", {0: 0.0})
    assert deliver(log, "a", {0: 1.0, 1: 0.0}) == first
    labels = Labels(log.database.engine.url.render_as_string(hide_password=False))
    assert labels.delivered("a") == first
    assert labels.delivered("c") is None
    assert labels.since(None) == 2
    assert labels.since(datetime(2026, 11, 26, tzinfo=UTC)) == 0


def call_at_once(do: Callable[[int], Any]) -> list[Any]:
    """The results of two simultaneous calls of ``do`` in two threads.

    Each thread has a separate connection, as a process would.
    """
    ready = Barrier(2)

    def one(number: int) -> Any:
        ready.wait(30)
        return do(number)

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(one, range(2)))


def test_a_delivery_recorded_twice_at_once_is_counted_once(
    log: PredictionLog, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = label_log._write

    def slow_write(*given: Any) -> dict[str, int]:
        time.sleep(0.3)  # long enough for the other thread to start
        return write(*given)

    monkeypatch.setattr(label_log, "_write", slow_write)
    log.record(block())
    logs = [PredictionLog(database_url) for _ in range(2)]
    results = call_at_once(lambda number: deliver(logs[number], "a", {0: 1.0, 1: 0.0}))
    assert results[0] == results[1]
    assert results[0].new == 2
    assert whole(log, DAY, DAY)["outcome"].notna().sum() == 2
    assert Labels(database_url).since(None) == 2


def test_two_expirations_at_once_delete_old_rows_once(
    log: PredictionLog, database_url: str
) -> None:
    log.record(block())
    log.record(block("batch/2027-01-01/0", day=date(2027, 1, 1), predictions=predictions(3)))
    logs = [PredictionLog(database_url) for _ in range(2)]
    erased_rows = call_at_once(lambda number: logs[number].expire(DAY + timedelta(days=2)))
    assert sum(erased.predictions for erased in erased_rows) == 4
    assert len(whole(log, DAY, date(2027, 1, 1))) == 3


def test_a_label_delivered_before_its_prediction_is_joined_to_it(log: PredictionLog) -> None:
    assert deliver(log, "a", {0: 1.0}).unmatched == 1
    log.record(block())
    assert whole(log, DAY, DAY)["outcome"].iloc[0] == 1.0


def test_forget_erases_a_subject_and_records_the_erasure_without_its_key(
    log: PredictionLog,
) -> None:
    log.record(block())
    deliver(log, "a", {0: 1.0, 1: 0.0})
    assert log.may_hold("C1", {"part.parquet", "left-behind.parquet"}) == (
        "left-behind.parquet",
        "part.parquet",
    )
    assert log.may_hold("C9", {"part.parquet"}) == ()
    erased_rows = log.forget("C1", by="Ada", files=1)
    assert (erased_rows.predictions, erased_rows.labels) == (1, 1)
    assert "C1" not in whole(log, DAY, DAY)["key"].tolist()
    with log.database.connected() as connection:
        kept = connection.execute(sa.text("SELECT * FROM erasures")).mappings().one()
    assert "C1" not in str(dict(kept))
    assert log.forget("C1", by="Ada", files=0).predictions == 0


@pytest.mark.parametrize("by", ["", "Ada\nEve", "\u202eadA", "a" * 201])
def test_forget_refuses_an_invalid_name_of_the_person_who_erases(
    log: PredictionLog, by: str
) -> None:
    log.record(block())
    before = len(whole(log, DAY, DAY))
    with pytest.raises(ConfigError, match="--by"):
        log.forget("C1", by=by, files=0)
    assert len(whole(log, DAY, DAY)) == before


def test_expired_days_are_erased_and_still_listed_as_scored(log: PredictionLog) -> None:
    log.record(block())
    log.finish(log.begin("batch", DAY, "3", "m"), rejected=0)
    deliver(log, "a", {0: 1.0})
    erased_rows = log.expire(DAY + timedelta(days=2))
    assert (erased_rows.predictions, erased_rows.labels) == (4, 1)
    assert whole(log, DAY, DAY).empty
    assert log.partitions()[0].done


def decision(cause: str, before: tuple[Decided, ...]) -> Decided:
    asked = any(each.cause == cause and each.action == "retrain" for each in before)
    return Decided(
        "nothing" if asked else "retrain", cause, "Because.", "proxy", DAY, DAY, "3", {"psi": 0.4}
    )


def test_a_decision_depends_on_the_decisions_before_it(database_url: str) -> None:
    decision_log = DecisionLog(database_url)
    made = [decision_log.decide(lambda before: decision("drift in plan", before)) for _ in range(2)]
    assert [(each.sequence, each.action) for each in made] == [(1, "retrain"), (2, "nothing")]
    assert decision_log.decisions() == tuple(made)


def test_forget_erases_every_recorded_spelling_of_a_key(log: PredictionLog) -> None:
    """Release 0.2.0 recorded keys without removing blanks."""
    log.record(block(predictions=predictions(key=[" KEY\t", "KEY", "KEYS", "\u00a0KEY"])))
    deliver(log, "d", {0: 1.0, 1: 0.0})
    assert log.may_hold("KEY ", ()) == ("part.parquet",)
    assert log.forget(" KEY", by="Ada", files=0).predictions == 3
    assert whole(log, DAY, DAY)["key"].tolist() == ["KEYS"]
    log.record(
        block(
            "service/2",
            stream="service",
            file=None,
            predictions=predictions(key=["1", "1.0", "10", "11"]),
        )
    )
    assert log.forget("1.0", by="Ada", files=0).predictions == 2


def test_keys_keep_the_identity_that_release_0_2_0_computed() -> None:
    """Release 0.2.0 computed these identities. Labels must still match its predictions."""
    rows = pd.DataFrame(
        {"key": ["42", "c0000001", "007"], "at": pd.Timestamp("2026-11-20")}
    ).astype(IDENTIFIED)
    assert row_hashes(rows, ["key", "at"]).tolist() == IDENTITIES
    assert (
        keys_of(pd.Series([42, "c0000001", "007"], dtype=object))[0].tolist()
        == rows["key"].tolist()
    )
