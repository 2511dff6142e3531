"""What every kit provides: its sample, its rule and its candidates.

These tests check the sample data and are deleted together with ``sample.py``.
"""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.data.validation import validate
from mlproduct.registry.allowed_types import opened
from mlproduct.registry.model_files import save
from mlproduct.synthetic import write
from mlproduct.tables import Batch
from trial_radar.candidates import CANDIDATES
from trial_radar.rule import rule
from trial_radar.sample import sample
from trial_radar.schemas import Features, Labelled

from .team import PRODUCT, main

COLUMNS = PRODUCT.columns
UNTIL = date(2026, 11, 24)


def rows(**knobs: Any) -> pd.DataFrame:
    return sample(**{"rows": 2000, "until": UNTIL, **knobs})


def validated(table: pd.DataFrame, schema: Any = Labelled) -> Any:
    return validate([Batch(table, "sample", 0)], schema, limit=1.0)


def test_the_schema_accepts_all_clean_rows() -> None:
    found = validated(rows(dirty=0.0))
    assert len(found.rejected.rows) == 0
    assert list(found.rows.columns) == list(COLUMNS.read)


def test_rows_without_a_target_value_can_be_scored() -> None:
    table = rows(dirty=0.0).drop(columns=[COLUMNS.target])
    assert len(validated(table, Features).rows) == len(table)


def test_the_schema_rejects_the_dirty_share_for_several_reasons() -> None:
    found = validated(rows(dirty=0.04))
    assert 0.035 <= found.rejected_share <= 0.045
    assert found.rejected.failures["reason"].nunique() >= 3


def test_a_sample_is_reproducible_from_its_seed() -> None:
    pd.testing.assert_frame_equal(rows(), rows())
    assert not rows().equals(rows(seed=8))


def test_the_newest_row_has_the_requested_day() -> None:
    assert validated(rows()).rows[COLUMNS.time].max().date() == UNTIL


def test_the_sample_contains_personal_data_that_validation_drops() -> None:
    assert COLUMNS.private
    assert set(COLUMNS.private) <= set(rows().columns)
    assert not set(COLUMNS.private) & set(validated(rows()).rows.columns)


def test_shuffle_labels_permutes_the_labels() -> None:
    honest, shuffled = rows(dirty=0.0), rows(dirty=0.0, shuffle_labels=True)
    assert sorted(honest[COLUMNS.target]) == sorted(shuffled[COLUMNS.target])
    assert (honest[COLUMNS.target] != shuffled[COLUMNS.target]).mean() > 0.2


def test_drift_shifts_the_numeric_features() -> None:
    def moved(table: pd.DataFrame) -> float:
        early, late = table.iloc[:1000], table.iloc[1000:]
        steps = (late[list(COLUMNS.numeric)].mean() - early[list(COLUMNS.numeric)].mean()).abs()
        return float((steps / table[list(COLUMNS.numeric)].std()).max())

    assert moved(rows(dirty=0.0, drift=1.0)) > 0.2
    assert moved(rows(dirty=0.0)) < 0.15


def test_the_rule_predicts_every_row_even_when_values_are_missing() -> None:
    table = validated(rows()).rows[list(COLUMNS.features)]
    empty = table.copy()
    empty[list(COLUMNS.numeric)] = np.nan
    for features in (table, empty):
        predictions = rule(features)
        assert predictions.shape == (len(features),)
        assert np.isfinite(predictions).all()


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_a_candidate_predicts_the_same_after_saving_and_loading(
    candidate: Any, tmp_path: Path
) -> None:
    table = validated(rows(rows=1000)).rows
    features = table[list(COLUMNS.features)]
    model = candidate.build(COLUMNS, 0).fit(features, table[COLUMNS.target])
    saved = save(
        model, tmp_path / "model", features=features, training_rows=np.arange(3, dtype=np.uint64)
    )
    again = opened((saved.path / "model.skops").read_bytes(), "the test")
    assert np.array_equal(model.predict(features), again.predict(features))


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_write_chooses_the_format_by_the_suffix(name: str, tmp_path: Path) -> None:
    write(rows(), tmp_path / "in" / name)
    assert [path.name for path in (tmp_path / "in").iterdir()] == [name]


def test_the_sample_command_writes_to_the_given_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["sample", "--rows", "50", "--to", str(tmp_path / "a.csv"), "--until", "2026-11-24"])
        == 0
    )
    assert "50 synthetic rows" in capsys.readouterr().out
    assert main(["sample", "--rows", "50", "--until", "24.11.2026"]) == 2


def test_a_span_of_six_days_covers_a_week() -> None:
    times = rows(until=date(2026, 9, 8), span=6, dirty=0.0)[COLUMNS.time]
    assert (times.min(), times.max()) == (pd.Timestamp("2026-09-02"), pd.Timestamp("2026-09-08"))


def test_changed_since_changes_one_feature_of_later_rows_and_no_label() -> None:
    until, since = date(2026, 9, 8), date(2026, 9, 5)
    before, after = (
        rows(until=until, span=6, dirty=0.0, changed_since=day) for day in (None, since)
    )
    differences = before.compare(after)
    changed = differences.columns.get_level_values(0).unique()
    assert len(changed) == 1
    assert changed[0] in COLUMNS.features
    assert (before.loc[differences.index, COLUMNS.time] >= pd.Timestamp(since)).all()
