"""Scored partitions as Parquet files: the rows that were scored, with their predictions.

    <folder>/lane=batch/day=2026-11-24/part-<digest>.parquet

A file is written under a temporary name and then renamed, so that it is always complete. It belongs
to one block of the prediction log, which names it. Any tool that reads Parquet folders can read the
files (pandas, DuckDB, Spark).
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.erasure import Erasure
from ..data.keys import of_subject
from .prediction_log import Stream

__all__ = ["PartitionFiles"]


@dataclass(frozen=True)
class PartitionFiles:
    """The Parquet files in one folder; ``key`` is the column that identifies a row's subject."""

    folder: Path
    key: str

    def write(self, stream: Stream, day: date, digest: str, rows: pd.DataFrame) -> str:
        """The name, within the folder, of the part that was written.

        Writing the same part again replaces it.
        """
        name = f"lane={stream}/day={day.isoformat()}/part-{digest}.parquet"
        self._replace(name, rows)
        return name

    def names(self) -> set[str]:
        """The names of all existing parts, including those that no log names."""
        return {
            path.relative_to(self.folder).as_posix()
            for path in self.folder.glob("lane=*/day=*/part-*.parquet")
        }

    def read(self, names: Iterable[str]) -> pd.DataFrame:
        """The rows of the parts, with the first columns ``file`` and ``row``: the part's name and
        the row's number in it, from 0. Raises FileNotFoundError if a part is missing.
        """
        tables = []
        for name in names:
            # Without partitioning, because pandas would add lane and day of the path as columns.
            rows = pd.read_parquet(self.folder / name, partitioning=None)
            rows.insert(0, "file", pd.Series(name, index=rows.index, dtype="str"))
            rows.insert(1, "row", range(len(rows)))
            tables.append(rows)
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def forget(self, names: Iterable[str], key: str) -> Erasure:
        """Removes the subject's rows from the parts: the number of parts changed, and the parts
        that could not be read.
        """
        sweep = Erasure()
        for name in names:
            found = sweep.read(self.folder / name, lambda path: self._with_subject(path, key))
            if found is not None and found[1].any():
                rows, theirs = found
                self._replace(name, rows[~theirs])
                sweep.erased += 1
        return sweep

    def _with_subject(self, path: Path, key: str) -> tuple[pd.DataFrame, np.ndarray]:
        rows = pd.read_parquet(path, partitioning=None)
        return rows, of_subject(rows[self.key], key)

    def expire(self, before: date) -> int:
        """The number of deleted files: all parts of days before ``before``, including those that no
        log names.
        """
        deleted = 0
        for place in sorted(self.folder.glob("lane=*/day=*")):
            # ISO dates have the same order as texts and as dates.
            if place.name.partition("=")[2] >= before.isoformat():
                continue
            # .part-* are temporary files that a killed process has left.
            for part in (*place.glob("part-*.parquet"), *place.glob(".part-*")):
                part.unlink(missing_ok=True)  # another process may be deleting it as well
                deleted += 1
            with suppress(OSError):  # not empty, or deleted by another process
                place.rmdir()
        return deleted

    def _replace(self, name: str, rows: pd.DataFrame) -> None:
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        # With the number of the process, because two processes may write the same part; with a dot,
        # so that no reader of the folder takes the unfinished file for a part.
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        rows.to_parquet(beside, index=False)
        beside.replace(place)
