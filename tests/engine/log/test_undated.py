"""Labels where rows have no time: a prediction is known by its key and its day, on both kinds of
database.
"""

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
NEVER = pd.Timestamp("NaT")


def of_keys(*numbers: int, **more: Any) -> pd.DataFrame:
    """Rows without a time; the identity is that of the key alone."""
    identities = np.array([2**64 - 1 - number for number in numbers], dtype=np.uint64)
    times = pd.Series(NEVER, index=range(len(numbers)), dtype="datetime64[us]")
    keys = [f"C{number}" for number in numbers]
    return pd.DataFrame({"identity": identities, "key": keys, "as_of": times, **more})


def predict(url: str, day: date, *numbers: int, stream: Stream = "batch", name: str = "") -> None:
    rows = of_keys(*numbers, decision=1.0)
    assert PredictionLog(url).record(
        LogBatch(f"{stream}/{day}/{name}", stream, day, "3", "m" * 64, "run", rows)
    )


def deliver(
    url: str, digest: str, outcomes: dict[int, float], days: list[date] | None = None, at: int = 9
) -> Delivery:
    more = {} if days is None else {"day": pd.Series(days).astype("datetime64[us]")}
    return Labels(url).record(
        of_keys(*outcomes, outcome=list(outcomes.values()), **more),
        digest=digest,
        source="labels.csv",
        at=datetime(2026, 11, at, tzinfo=UTC),
        late_after=timedelta(days=7),
    )


def outcomes(url: str, day: date) -> list[float | None]:
    found = whole(PredictionLog(url), day, day)["outcome"]
    return found.astype(object).where(found.notna(), None).tolist()


def test_a_row_without_a_time_is_logged_under_its_key_and_day_for_ever() -> None:
    rows = of_keys(1, 2)
    timed = rows.assign(as_of=[NEVER, pd.Timestamp("2026-11-01")])
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


def test_a_label_of_the_second_day_leaves_that_of_the_first_alone(database_url: str) -> None:
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


def test_a_label_of_a_key_predicted_on_several_days_refuses_the_delivery(database_url: str) -> None:
    predict(database_url, FIRST, 1, 2)
    assert deliver(database_url, "a", {1: 1.0, 2: 0.0}).new == 2
    predict(database_url, SECOND, 2, 3)
    for digest in ("b", "a"):  # the same rows again may be the labels of the second day
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


def test_scored_twice_on_a_day_is_one_prediction(database_url: str) -> None:
    log = PredictionLog(database_url)
    predict(database_url, FIRST, 1)
    rows = of_keys(1, 2)
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


def test_a_label_that_came_before_its_prediction_was_recorded_joins_it(database_url: str) -> None:
    assert deliver(database_url, "a", {1: 0.0, 2: 0.0}).unmatched == 2
    assert deliver(database_url, "b", {1: 1.0}).corrected == 1
    predict(
        database_url, date(2026, 11, 10), 2
    )  # a label that came on the 9th is of no prediction of the 10th
    predict(database_url, FIRST, 1)
    predict(database_url, SECOND, 1)
    assert (outcomes(database_url, FIRST), outcomes(database_url, SECOND)) == ([1.0], [None])
    assert outcomes(database_url, date(2026, 11, 10)) == [None]


def test_a_key_with_two_labels_in_one_delivery_is_refused_where_they_differ(
    database_url: str,
) -> None:
    predict(database_url, FIRST, 1)
    twice = of_keys(1, 1, outcome=[0.0, 1.0])
    more: dict[str, Any] = {
        "source": "labels.csv",
        "at": datetime.now(UTC),
        "late_after": timedelta(days=7),
    }
    with pytest.raises(InvalidData, match="C1 has the labels 0 and 1"):
        Labels(database_url).record(twice, digest="a", **more)
    found = Labels(database_url).record(twice.assign(outcome=1.0), digest="b", **more)
    assert (found.rows, found.new, found.repeated) == (2, 1, 1)


def test_a_forgotten_subject_leaves_no_label_that_waits(database_url: str) -> None:
    predict(database_url, FIRST, 1)
    deliver(database_url, "a", {1: 1.0, 2: 1.0})
    for key in ("C1", "C2"):
        assert PredictionLog(database_url).forget(key, by="Ada", files=0).labels == 1
    predict(database_url, SECOND, 1, 2)
    assert outcomes(database_url, SECOND) == [None, None]


def at_schema(url: str, revision: str) -> sa.Engine:
    """A database of an earlier release."""
    engine = Database(url).engine
    with engine.begin() as connection:
        connection.execute(sa.text("DROP VIEW prediction_log"))
        for name in (
            "labels",
            "deliveries",
            "predictions",
            "blocks",
            "partitions",
            "decisions",
            "erasures",
        ):
            connection.execute(sa.text(f"DROP TABLE {name}"))
        connection.execute(sa.text("UPDATE product_version SET version_num = '0001'"))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


def test_labels_of_an_earlier_release_go_back_to_the_day_they_came_for(database_url: str) -> None:
    engine = at_schema(database_url, "0002")
    key, timed = of_keys(1)["identity"].to_numpy().view(np.int64).tolist()[0], 77
    unmatched = of_keys(4)["identity"].to_numpy().view(np.int64).tolist()[0]
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
            ),  # before the second day was predicted
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
    raw = of_keys(1)["identity"].to_numpy()
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
