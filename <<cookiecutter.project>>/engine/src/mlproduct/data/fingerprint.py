"""Identify tables and rows: a digest of a whole table, and a permanent number of each row.

The hashes are computed here from the cells (with the finalizer of SplitMix64, Steele, Lea and Flood
2014), so that no new version of a library can move a row to the other side of a split. They are not
cryptographic: tables with the same digest can be constructed on purpose.
"""

import hashlib
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from .columns import Columns

__all__ = ["dated", "fingerprint", "logged", "mix", "row_hashes", "row_identities"]

# Rows hashed at a time, so that a block of a column stays in the processor's cache.
BLOCK = 65_536

# The increment of SplitMix64, used as the value of a missing cell.
MISSING = np.uint64(0x9E3779B97F4A7C15)
# TAILS[n] masks the first n of eight bytes, for the end of a text.
TAILS = np.array([256**kept - 1 for kept in range(9)], dtype=np.uint64)


def fingerprint(rows: pd.DataFrame) -> str:
    """The sha256 of all cells and column names; the order of rows and columns does not matter."""
    digest = hashlib.sha256()
    for name in sorted(map(str, rows.columns)):
        # The length in front keeps the names "a", "bc" and "ab", "c" apart.
        digest.update(f"{len(name)}:{name}".encode())
    digest.update(len(rows).to_bytes(8, "little"))
    # In a fixed order of bytes, so that every processor computes the same digest.
    digest.update(np.sort(row_hashes(rows)).astype("<u8").tobytes())
    return digest.hexdigest()


def row_identities(rows: pd.DataFrame, columns: Columns) -> np.ndarray:
    """A uint64 per row from its key and time (if the schema has one), the same in every run."""
    named = [columns.key] if columns.time is None else [columns.key, columns.time]
    return row_hashes(rows, named)


def row_hashes(rows: pd.DataFrame, columns: Sequence[str] | None = None) -> np.ndarray:
    """A uint64 per row from the cells and names of ``columns`` (by default all)."""
    names = list(rows.columns) if columns is None else list(columns)
    hashed = np.zeros(len(rows), dtype=np.uint64)
    for name in names:
        seed = _seed(str(name))
        for start in range(0, len(rows), BLOCK):
            block = rows[name].iloc[start : start + BLOCK]
            # A sum does not depend on the order of the columns; the seed keeps equal cells apart.
            hashed[start : start + BLOCK] += mix(_cells(block) ^ seed)
    return mix(hashed)


def _seed(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))


def _cells(column: pd.Series) -> np.ndarray:
    """A uint64 per cell: the bits of a number, the microseconds of a time, the hash of a text."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
    if kind in "iub":
        return column.to_numpy().astype(np.int64).view(np.uint64)
    if kind == "f":
        # A copy, because the next line changes it in place.
        values = column.to_numpy(dtype=np.float64, copy=True)
        values += 0.0  # turns -0.0 into 0.0, so that both have one hash
        return np.where(np.isnan(values), MISSING, values.view(np.uint64))
    if kind == "M":
        moments = column.to_numpy().astype("datetime64[us]").view(np.uint64)
        return np.where(column.isna().to_numpy(), MISSING, moments)
    return _texts(column)


def _texts(column: pd.Series) -> np.ndarray:
    """A uint64 per text from its UTF-8 bytes, eight bytes at a time for all rows at once."""
    if not isinstance(column.dtype, pd.StringDtype):
        column = column.astype("str")
    array = pa.array(column, type=pa.large_string(), from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    missing = np.asarray(array.is_null())
    starts, lengths, content = _bytes(array)
    # mix(0) is 0. Without the 1, an empty text would have the value of the number 0.
    state = mix(lengths.astype(np.uint64) + np.uint64(1))
    alive = np.flatnonzero(lengths > 0)
    done = 0
    while alive.size:
        words = content[starts[alive] + done].view("<u8").ravel()
        left = np.minimum(lengths[alive] - done, 8)
        state[alive] = mix(state[alive] ^ mix((words & TAILS[left]) + MISSING))
        done += 8
        alive = alive[lengths[alive] > done]
    return np.where(missing, MISSING, state)


def _bytes(array: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each text starts, how long it is, and a view of eight bytes from every start."""
    # A slice shares the buffers of the whole array, so its offsets begin at ``array.offset``.
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[
        array.offset : array.offset + len(array) + 1
    ]
    data = array.buffers()[2]
    end = int(offsets[-1]) if len(array) else 0
    first = int(offsets[0]) if len(array) else 0
    # Eight more bytes, so that a view from the last start does not end outside.
    content = np.zeros(end - first + 8, dtype=np.uint8)
    if data is not None:
        content[: end - first] = np.frombuffer(data, dtype=np.uint8)[first:end]
    return (
        offsets[:-1] - first,
        np.diff(offsets),
        np.lib.stride_tricks.sliding_window_view(content, 8),
    )


def logged(identities: np.ndarray, as_of: pd.Series, day: date) -> np.ndarray:
    """The identities (uint64) under which the log stores rows that are predicted for ``day``.

    A row without a time (``as_of`` is missing) is identified by its key and the day.
    """
    timeless = as_of.isna().to_numpy(dtype=bool)
    return (
        np.where(timeless, dated(identities, np.datetime64(day)), identities)
        if timeless.any()
        else identities
    )


def dated(identities: np.ndarray, days: np.ndarray | np.datetime64) -> np.ndarray:
    """A uint64 per prediction, from the identity of its key and its day."""
    numbers = (
        np.broadcast_to(days, identities.shape)
        .astype("datetime64[D]")
        .astype(np.int64)
        .view(np.uint64)
    )
    return mix(identities ^ mix(numbers + np.uint64(1)))


def mix(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64 (Steele, Lea and Flood 2014), for arrays of uint64."""
    values = (values ^ np.right_shift(values, np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ np.right_shift(values, np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ np.right_shift(values, np.uint64(31))
