"""Labels of rows without a time, which are identified by key and day, on SQLite and PostgreSQL."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from mlproduct.data.fingerprint import dated, logged
from mlproduct.errors import InvalidData
from mlproduct.log.database import MIGRATIONS, Database
from mlproduct.log.label_log import Delivery, Labels
from mlproduct.log.prediction_log import LogBatch, PredictionLog, Stream

from ..databases import whole

FIRST, SECOND = date(2026, 11, 2), date(2026, 11, 3)
WITHOUT_TIME = pd.Timestamp("NaT")


def rows_of_keys(*numbers: int, **more: Any) -> pd.DataFrame:
    """Rows without a time, whose identity depends on the key only."""
    identities = np.array([2**64 - 1 - number for number in numbers], dtype=np.uint64)
    times = pd.Series(WITHOUT_TIME, index=range(len(numbers)), dtype="datetime64[us]")
    keys = [f"C{number}" for number in numbers]
    return pd.DataFrame({"identity": identities, "key": keys, "as_of": times, **more})


def predict(url: str, day: date, *numbers: int, stream: Stream = "batch", name: str = "") -> None:
    rows = rows_of_keys(*numbers, decision=1.0)
    assert PredictionLog(url).record(
        LogBatch(f"{stream}/{day}/{name}", stream, day, "3", "m" * 64, "run", rows)
    )


def deliver(
    url: str, digest: str, outcomes: dict[int, float], days: list[date] | None = None, at: int = 9
) -> Delivery:
    more = {} if days is None else {"day": pd.Series(days).astype("datetime64[us]")}
    return Labels(url).record(
        rows_of_keys(*outcomes, outcome=list(outcomes.values()), **more),
        digest=digest,
        source="labels.csv",
        at=datetime(2026, 11, at, tzinfo=UTC),
        late_after=timedelta(days=7),
    )


def outcomes(url: str, day: date) -> list[float | None]:
    found = whole(PredictionLog(url), day, day)["outcome"]
    return found.astype(object).where(found.notna(), None).tolist()


def test_the_logged_identity_of_a_row_without_a_time_is_fixed_by_key_and_day() -> None:
    rows = rows_of_keys(1, 2)
    timed = rows.assign(as_of=[WITHOUT_TIME, pd.Timestamp("2026-11-01")])
    found = logged(rows["identity"].to_numpy(), timed["as_of"], FIRST)
    assert found.tolist() == [
        int(dated(rows["identity"].to_numpy(), np.datetime64(FIRST))[0]),
        2**64 - 3,
    ]
    assert found[0] == 12807474649885450755
    assert (
        len(
            {*found.tolist(), *logged(rows["identity"].to_numpy(), timed["as_of"], SECOND).tolist()}
        )
        == 3
    )


def test_a_label_with_a_day_does_not_change_the_label_of_another_day(database_url: str) -> None:
    predict(database_url, FIRST, 1, 2)
    assert deliver(database_url, "a", {1: 1.0, 2: 0.0}).new == 2
    predict(database_url, SECOND, 1, 2)
    assert outcomes(database_url, SECOND) == [None, None]
    found = deliver(database_url, "b", {1: 0.0, 2: 0.0}, [SECOND, SECOND])
    assert (found.new, found.corrected, found.unmatched) == (2, 0, 0)
    assert (outcomes(database_url, FIRST), outcomes(database_url, SECOND)) == (
        [1.0, 0.0],
        [0.0, 0.0],
    )
    corrected = deliver(database_url, "c", {1: 0.0, 2: 0.0}, [FIRST, FIRST], at=20)
    assert (corrected.corrected, corrected.repeated, corrected.late) == (1, 1, 2)
    assert (outcomes(database_url, FIRST), outcomes(database_url, SECOND)) == (
        [0.0, 0.0],
        [0.0, 0.0],
    )


def test_a_delivery_without_days_is_refused_when_a_key_has_predictions_on_several_days(
    database_url: str,
) -> None:
    predict(database_url, FIRST, 1, 2)
    assert deliver(database_url, "a", {1: 1.0, 2: 0.0}).new == 2
    predict(database_url, SECOND, 2, 3)
    for digest in ("b", "a"):  # repeated rows may be labels of the second day
        with pytest.raises(
            InvalidData, match=r"1 of 3 labels .* C2 on 2026-11-02 and 2026-11-03.*day_column"
        ):
            deliver(database_url, digest, {1: 0.0, 2: 1.0, 3: 1.0})
    assert (outcomes(database_url, FIRST), outcomes(database_url, SECOND)) == (
        [1.0, 0.0],
        [None, None],
    )
    assert Labels(database_url).delivered("b") is None
    assert PredictionLog(database_url).keys_of_several_days() == 1


def test_a_key_scored_again_on_the_same_day_is_one_prediction_with_one_label(
    database_url: str,
) -> None:
    log = PredictionLog(database_url)
    predict(database_url, FIRST, 1)
    rows = rows_of_keys(1, 2)
    known = log.known("batch", FIRST, rows["identity"].to_numpy(), rows["as_of"])
    assert known.tolist() == [True, False]
    assert not log.known("batch", SECOND, rows["identity"].to_numpy(), rows["as_of"]).any()
    predict(database_url, FIRST, 1, stream="shadow")
    predict(database_url, FIRST, 1, stream="service", name="0")
    assert deliver(database_url, "a", {1: 1.0}).new == 1
    assert deliver(database_url, "a", {1: 1.0}).new == 1
    assert whole(log, FIRST, FIRST, ["batch", "service", "shadow"])["outcome"].tolist() == [1.0] * 3
    assert [(each.predictions, each.labelled) for each in log.coverage(FIRST, SECOND)] == [(2, 2)]
    assert log.keys_of_several_days() == 0


def test_a_label_delivered_before_its_prediction_is_joined_to_it(database_url: str) -> None:
    assert deliver(database_url, "a", {1: 0.0, 2: 0.0}).unmatched == 2
    assert deliver(database_url, "b", {1: 1.0}).corrected == 1
    # A label delivered on the 9th does not belong to a prediction of the 10th.
    predict(database_url, date(2026, 11, 10), 2)
    predict(database_url, FIRST, 1)
    predict(database_url, SECOND, 1)
    assert (outcomes(database_url, FIRST), outcomes(database_url, SECOND)) == ([1.0], [None])
    assert outcomes(database_url, date(2026, 11, 10)) == [None]


def test_two_labels_of_a_key_in_one_delivery_are_refused_when_they_differ(
    database_url: str,
) -> None:
    predict(database_url, FIRST, 1)
    twice = rows_of_keys(1, 1, outcome=[0.0, 1.0])
    more: dict[str, Any] = {
        "source": "labels.csv",
        "at": datetime.now(UTC),
        "late_after": timedelta(days=7),
    }
    with pytest.raises(InvalidData, match="C1 has the labels 0 and 1"):
        Labels(database_url).record(twice, digest="a", **more)
    found = Labels(database_url).record(twice.assign(outcome=1.0), digest="b", **more)
    assert (found.rows, found.new, found.repeated) == (2, 1, 1)


def test_forgetting_a_subject_erases_labels_that_match_no_prediction_yet(database_url: str) -> None:
    predict(database_url, FIRST, 1)
    deliver(database_url, "a", {1: 1.0, 2: 1.0})
    for key in ("C1", "C2"):
        assert PredictionLog(database_url).forget(key, by="Ada", files=0).labels == 1
    predict(database_url, SECOND, 1, 2)
    assert outcomes(database_url, SECOND) == [None, None]


def database_at_schema(url: str, revision: str) -> sa.Engine:
    """A database with the schema of an earlier release."""
    engine = Database(url).engine
    with engine.begin() as connection:
        connection.execute(sa.text("DROP VIEW prediction_log"))
        for name in (
            "champion_history",
            "labels",
            "deliveries",
            "predictions",
            "blocks",
            "partitions",
            "decisions",
            "erasures",
            "product_version",
        ):
            connection.execute(sa.text(f"DROP TABLE {name}"))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


def test_a_migration_assigns_labels_without_a_day_to_the_day_they_were_delivered_for(
    database_url: str,
) -> None:
    engine = database_at_schema(database_url, "0002")
    key, timed = rows_of_keys(1)["identity"].to_numpy().view(np.int64).tolist()[0], 77
    unmatched = rows_of_keys(4)["identity"].to_numpy().view(np.int64).tolist()[0]
    block = "INSERT INTO blocks (id, name, lane, day, version, digest, run, rows, rejected, at)"
    row = 'INSERT INTO predictions (block, "row", identity, key, as_of, decision)'
    label = (
        "INSERT INTO labels (identity, revision, key, as_of, outcome, arrived_at, superseded_at,"
        " delivery)"
    )
    noon = datetime(2026, 11, 1, 12)
    with engine.begin() as connection:
        for number, day in enumerate((FIRST, SECOND), start=1):
            shown = {
                "id": number,
                "name": str(day),
                "day": day,
                "at": noon + timedelta(days=day.day - 1),
            }
            connection.execute(
                sa.text(
                    f"{block} VALUES (:id, :name, 'batch', :day, '3', 'm', 'r', 2, 0, :at)"
                ).bindparams(
                    sa.bindparam("day", type_=sa.Date), sa.bindparam("at", type_=sa.DateTime)
                ),
                shown,
            )
            for place, (identity, name, as_of) in enumerate(
                ((key, "C1", None), (timed, "T", noon))
            ):
                values = {
                    "b": number,
                    "r": place,
                    "i": identity + place * number,
                    "k": name,
                    "t": as_of,
                }
                connection.execute(
                    sa.text(f"{row} VALUES (:b, :r, :i, :k, :t, 1)").bindparams(
                        sa.bindparam("t", type_=sa.DateTime)
                    ),
                    values,
                )
        arrived = [datetime(2026, 11, 2, 15), datetime(2026, 11, 3, 15), datetime(2026, 11, 9)]
        rows = [
            (
                key,
                1,
                "C1",
                None,
                1.0,
                arrived[0],
                arrived[1],
            ),  # delivered before the predictions of the second day
            (key, 2, "C1", None, 0.0, arrived[1], arrived[2]),
            (key, 3, "C1", None, 1.0, arrived[2], None),
            (timed + 1, 1, "T", noon, 1.0, arrived[0], None),
            (unmatched, 1, "C4", None, 1.0, arrived[0], None),
        ]
        names = ("i", "n", "k", "t", "o", "a", "s")
        for each in rows:
            connection.execute(
                sa.text(f"{label} VALUES (:i, :n, :k, :t, :o, :a, :s, 'd')").bindparams(
                    *(sa.bindparam(name, type_=sa.DateTime) for name in ("t", "a", "s"))
                ),
                dict(zip(names, each, strict=True)),
            )
    log = PredictionLog(database_url)
    assert whole(log, FIRST, FIRST)["outcome"].tolist() == [1.0, 1.0]
    assert outcomes(database_url, SECOND) == [1.0, None]
    first, second = (whole(log, day, day)["identity"].to_numpy()[0] for day in (FIRST, SECOND))
    raw = rows_of_keys(1)["identity"].to_numpy()
    assert [first, second] == [dated(raw, np.datetime64(day))[0] for day in (FIRST, SECOND)]
    query = (
        "SELECT key, day, revision, outcome, superseded_at FROM labels WHERE as_of IS NULL ORDER BY"
        " key, day, revision"
    )
    with log.database.connected() as connection:
        kept = connection.execute(
            sa.text(query).columns(day=sa.Date, superseded_at=sa.DateTime)
        ).all()
    assert [tuple(each) for each in kept] == [
        ("C1", FIRST, 1, 1.0, None),
        ("C1", SECOND, 1, 0.0, arrived[2]),
        ("C1", SECOND, 2, 1.0, None),
        ("C4", None, 1, 1.0, None),
    ]
    assert deliver(database_url, "z", {1: 0.0}, [FIRST]).corrected == 1
