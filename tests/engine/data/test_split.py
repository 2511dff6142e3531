"""The split: the right rows held out, for ever. Can run before anything was trained."""

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import Split
from mlproduct.data.split import split
from mlproduct.errors import ConfigError, InvalidData

from .small_tables import columns, table

ROWS = table()


def held(rows: pd.DataFrame, by: str, share: float = 0.25) -> set[str]:
    return set(split(rows, columns(), Split(by=by, holdout=share)).holdout["id"])  # type: ignore[arg-type]  # tried by name


@pytest.mark.parametrize("by", ["time", "group", "hash"])
def test_every_row_is_on_one_side_and_about_the_share_is_held_out(by: str) -> None:
    parts = split(ROWS, columns(), Split(by=by, holdout=0.25))  # type: ignore[arg-type]  # tried by name
    assert sorted([*parts.training["id"], *parts.holdout["id"]]) == sorted(ROWS["id"])
    assert 0.15 < len(parts.holdout) / len(ROWS) < 0.35


def test_by_time_the_newest_rows_are_held_out_and_no_moment_is_torn() -> None:
    parts = split(ROWS, columns(), Split(by="time", holdout=0.25))
    assert parts.training["at"].max() < parts.holdout["at"].min()


def test_by_group_no_group_is_on_both_sides() -> None:
    parts = split(ROWS, columns(), Split(by="group", holdout=0.25))
    assert not set(parts.training["family"]) & set(parts.holdout["family"])


@pytest.mark.parametrize("by", ["group", "hash"])
def test_a_row_stays_on_its_side_when_rows_come_and_are_shuffled(by: str) -> None:
    few = ROWS.iloc[:300]
    more = ROWS.sample(frac=1, random_state=1)
    assert held(few, by) == held(more, by) & set(few["id"])


def test_a_larger_share_takes_rows_and_gives_none_back() -> None:
    assert held(ROWS, "hash", 0.2) < held(ROWS, "hash", 0.4)


@pytest.mark.parametrize(("by", "missing"), [("time", "time"), ("group", "group")])
def test_a_policy_without_its_column_is_a_mistake_in_the_file(by: str, missing: str) -> None:
    with pytest.raises(ConfigError, match=f"role {missing}"):
        split(ROWS, columns(**{missing: None}), Split(by=by, holdout=0.25))  # type: ignore[arg-type]  # tried by name


@pytest.mark.parametrize(
    "rows", [ROWS.iloc[:0], ROWS.iloc[:1], ROWS.assign(at=pd.Timestamp("2026-01-01"))]
)
def test_an_empty_side_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(InvalidData, match="expected rows on both sides"):
        split(rows, columns(), Split(by="time", holdout=0.25))


def test_a_few_moments_are_cut_where_the_share_comes_nearest() -> None:
    moments = pd.to_datetime(["2026-01-31", "2026-02-28", "2026-03-31"])
    rows = ROWS.assign(at=moments[np.arange(len(ROWS)) % 3])
    parts = split(rows, columns(), Split(by="time", holdout=0.25))
    assert (len(parts.training), len(parts.holdout)) == (400, 200)


def test_a_row_without_a_time_is_refused_with_the_number() -> None:
    rows = ROWS.assign(at=ROWS["at"].where(np.arange(len(ROWS)) > 6))
    with pytest.raises(InvalidData, match="7 of 600 rows have no at"):
        split(rows, columns(), Split(by="time", holdout=0.25))


def test_subjects_on_both_sides_are_counted() -> None:
    assert "also trained on" not in split(ROWS, columns(), Split(by="time", holdout=0.25)).described
    repeated = ROWS.assign(id=[f"k{number % 100}" for number in range(len(ROWS))])
    parts = split(repeated, columns(), Split(by="time", holdout=0.25))
    again = parts.holdout["id"].isin(parts.training["id"]).sum()
    assert f"{again} holdout rows have a id that is also trained on" in parts.described
