"""Read the table that is adopted: the form of its file, and its cells as they are.

Cells of the target are kept apart. Whoever wants them has to name the rows, so that no part of this
package can read the target of a row that is held out.
"""

import os
from collections.abc import Iterable, Mapping
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd

from ..config.settings import Source
from ..data import delimited, files
from ..data.sources import read
from ..errors import ConfigError, InvalidData
from ..reading import Reading, number_of
from ..tables import SOURCE_ROW, Batch

__all__ = ["Table", "read_table"]

# Of a longer table, the first rows show what its columns are. Everything else is checked again
# whenever rows are validated.
ROWS_AT_MOST = 300_000
APOSTROPHE = "'"
# The share of numbers below the first line from which on a number in that line is no name.
NUMBERS_BELOW = 0.8
LINES = 200


class Table:
    """The columns of a table without the target, and the target of named rows."""

    def __init__(self, source: Source, rows: pd.DataFrame, target: str, *, cut: bool) -> None:
        self.source, self.target, self.cut = source, target, cut
        self.features = rows.drop(columns=[target, SOURCE_ROW])
        self._target, self._numbers = rows[target], rows[SOURCE_ROW]

    def __len__(self) -> int:
        return len(self.features)

    def target_of(self, rows: np.ndarray) -> pd.Series:
        """The cells of the target in the rows that the mask selects."""
        return self._target[rows].reset_index(drop=True)

    def without_target(self) -> pd.DataFrame:
        """All rows with their number, without the target."""
        return self.features.assign(**{SOURCE_ROW: self._numbers})

    def rows(self, selected: np.ndarray) -> pd.DataFrame:
        """The selected rows with their number and their target."""
        table = self.without_target()[selected].reset_index(drop=True)
        return table.assign(**{self.target: self.target_of(selected)})


def read_table(
    source: Source, target: str, *, root: Path, environ: Mapping[str, str] = os.environ
) -> Table:
    """The table at ``source``, whose form is detected where the source does not state it.

    Raises SourceError if it cannot be read, ConfigError if it has no column ``target``, and
    InvalidData if it has no rows.
    """
    source = _with_form(source, target, root)
    names = _names(source, root, environ)
    if target not in names:
        raise ConfigError(
            f"--target {target}: {source.described} has no such column – expected one of"
            f" {', '.join(names) or 'its columns, and it has none'}"
            f"{_without_header(source)}"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"{source.described}: the column {twice[0]} is there twice – expected each name once –"
            " rename one"
        )
    batches: list[Batch] = []
    wanted = list(dict.fromkeys([*names, SOURCE_ROW]))
    for batch in read(source, wanted, root=root, environ=environ):
        batches.append(batch)
        if sum(len(each.rows) for each in batches) >= ROWS_AT_MOST:
            break
    rows = pd.concat([batch.rows for batch in batches], ignore_index=True)
    if rows.empty:
        raise InvalidData(f"{source.described}: no rows – expected at least one – check the source")
    cut = len(rows) >= ROWS_AT_MOST
    return Table(source, rows.head(ROWS_AT_MOST)[wanted], target, cut=cut)


def _without_header(source: Source) -> str:
    if source.path is None or source.header:
        return ""
    return " – the first line has no names, so the columns are numbered"


def _names(source: Source, root: Path, environ: Mapping[str, str]) -> list[str]:
    # Without a wanted column, the readers name all columns as unread.
    first = next(iter(read(source, (), root=root, environ=environ)), None)
    return [] if first is None else [*first.rows.columns, *first.unread]


def _with_form(source: Source, target: str, root: Path) -> Source:
    """The source with the form of its file as it is detected; Parquet as given."""
    if source.path is None:
        return source
    file = files.find(source.path, root)[0]
    if (source.format or file.format or "csv") == "parquet":
        return source
    with file.opened() as stream:
        sample = stream.read(delimited.SAMPLE_BYTES)
    given = sample, file.name, [target], source.separator, source.encoding
    found = delimited.dialect(*given)
    apostrophes = delimited.dialect(*given, quote=APOSTROPHE)
    if _is_quoted(sample, apostrophes):
        found = apostrophes
    lines = [line for line in delimited.first_lines(sample, found) if line][:LINES]
    shown = {",": None, "\t": "tab"}
    form = {
        "format": source.format or (None if file.format else "csv"),
        "separator": shown.get(found.separator, found.separator),
        "encoding": None if found.encoding == "utf-8" else found.encoding,
        "quote": found.quote,
        "header": not lines or target in lines[0] or _has_header(lines),
    }
    return source.model_copy(update=form)


def _is_quoted(sample: bytes, form: delimited.Dialect) -> bool:
    """Whether apostrophes enclose all names, or all filled cells of a column, and no text is like
    "this".

    A single apostrophe is part of a text, as in *don't*.
    """
    lines = [line for line in delimited.first_texts(sample, form.encoding) if line.strip()]
    rows = [row for row in delimited.first_lines(sample, form) if row]
    uneven = any(len(row) != len(rows[0]) for row in rows)
    if len(rows) < 2 or uneven or any('"' in line for line in lines):
        return False

    def enclosed(cells: Iterable[str], where: Iterable[str]) -> bool:
        filled = [(cell, line) for cell, line in zip(cells, where, strict=False) if cell]
        marked = (f"'{cell.replace(APOSTROPHE, 2 * APOSTROPHE)}'" in line for cell, line in filled)
        return bool(filled) and all(marked)

    names, *columns = rows[0], *zip(*rows[1:], strict=True)
    return enclosed(names, repeat(lines[0])) or any(enclosed(c, lines[1:]) for c in columns)


def _has_header(lines: list[list[str]]) -> bool:
    """Whether the first line has names: no cell of it is a number above a column of numbers."""
    first, below = lines[0], lines[1:]
    if len(set(first)) < len(first) or not all(cell.strip() for cell in first[1:]):
        return False
    for place, cell in enumerate(first):
        column = [line[place] for line in below if len(line) > place and line[place].strip()]
        if _is_number(cell) and sum(map(_is_number, column)) >= NUMBERS_BELOW * len(column) > 0:
            return False
    return True


def _is_number(cell: str) -> bool:
    for reading in (Reading(), Reading(decimal=",")):
        try:
            number_of(cell, reading)
        except ValueError:
            continue
        return True
    return False
