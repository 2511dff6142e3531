"""Read rows from local or remote files or from a database, in batches of bounded size.

Only the requested columns are read, and nothing is validated here. Every mistake becomes an error
of one line: SourceUnavailable if trying again can help, else SourceError.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..config.settings import Source
from ..tables import BATCH_ROWS, SOURCE_ROW, Batch
from . import files, sql_source

__all__ = ["read"]


class _Part(NamedTuple):
    origin: str
    frames: Iterator[tuple[pd.DataFrame, tuple[str, ...]]]


def read(
    source: Source,
    columns: Sequence[str],
    *,
    root: Path,
    environ: Mapping[str, str],
    optional: Sequence[str] = (),
) -> Iterator[Batch]:
    """The rows of ``source`` in batches of at most 200,000, with the ``columns`` that exist.

    Paths are relative to ``root``. The address of a database is the value of the variable
    ``source.url_from`` in ``environ``. ``optional`` columns are read as well if they exist. If
    ``source_row`` is requested and missing, it is added: the name of the file and the number of the
    row in it. Raises SourceError.
    """
    wanted = tuple(dict.fromkeys([*columns, *optional]))
    for part in _parts(source, wanted, root, environ):
        first = 0
        for rows, unread in part.frames:
            # A table without rows is a batch as well: the validation needs its columns.
            for start in range(0, max(len(rows), 1), BATCH_ROWS):
                cut = rows.iloc[start : start + BATCH_ROWS].reset_index(drop=True)
                named = _named(cut, wanted, part.origin, first)
                yield Batch(named, part.origin, first, unread, reading=source.reading)
                first += len(cut)


def _parts(
    source: Source, wanted: Sequence[str], root: Path, environ: Mapping[str, str]
) -> Iterator[_Part]:
    if source.path is None:
        yield _Part(source.described, sql_source.frames(source, wanted, environ))
        return
    for file in files.find(source.path, root):
        yield _Part(file.name, files.frames(file, source, wanted))


def _named(rows: pd.DataFrame, wanted: Sequence[str], origin: str, first: int) -> pd.DataFrame:
    if SOURCE_ROW not in wanted or SOURCE_ROW in rows.columns or not len(rows.columns):
        return rows
    numbers = pd.Series(range(first, first + len(rows)), dtype="int64").astype("str")
    return rows.assign(**{SOURCE_ROW: f"{Path(origin).name}:" + numbers})
