"""Blocks of predictions on disk until the database has recorded them.

A file is written under a temporary name and then renamed, so that it is always complete. It is
deleted once its block is recorded; recording can be tried any number of times.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from ..data.erasure import Erasure
from ..data.keys import spelled
from .prediction_log import LogBatch

__all__ = ["Spool"]

NUMBERS = ("decision", "score", "low", "high")


@dataclass(frozen=True)
class Spool:
    """The waiting and the refused blocks in one folder."""

    folder: Path

    def put(self, block: LogBatch) -> None:
        """Writes the block. Raises OSError if it cannot be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = block.predictions
        # orjson writes NaN as null.
        columns = {name: rows[name].to_numpy(np.float64) for name in NUMBERS if name in rows}
        listed = ("identity", "key", "features", "probabilities")
        columns |= {name: rows[name].tolist() for name in listed if name in rows}
        columns |= {
            "as_of": np.datetime_as_string(rows["as_of"].to_numpy("datetime64[us]")).tolist()
        }
        payload = {name: getattr(block, name) for name in ("name", "version", "digest", "run")} | {
            "lane": block.stream
        }
        self._write(
            self.folder / f"{block.name.replace('/', '-')}.json",
            {**payload, "day": block.day, "rows": columns},
        )

    def files(self) -> list[Path]:
        """The files of the waiting blocks, oldest first."""
        found = {path: stat.st_mtime_ns for path, stat in self._waiting()}
        return sorted(found, key=lambda path: (found[path], path.name))

    def read(self, path: Path) -> LogBatch:
        """The block in the file. Raises ValueError if the file is not a block, FileNotFoundError if
        another process has recorded it.
        """
        payload = orjson.loads(path.read_bytes())
        rows = pd.DataFrame(
            {name: pd.Series(values, dtype=object) for name, values in payload.pop("rows").items()}
        )
        rows["identity"] = rows["identity"].to_numpy(np.uint64)
        rows["as_of"] = pd.to_datetime(rows["as_of"], format="ISO8601").astype("datetime64[us]")
        payload["stream"] = payload.pop("lane")  # the stored name
        return LogBatch(**{**payload, "day": date.fromisoformat(payload["day"])}, predictions=rows)

    def set_aside(self, path: Path) -> None:
        """Moves a file that the database cannot record to the folder ``refused``, for a person to
        inspect.
        """
        place = self.folder / "refused"
        place.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):  # another process has moved it
            path.replace(place / path.name)

    def refused(self) -> list[Path]:
        """The files that the database could not record."""
        return sorted(self.folder.glob("refused/*.json"))

    @property
    def megabytes(self) -> float:
        """The size of the waiting blocks in megabytes (10^6 bytes)."""
        return sum(stat.st_size for _, stat in self._waiting()) / 1e6

    def forget(self, key: str) -> Erasure:
        """Removes the subject's rows from the waiting and the refused blocks: the number of rows
        removed, and the unreadable files.
        """
        sweep = Erasure()
        for path in (*self.folder.glob("[!.]*.json"), *self.folder.glob("refused/*.json")):
            found = sweep.read(path, lambda path: _without(path, key))
            if found is not None and found[1]:
                self._write(path, found[0])
                sweep.erased += found[1]
        return sweep

    def _waiting(self) -> Iterator[tuple[Path, os.stat_result]]:
        """The waiting blocks, without those that another process is just recording."""
        for path in self.folder.glob("[!.]*.json"):  # a leading dot marks a file being written
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            yield path, stat

    def _write(self, path: Path, content: object) -> None:
        # With the number of the process, because several services can share the folder.
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            beside.write_bytes(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def _without(path: Path, key: str) -> tuple[Any, int]:
    """The content of a block's file without the subject's rows, and how many those are."""
    payload = orjson.loads(path.read_bytes())
    keep = [each != key and spelled(each) != spelled(key) for each in payload["rows"]["key"]]
    columns = payload["rows"].items()
    payload["rows"] = {
        name: [v for v, kept in zip(cells, keep, strict=True) if kept] for name, cells in columns
    }
    return payload, keep.count(False)
