"""Read CSV and similar files as tables of text, and detect their separator and encoding.

Every cell is read as text, so `00123` keeps its zeros. Only an empty cell is missing. The schema
decides how a text is interpreted.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

import pandas as pd

from ..errors import SourceError
from .source_errors import one_line

__all__ = ["Dialect", "dialect", "first_lines", "first_texts", "frames"]

# The first of several equally good separators is used.
SEPARATORS = (",", ";", "\t", "|")
# One or several blanks or tabs between the cells, as in columns that are aligned for people.
BLANKS = "blanks"
BLANKS_OR_QUOTED = {
    '"': re.compile(r'[ \t]+|"[^"]*"'),
    "'": re.compile(r"[ \t]+|'[^']*'"),
}
# The encoding is detected on the first SAMPLE_BYTES, the separator on the first SAMPLE_LINES.
SAMPLE_BYTES = 4_000_000
SAMPLE_LINES = 100
# Arrow parses one block at a time: the memory does not grow with the file.
BLOCK_BYTES = 8_000_000
# "utf-16" reads the order of the bytes from the mark, so both orders have the same name.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

Opened = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Dialect:
    """How a file separates, encodes and quotes its cells, and whether its first line has names."""

    separator: str
    encoding: str
    quote: str = '"'
    header: bool = True


class _Counted(io.RawIOBase):
    """A stream that counts the quotation marks read: an odd number means one is never closed."""

    def __init__(self, stream: IO[bytes], quote: str) -> None:
        self.stream, self.quote, self.marks = stream, quote.encode(), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.marks += data.count(self.quote)
        return data


class _SingleBlanks(io.RawIOBase):
    """A file whose cells are separated by blanks, as UTF-8 with one blank between two cells."""

    def __init__(self, stream: IO[bytes], form: Dialect) -> None:
        self.lines, self.left = io.TextIOWrapper(stream, encoding=form.encoding), b""
        self.quote = form.quote

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.left:
            lines = self.lines.readlines(len(buffer))
            self.left = "".join(_single_blanks(line, self.quote) for line in lines).encode()
        part, self.left = self.left[: len(buffer)], self.left[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _single_blanks(line: str, quote: str) -> str:
    """The line with one blank between two cells, and none around them; quoted cells stay."""
    cells = line.strip("\ufeff \t\r\n")
    found = BLANKS_OR_QUOTED[quote]
    return found.sub(lambda part: part[0] if part[0][0] == quote else " ", cells) + "\n"


def frames(
    opened: Opened,
    name: str,
    wanted: Sequence[str],
    separator: str | None = None,
    encoding: str | None = None,
    quote: str = '"',
    header: bool = True,
) -> Iterator[tuple[pd.DataFrame, tuple[str, ...]]]:
    """Tables of text with the ``wanted`` columns that exist, and the names of all other columns.

    A ``separator`` and an ``encoding`` that are None are detected. Without a ``header``, the
    columns are named ``column_1``, ``column_2`` and so on.

    Raises SourceError for a file that is not a table of text, and for a wanted column that is there
    twice.
    """
    with opened() as stream:
        sample = stream.read(SAMPLE_BYTES)
    if not sample.strip():
        yield pd.DataFrame(), ()
        return
    form = dialect(sample, name, wanted, separator, encoding, quote, header)
    names = _names(next(filter(None, first_lines(sample, form)), []), header)
    if form.separator == BLANKS:
        opened = _with_single_blanks(opened, form)
        form = replace(form, encoding="utf-8", separator=" ")
    found = [column for column in wanted if column in names]
    if twice := [column for column in found if names.count(column) > 1]:
        raise SourceError(
            f"{name}: the column {twice[0]} is there twice – expected each name once – rename one"
        )
    unread = tuple(column for column in names if column not in wanted)
    if not found:
        yield pd.DataFrame(), unread
        return
    empty = True
    with opened() as stream:
        counted = _Counted(stream, quote)
        try:
            for table in _tables(counted, name, names, found, form):
                empty = False
                yield table, unread
        except SourceError:
            # An open quotation mark shifts all cells after it, so it is the cause of other errors.
            _refuse_open_quote(opened, name, form)
            raise
    # Marks within a text can be odd as well. Only a second pass can distinguish the two cases.
    if counted.marks % 2:
        _refuse_open_quote(opened, name, form)
    if empty:
        yield pd.DataFrame({column: pd.Series(dtype="str") for column in found}), unread


def _with_single_blanks(opened: Opened, form: Dialect) -> Opened:
    @contextmanager
    def evened() -> Iterator[Any]:
        with opened() as stream:
            yield _SingleBlanks(stream, form)

    return evened


def dialect(
    sample: bytes,
    name: str,
    wanted: Sequence[str],
    separator: str | None,
    encoding: str | None,
    quote: str = '"',
    header: bool = True,
) -> Dialect:
    """The dialect, with the separator and the encoding that fit the beginning of the file best.

    What is given stays as it is.

    Raises SourceError for binary data, an unknown encoding and a separator of several characters.
    """
    encoding = encoding or _encoding(sample)
    if b"\0" in sample and "16" not in encoding and "32" not in encoding:
        raise SourceError(
            f"{name}: contains binary data – expected text – export it as CSV, or set format:"
            " parquet"
        )
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise SourceError(
            f"{name}: unknown encoding {encoding!r} – expected one that Python supports – set for"
            " example cp1252"
        ) from None
    separator = {"tab": "\t", "\\t": "\t"}.get(separator or "", separator)
    if separator not in (None, BLANKS) and len(separator or "") != 1:
        raise SourceError(
            f"{name}: separator {separator!r} – expected one character – set for example ';', tab"
            f" or {BLANKS}"
        )
    form = Dialect(separator or SEPARATORS[0], encoding, quote, header)
    return form if separator else replace(form, separator=_separator(sample, form, wanted))


def _encoding(sample: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if sample.startswith(mark):
            return encoding
    try:
        # Incremental, because the sample can end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _separator(sample: bytes, form: Dialect, wanted: Sequence[str]) -> str:
    """The separator that finds the most wanted columns; among equals, the most even lines.

    Texts contain blanks, so these separate only the cells of a file in which no other one does.
    """

    def filled(separator: str) -> list[list[str]]:
        return [line for line in first_lines(sample, replace(form, separator=separator)) if line]

    def fit(separator: str) -> tuple[int, float, int]:
        lines = filled(separator)
        width = len(lines[0]) if lines else 0
        even = sum(len(line) == width for line in lines) / max(len(lines), 1)
        # A separator that does not occur finds one cell in each line, which must not count as even.
        found = len(set(_names(lines[0], form.header)) & set(wanted)) if lines else 0
        return found, even if width > 1 else 0.0, width

    def aligned(separator: str) -> bool:
        """Whether it is the tab, and one of several blanks between cells: UCI's auto-mpg.data."""
        return separator == "\t" and all("  " in line[0] for line in filled(separator))

    best = max(SEPARATORS, key=fit)
    even = 1  # the place of the evenness in the result of fit
    if fit(BLANKS)[even] < 1.0 or (fit(best)[even] == 1.0 and not aligned(best)):
        return best
    return BLANKS


