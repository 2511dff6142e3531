"""Find files of rows by path or pattern, local or remote, and read them as Parquet or CSV."""

import difflib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit

import pandas as pd

from ..config.settings import Source
from ..errors import SourceError, SourceMissing
from ..redaction import redacted
from ..tables import BATCH_ROWS
from . import delimited
from .source_errors import one_line, reading

__all__ = ["File", "find", "frames"]

COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet"}
READ_AHEAD = 2**20  # bytes of each column
WEB = ("http", "https")


@dataclass(frozen=True)
class File:
    """One file: its name for messages (without a password), and where fsspec finds it."""

    name: str
    system: Any
    path: str
    scheme: str

    @property
    def suffixes(self) -> list[str]:
        """The suffixes of the name in lower case, without the query of a web address."""
        path = urlsplit(self.path).path if self.scheme in WEB else self.path
        return [suffix.lower() for suffix in PurePosixPath(path).suffixes]

    @property
    def compression(self) -> str | None:
        """fsspec's name of the compression, None if there is none."""
        return COMPRESSED.get(self.suffixes[-1]) if self.suffixes else None

    @property
    def format(self) -> str | None:
        """``csv`` or ``parquet`` according to the name, None if it has no known suffix."""
        left = [suffix for suffix in self.suffixes if suffix not in COMPRESSED]
        return FORMATS.get(left[-1]) if left else None

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The decompressed file as a stream of bytes."""
        from fsspec.core import OpenFile

        with OpenFile(self.system, self.path, mode="rb", compression=self.compression) as stream:
            yield stream


def find(path: str, root: Path) -> list[File]:
    """The files at ``path``, which may be a pattern, sorted by name.

    Raises SourceMissing if there is none, and SourceError for a folder.
    """
    scheme = path.split("://", 1)[0].lower() if "://" in path else "file"
    return _found_here(path, root) if scheme == "file" else _found_elsewhere(path, scheme)


def frames(
    file: File, source: Source, wanted: Sequence[str]
) -> Iterator[tuple[pd.DataFrame, tuple[str, ...]]]:
    """Tables of bounded size with the ``wanted`` columns of the file, and the names of all others.

    Raises SourceError for a file that cannot be read as its format.
    """
    form = source.format or file.format
    if form is None:
        raise SourceError(
            f"{file.name}: the name does not show the format – expected one that ends in"
            f" {', '.join(FORMATS)} – set format: csv or parquet"
        )
    with _at_hand(file) as near, reading(file.name, remote=near.scheme != "file"):
        if form == "parquet":
            yield from _parquet(near, wanted)
        else:
            stated = source.separator, source.encoding, source.quote, source.header
            yield from delimited.frames(near.opened, near.name, wanted, *stated)


def _found_here(path: str, root: Path) -> list[File]:
    from fsspec.implementations.local import LocalFileSystem

    system = LocalFileSystem()
    full = root / Path(path.removeprefix("file://")).expanduser()
    if full.is_dir():
        raise SourceError(
            f"{path}: is a folder – expected a file or a pattern – use {path.rstrip('/')}/*.parquet"
        )
    # Before patterns, because the name of a file can contain * ? or [.
    if full.is_file():
        return [File(_shown(full, root), system, str(full), "file")]
    if any(mark in path for mark in "*?["):
        matches = sorted(match for match in system.glob(str(full)) if system.isfile(match))
        if not matches:
            raise SourceMissing(
                f"{path}: no file matches – expected at least one in {root} – check the pattern"
            )
        return [File(_shown(Path(match), root), system, match, "file") for match in matches]
    folder = full.parent
    there = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    near = difflib.get_close_matches(full.name, there, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else "check the path, or create the file (the command sample writes an example)"
    )
    raise SourceMissing(f"{path}: no such file – expected it in {folder} – {hint}")


def _shown(full: Path, root: Path) -> str:
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else full.as_posix()


def _found_elsewhere(path: str, scheme: str) -> list[File]:
    from fsspec.core import url_to_fs

    parts = urlsplit(path)
    name = redacted(path)
    with reading(name, remote=True):
        system, inner = url_to_fs(path, **(_patience() if scheme in WEB else {}))
        # A ? in a web address starts its query, so it is no pattern there.
        if not any(mark in parts.path for mark in "*[" + ("" if scheme in WEB else "?")):
            return [File(name, system, inner, scheme)]
        matches = sorted(system.glob(inner))
    if not matches:
        raise SourceMissing(f"{name}: no file matches – expected at least one – check the pattern")
    # fsspec returns whole addresses for the web, and paths without a scheme for other systems.
    start = "" if scheme in WEB else f"{scheme}://"
    return [
        File(start + match.lstrip("/") if start else match, system, match, scheme)
        for match in matches
    ]


def _patience() -> dict[str, Any]:
    """No limit for a whole file, since it may be large; 60 seconds without data are an outage."""
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(total=None, sock_connect=20, sock_read=60)
    return {"client_kwargs": {"timeout": timeout}, "skip_instance_cache": True}


@contextmanager
def _at_hand(file: File) -> Iterator[File]:
    """``file`` itself, or a temporary copy if it is on the web: not every server can seek."""
    if file.scheme not in WEB:
        yield file
        return
    from fsspec.implementations.local import LocalFileSystem

    folder = Path(tempfile.mkdtemp(prefix="source-"))
    try:
        # The suffixes select the format and the decompression.
        copy = folder / ("page" + "".join(file.suffixes))
        with reading(file.name, remote=True):
            file.system.get_file(file.path, str(copy))
        yield File(file.name, LocalFileSystem(), str(copy), "file")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parquet(file: File, wanted: Sequence[str]) -> Iterator[tuple[pd.DataFrame, tuple[str, ...]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with file.opened() as stream:
        try:
            # With the defaults, a whole row group would be in memory.
            table = pq.ParquetFile(stream, pre_buffer=False, buffer_size=READ_AHEAD)
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"{file.name}: {one_line(error)} – expected a Parquet file – export it again"
            ) from None
        names = table.schema_arrow.names
        found = [name for name in wanted if name in names]
        unread = tuple(name for name in names if name not in wanted)
        if not found or not table.metadata.num_rows:
            yield table.schema_arrow.empty_table().select(found).to_pandas(), unread
            return
        for batch in table.iter_batches(batch_size=BATCH_ROWS, columns=found, use_threads=False):
            yield _frame(pa.table(batch)), unread


def _frame(table: Any) -> pd.DataFrame:
    """The table in pandas, in which whole numbers with missing values do not become floats."""
    import pyarrow as pa

    whole = {
        kind: pandas_type
        for kind, pandas_type in ((pa.int64(), pd.Int64Dtype()), (pa.uint64(), pd.UInt64Dtype()))
        if any(column.type == kind and column.null_count for column in table.columns)
    }
    for at, column in enumerate(table.schema):
        # Impala and old versions of Spark write texts as bytes; a key would become b'…'.
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            table = table.set_column(at, column.name, table.column(at).cast(pa.large_string()))
    # The metadata of pandas is ignored: it would turn a column that was its index into the index.
    return table.to_pandas(types_mapper=whole.get, date_as_object=False, ignore_metadata=True)
