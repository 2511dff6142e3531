"""Fingerprints of tables, row hashes and row identities."""

import numpy as np
import pandas as pd
import pytest
from mlproduct.data.columns import Columns
from mlproduct.data.fingerprint import fingerprint, row_hashes, row_identities

TABLE = pd.DataFrame(
    {
        "key": ["a", "customer 0017", "Zürich", ""],
        "time": np.array(
            ["2026-01-01", "2026-01-02T10:00", "NaT", "2026-01-04"], dtype="datetime64[us]"
        ),
        "value": [1.5, np.nan, -0.0, 1e300],
        "count": [1, 2, 3, 2**60],
        "text": ["x", None, "x" * 100, "x" * 99 + "y"],
    }
)


def columns(time: str | None = "time") -> Columns:
    return Columns("key", time, None, None, None, ("value",), (), (), (), {})


def test_the_fingerprint_ignores_the_order_of_rows_and_columns_and_the_time_unit() -> None:
    other = TABLE.iloc[[2, 0, 3, 1], ::-1]
    assert fingerprint(other) == fingerprint(TABLE)
    assert fingerprint(TABLE.assign(time=TABLE["time"].astype("datetime64[ns]"))) == fingerprint(
        TABLE
    )
    assert fingerprint(TABLE.assign(value=[1.5, np.nan, 0.0, 1e300])) == fingerprint(TABLE)


@pytest.mark.parametrize("column", list(TABLE.columns))
@pytest.mark.parametrize("row", range(4))
def test_the_fingerprint_changes_with_every_cell(column: str, row: int) -> None:
    other = TABLE.copy()
    new = {"key": "b", "text": "z", "value": 2.5, "count": 9, "time": pd.Timestamp("2030-01-01")}[
        column
    ]
    other.loc[row, column] = new
    assert fingerprint(other) != fingerprint(TABLE)


def test_the_fingerprint_changes_with_column_names_swapped_cells_and_row_counts() -> None:
    assert fingerprint(TABLE.rename(columns={"value": "values"})) != fingerprint(TABLE)
    swapped = pd.DataFrame({"a": [2.0], "b": [1.0]})
    assert fingerprint(swapped) != fingerprint(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    assert fingerprint(pd.concat([TABLE, TABLE.iloc[:1]])) != fingerprint(TABLE)
    assert fingerprint(TABLE.iloc[:0]) != fingerprint(TABLE.iloc[:0, 1:])


def test_a_row_has_the_same_hash_in_every_batch() -> None:
    whole = row_hashes(TABLE)
    parts = np.concatenate([row_hashes(TABLE.iloc[:1]), row_hashes(TABLE.iloc[1:])])
    assert (whole == parts).all()
    assert len(set(whole)) == len(TABLE)


def test_row_identities_never_change() -> None:
    """The identities of these rows are the same in every release.

    They decide on which side of the split a row is, so a change moves rows between the sides.
    """
    assert row_identities(TABLE, columns()).tolist() == [
        15576140060532737959,
        12463166028641901614,
        13809108147010807147,
        14576386926547951270,
    ]
    assert row_identities(TABLE, columns(None))[0] == 7835380916474870875


def test_row_identities_are_uniformly_distributed() -> None:
    keys = pd.DataFrame({"key": np.arange(20_000).astype(str)}).astype("str")
    share = row_identities(keys, columns(None)) / 2.0**64
    counts, _ = np.histogram(share, bins=20, range=(0, 1))
    assert abs(counts - 1000).max() < 150