def first_lines(sample: bytes, form: Dialect) -> list[list[str]]:
    """The cells of the first lines, and only whole lines of a sample that was cut."""
    lines, separator = first_texts(sample, form.encoding), form.separator
    if separator == BLANKS:
        lines, separator = [_single_blanks(line, form.quote) for line in lines], " "
    return list(csv.reader(lines, delimiter=separator, quotechar=form.quote))


def first_texts(sample: bytes, encoding: str) -> list[str]:
    """The first lines with their ends, and only whole lines of a sample that was cut."""
    text = (
        codecs.getincrementaldecoder(encoding)(errors="replace")
        .decode(sample[:200_000])
        .removeprefix("\ufeff")  # Python keeps the mark in UTF-8, Arrow removes it
    )
    lines = text.splitlines(keepends=True)
    # The last line of a cut sample is incomplete.
    whole = lines[:-1] if len(lines) > 1 and len(sample) > 200_000 else lines
    return whole[:SAMPLE_LINES]


def _names(line: list[str], header: bool) -> list[str]:
    """The names of the columns, from the first line of the file."""
    return line if header else [f"column_{place}" for place in range(1, len(line) + 1)]


def _tables(
    stream: Any,
    name: str,
    names: list[str],
    found: list[str],
    form: Dialect,
) -> Iterator[pd.DataFrame]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"  # with "skip", Arrow would drop the row without a message

    try:
        reader = arrow_csv.open_csv(
            stream,
            # Arrow numbers an invalid row only if it reads without threads.
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                block_size=BLOCK_BYTES,
                encoding=form.encoding,
                column_names=None if form.header else names,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=form.separator,
                quote_char=form.quote,
                newlines_in_values=True,
                invalid_row_handler=note,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={column: pa.large_string() for column in found},
                include_columns=found,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        for batch in reader:
            yield batch.to_pandas()
    except (pa.ArrowInvalid, UnicodeError) as error:
        # Not chained: Arrow's own text contains the row.
        raise SourceError(_message(name, error, ragged, form)) from None


def _message(name: str, error: Exception, ragged: list[Any], form: Dialect) -> str:
    """Arrow's error without the content of the row, which may contain personal data."""
    if ragged:
        row = ragged[-1]
        counted = " (the header is row 1)" if form.header else ""
        return (
            f"{name}: row {row.number}{counted} has {row.actual_columns} cells –"
            f" expected {row.expected_columns} – repair the row; quote each cell that contains a"
            " separator or a line break"
        )
    text = one_line(error)
    if "straddling" in text:  # Arrow's message if a row does not end within a block
        return (
            f"{name}: a quotation mark is opened and never closed – expected pairs – repair the"
            " file"
        )
    if "UTF8" in text or isinstance(error, UnicodeError):
        return (
            f"{name}: contains bytes that are not {form.encoding} – expected {form.encoding} text –"
            " set the encoding, for example cp1252"
        )
    return (
        f"{name}: cannot be read as CSV ({text.split(':')[0]}) – expected a table as text – export"
        " it again"
    )


def _refuse_open_quote(opened: Opened, name: str, form: Dialect) -> None:
    """Raises SourceError if a quotation mark is never closed; marks within a text are allowed."""
    with opened() as stream:
        text = io.TextIOWrapper(stream, encoding=form.encoding, errors="replace", newline="")
        lines = csv.reader(text, delimiter=form.separator, quotechar=form.quote, strict=True)
        start = 1
        try:
            for _ in lines:
                start = lines.line_num + 1
        except csv.Error as error:
            # After an open mark, the rest of the file is one cell. Python's csv limits a cell to
            # 131,072 characters.
            if "unexpected end" in str(error) or "field limit" in str(error):
                raise SourceError(
                    f"{name}: line {start}: a quotation mark is opened and never closed – expected"
                    " pairs – repair the file; the rows after that line cannot be read"
                ) from None
