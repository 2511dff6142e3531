"""Classes in the log: text labels and probabilities, and the migration of a database of 0.2.0."""

import tarfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from mlproduct.errors import InvalidData
from mlproduct.log.database import NEWEST
from mlproduct.log.decision_log import DecisionLog
from mlproduct.log.label_log import Delivery, Labels
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.log.spool import Spool
from mlproduct.problems import Predictions
from mlproduct.registry.audit_log import AuditLog

from ..databases import postgresql, url_in, whole
from .test_prediction_log import DAY, block, predictions
from .test_undated import database_at_schema

OLD = Path(__file__).parents[1] / "fixtures" / "product-0.2.0-churn.tar.xz"
VIEW = "SELECT key, day, lane, score, decision, version, outcome, arrived_at FROM prediction_log"
TABLES = (
    "champion_history",
    "partitions",
    "blocks",
    "predictions",
    "labels",
    "deliveries",
    "decisions",
    "erasures",
)
# Of the two entries in the fixture, on SQLite and PostgreSQL.
HEAD = "d19061c0cd8b5229b1d8cfd0be084220433753f5db05648b3bc54416a21b786b"
CHANCES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5], [1.0, 0.0, 0.0]])


@pytest.fixture
def old_database(tmp_path: Path) -> str:
    """The address of a database that 0.2.0 has written, with predictions, labels, a decision."""
    with tarfile.open(OLD) as packed:
        packed.extract("var/product.db", tmp_path, filter="data")
    return url_in(tmp_path)


