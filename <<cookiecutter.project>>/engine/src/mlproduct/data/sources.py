"""Where rows come from: files here or elsewhere, or a database, in batches of bounded size.

Nothing is checked here but that it can be read; only the columns asked for are. Every mistake ends
in one line: SourceError, or SourceUnavailable where trying again may help.
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
    """The rows of ``source`` in batches of at most 200,000, with those of ``columns`` that are
    there.

    Paths are relative to ``root``; the address of a database is the value of ``source.url_from`` in
    ``environ``. ``optional`` columns are read as well where they exist. A column ``source_row``
    that the source does not have is made: the file's name and the row's number in it.
    """
    wanted = tuple(dict.fromkeys([*columns, *optional]))
    for part in _parts(source, wanted, root, environ):
        first = 0
        for rows, unread in part.frames:
            for start in range(0, max(len(rows), 1), BATCH_ROWS):
                cut = rows.iloc[start : start + BATCH_ROWS].reset_index(drop=True)
                yield Batch(_named(cut, wanted, part.origin, first), part.origin, first, unread)
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
