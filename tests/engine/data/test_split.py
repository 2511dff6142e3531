"""The split of rows into training and holdout."""

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import Split
from mlproduct.data.split import split
from mlproduct.data.split_policies import POLICIES
from mlproduct.errors import ConfigError, InvalidData

from .small_tables import columns, table

ROWS = table()


def policy(by: str, share: float = 0.25) -> Split:
    return Split.model_validate({"by": by, "holdout": share})


def holdout_ids(rows: pd.DataFrame, by: str, share: float = 0.25) -> set[str]:
    return set(split(rows, columns(), policy(by, share)).holdout["id"])


@pytest.mark.parametrize("by", ["time", "group", "hash"])
def test_split_assigns_each_row_once_and_holds_out_about_the_given_share(by: str) -> None:
    parts = split(ROWS, columns(), policy(by))
    assert sorted([*parts.training["id"], *parts.holdout["id"]]) == sorted(ROWS["id"])
    assert 0.15 < len(parts.holdout) / len(ROWS) < 0.35


def test_split_by_time_holds_out_the_newest_rows_and_splits_no_timestamp() -> None:
    parts = split(ROWS, columns(), Split(by="time", holdout=0.25))
    assert parts.training["at"].max() < parts.holdout["at"].min()


def test_split_by_group_splits_no_group() -> None:
    parts = split(ROWS, columns(), Split(by="group", holdout=0.25))
    assert not set(parts.training["family"]) & set(parts.holdout["family"])


@pytest.mark.parametrize("by", ["group", "hash"])
def test_a_row_stays_on_its_side_when_rows_are_added_and_shuffled(by: str) -> None:
    few = ROWS.iloc[:300]
    more = ROWS.sample(frac=1, random_state=1)
    assert holdout_ids(few, by) == holdout_ids(more, by) & set(few["id"])


def test_a_larger_share_adds_rows_to_the_holdout_and_removes_none() -> None:
    assert holdout_ids(ROWS, "hash", 0.2) < holdout_ids(ROWS, "hash", 0.4)


@pytest.mark.parametrize(("by", "missing"), [("time", "time"), ("group", "group")])
def test_a_policy_whose_column_is_missing_is_refused(by: str, missing: str) -> None:
    without: dict[str, Any] = {missing: None}
    with pytest.raises(ConfigError, match=f"role {missing}"):
        split(ROWS, columns(**without), policy(by))


@pytest.mark.parametrize(
    "rows", [ROWS.iloc[:0], ROWS.iloc[:1], ROWS.assign(at=pd.Timestamp("2026-01-01"))]
)
def test_a_split_with_an_empty_side_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(InvalidData, match="expected rows on both sides"):
        split(rows, columns(), Split(by="time", holdout=0.25))


def test_split_by_time_is_as_close_to_the_share_as_repeated_timestamps_allow() -> None:
    timestamps = pd.to_datetime(["2026-01-31", "2026-02-28", "2026-03-31"])
    rows = ROWS.assign(at=timestamps[np.arange(len(ROWS)) % 3])
    parts = split(rows, columns(), Split(by="time", holdout=0.25))
    assert (len(parts.training), len(parts.holdout)) == (400, 200)


def test_rows_without_a_time_are_refused_with_their_number() -> None:
    rows = ROWS.assign(at=ROWS["at"].where(np.arange(len(ROWS)) > 6))
    with pytest.raises(InvalidData, match="7 of 600 rows have no at"):
        split(rows, columns(), Split(by="time", holdout=0.25))


def test_holdout_rows_whose_key_is_also_trained_on_are_counted() -> None:
    assert (
        "with training rows" not in split(ROWS, columns(), Split(by="time", holdout=0.25)).described
    )
    repeated = ROWS.assign(id=[f"k{number % 100}" for number in range(len(ROWS))])
    parts = split(repeated, columns(), Split(by="time", holdout=0.25))
    again = parts.holdout["id"].isin(parts.training["id"]).sum()
    assert f"{again} holdout rows share their id with training rows" in parts.described


def test_every_policy_can_be_named_in_the_configuration() -> None:
    assert set(get_args(Split.model_fields["by"].annotation)) == set(POLICIES)