def rows_of(engine: sa.Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of each table and of the view, in the columns that 0.2.0 had."""
    found = {}
    with engine.begin() as connection:
        for name in TABLES:
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            new = {"day"} if name == "labels" else set()
            columns = [
                column
                for column in table.columns
                if column.name
                not in {"probabilities", "outcome_text", "unseen", "entry_digest", *new}
            ]
            rows = connection.execute(sa.select(*columns)).all()
            found[name] = sorted((tuple(row) for row in rows), key=str)
        found["view"] = sorted((tuple(row) for row in connection.execute(sa.text(VIEW))), key=str)
    return found


def migrated(url: str, before: dict[str, list[tuple[Any, ...]]]) -> str | None:
    """The head of the audit log, after this release opened the database and kept every row."""
    assert len(before["predictions"]) == 399
    assert len(before["labels"]) == 400
    assert len(before["decisions"]) == 1
    assert len(before["champion_history"]) == 2
    assert any(row[6] is not None for row in before["view"])
    log = PredictionLog(url)
    assert rows_of(log.database.engine) == before
    with log.database.connected() as connection:
        version = connection.execute(sa.text("SELECT version_num FROM product_version")).scalar()
    assert version == NEWEST
    labelled = whole(log, date.min, date.max)["outcome"]
    assert set(labelled.dropna()) == {0.0, 1.0}
    assert DecisionLog(url).decisions()
    trail = AuditLog(url).read()
    assert (trail.last, trail.migrated, trail.broken) == (2, 2, None)
    return trail.head


def test_a_database_of_0_2_is_migrated_without_a_loss_on_sqlite(old_database: str) -> None:
    engine = sa.create_engine(old_database)
    before = rows_of(engine)
    engine.dispose()
    assert migrated(old_database, before) == HEAD


def test_a_database_of_0_2_is_migrated_without_a_loss_on_postgresql(old_database: str) -> None:
    source = sa.create_engine(old_database)
    with postgresql("migrated_classes") as url:
        target = database_at_schema(url, "0002")
        with source.begin() as old, target.begin() as new:
            for name in TABLES:
                table = sa.Table(name, sa.MetaData(), autoload_with=old)
                rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
                new.execute(sa.text(f"DELETE FROM {name}"))
                if rows:
                    new.execute(sa.insert(table), rows)
        before = rows_of(target)
        target.dispose()
        assert migrated(url, before) == HEAD
    source.dispose()


def classified(name: str = "batch/2026-11-24/00000") -> Any:
    rows = predictions().assign(
        **Predictions(
            CHANCES.argmax(axis=1).astype(float), CHANCES.max(axis=1), probabilities=CHANCES
        ).logged
    )
    return block(name, predictions=rows)


def deliver(url: str, digest: str, outcomes: dict[int, str], day: int = 25) -> Delivery:
    rows = predictions().iloc[list(outcomes)]
    return Labels(url).record(
        rows[["identity", "key", "as_of"]].assign(outcome=list(outcomes.values())),
        digest=digest,
        source="labels.csv",
        at=datetime(2026, 11, day, 9, tzinfo=UTC),
        late_after=timedelta(days=7),
    )


def test_probabilities_and_text_labels_are_read_as_they_were_recorded(database_url: str) -> None:
    log = PredictionLog(database_url)
    log.record(classified())
    delivery = deliver(database_url, "a", {0: "billing", 1: "returns"})
    assert (delivery.new, delivery.unmatched) == (2, 0)
    rows = whole(log, DAY, DAY).sort_values("row")
    found = Predictions.from_log(rows)
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, CHANCES)
    assert found.decision.tolist() == [0, 1, 2, 0]
    assert rows["outcome"].fillna("none").tolist() == ["billing", "returns", "none", "none"]
    (covered,) = log.coverage(DAY, DAY)
    assert covered.labelled == 2
    with log.database.connected() as connection:
        query = "SELECT outcome, outcome_text, probabilities FROM prediction_log ORDER BY row"
        seen = connection.execute(sa.text(query)).all()
    assert [row[:2] for row in seen[:2]] == [(None, "billing"), (None, "returns")]
    assert "0.7" in str(seen[0][2])


def test_a_text_label_is_corrected_and_repeated_like_a_number(database_url: str) -> None:
    PredictionLog(database_url).record(classified())
    deliver(database_url, "a", {0: "billing", 1: "returns"})
    second = deliver(database_url, "b", {0: "billing", 1: "advice"}, day=26)
    assert (second.new, second.corrected, second.repeated) == (0, 1, 1)
    rows = whole(PredictionLog(database_url), DAY, DAY).sort_values("row")
    assert rows["outcome"].tolist()[:2] == ["billing", "advice"]


def test_two_text_labels_for_one_row_are_refused_with_both(database_url: str) -> None:
    rows = predictions().iloc[[1, 1]][["identity", "key", "as_of"]]
    with pytest.raises(InvalidData, match="C1 has the labels advice and billing"):
        Labels(database_url).record(
            rows.assign(outcome=["billing", "advice"]),
            digest="x",
            source="labels.csv",
            at=datetime(2026, 11, 25, tzinfo=UTC),
            late_after=timedelta(days=7),
        )


def test_a_problem_without_probabilities_leaves_the_column_empty(database_url: str) -> None:
    log = PredictionLog(database_url)
    log.record(block())
    query = "SELECT count(*) FROM predictions WHERE probabilities IS NULL"
    with log.database.connected() as connection:
        assert connection.execute(sa.text(query)).scalar() == 4


def test_the_spool_keeps_probabilities(tmp_path: Path, database_url: str) -> None:
    spool = Spool(tmp_path / "spool")
    rows = classified().predictions.assign(features=["{}"] * 4)
    spool.put(block("service/1", stream="service", predictions=rows, file=None))
    (path,) = spool.files()
    log = PredictionLog(database_url)
    assert log.record(spool.read(path))
    found = Predictions.from_log(whole(log, DAY, DAY).sort_values("row"))
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, CHANCES)


def test_rows_without_labels_have_no_outcome(database_url: str) -> None:
    log = PredictionLog(database_url)
    log.record(classified())
    assert pd.isna(whole(log, DAY, DAY)["outcome"]).all()
