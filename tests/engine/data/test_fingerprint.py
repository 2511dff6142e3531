"""Digests: sensitive to content, blind to order and batches, the same for ever. Can run before
training.
"""

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


def test_order_of_rows_and_columns_and_unit_of_time_do_not_matter() -> None:
    other = TABLE.iloc[[2, 0, 3, 1], ::-1]
    assert fingerprint(other) == fingerprint(TABLE)
    assert fingerprint(TABLE.assign(time=TABLE["time"].astype("datetime64[ns]"))) == fingerprint(
        TABLE
    )
    assert fingerprint(TABLE.assign(value=[1.5, np.nan, 0.0, 1e300])) == fingerprint(TABLE)


@pytest.mark.parametrize("column", list(TABLE.columns))
@pytest.mark.parametrize("row", range(4))
def test_every_cell_matters(column: str, row: int) -> None:
    other = TABLE.copy()
    new = {"key": "b", "text": "z", "value": 2.5, "count": 9, "time": pd.Timestamp("2030-01-01")}[
        column
    ]
    other.loc[row, column] = new
    assert fingerprint(other) != fingerprint(TABLE)


def test_names_and_places_of_cells_matter() -> None:
    assert fingerprint(TABLE.rename(columns={"value": "values"})) != fingerprint(TABLE)
    swapped = pd.DataFrame({"a": [2.0], "b": [1.0]})
    assert fingerprint(swapped) != fingerprint(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    assert fingerprint(pd.concat([TABLE, TABLE.iloc[:1]])) != fingerprint(TABLE)
    assert fingerprint(TABLE.iloc[:0]) != fingerprint(TABLE.iloc[:0, 1:])


def test_a_row_hashes_the_same_in_any_batch() -> None:
    whole = row_hashes(TABLE)
    parts = np.concatenate([row_hashes(TABLE.iloc[:1]), row_hashes(TABLE.iloc[1:])])
    assert (whole == parts).all()
    assert len(set(whole)) == len(TABLE)


def test_identities_are_fixed_for_ever() -> None:
    """These numbers decide which side of the split a row is on; a change here moves rows across
    it.
    """
    assert row_identities(TABLE, columns()).tolist() == [
        15576140060532737959,
        12463166028641901614,
        13809108147010807147,
        14576386926547951270,
    ]
    assert row_identities(TABLE, columns(None))[0] == 7835380916474870875


def test_hashes_are_spread_evenly() -> None:
    keys = pd.DataFrame({"key": np.arange(20_000).astype(str)}).astype("str")
    share = row_identities(keys, columns(None)) / 2.0**64
    counts, _ = np.histogram(share, bins=20, range=(0, 1))
    assert abs(counts - 1000).max() < 150
