"""Reading rows from each kind of source, and the errors of each."""

import gzip
import os
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from mlproduct.config.settings import Source
from mlproduct.data.delimited import dialect
from mlproduct.data.source_errors import reading
from mlproduct.data.sources import read
from mlproduct.errors import SourceError, SourceMissing, SourceUnavailable
from mlproduct.reading import Reading
from mlproduct.tables import BATCH_ROWS

COLUMNS = ("key", "amount", "city")
TABLE = pd.DataFrame(
    {
        "key": ["00123", "2", "3"],
        "amount": [1.5, np.nan, 3.0],
        "city": ["Zürich", "a;b,c", "x"],
        "email": ["@", "@", "@"],
    }
)


def rows(
    path: str,
    root: Path,
    columns: tuple[str, ...] = COLUMNS,
    environ: Mapping[str, str] | None = None,
    **more: Any,
) -> pd.DataFrame:
    batches = list(read(Source(path=path, **more), columns, root=root, environ=environ or {}))
    return pd.concat([batch.rows for batch in batches], ignore_index=True)


def refusal(path: str, root: Path, kind: type[SourceError] = SourceError, **more: Any) -> str:
    with pytest.raises(SourceError) as caught:
        rows(path, root, **more)
    assert caught.type is kind
    message = str(caught.value)
    assert "\n" not in message
    assert message.count(" – ") >= 2, "expected: problem – expected value – advice"
    return message


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_separator_and_encoding_are_detected(tmp_path: Path, separator: str, encoding: str) -> None:
    TABLE.to_csv(tmp_path / "t.csv", sep=separator, encoding=encoding, index=False)
    result = rows("t.csv", tmp_path)
    assert result["key"].tolist() == ["00123", "2", "3"]
    assert result["city"].tolist() == TABLE["city"].tolist()
    assert result["amount"].isna().tolist() == [False, True, False]
    assert "email" not in result


BLANKS = """\
key    amount  city
00123  1.5\t"St.   Gallen"

  2    ?       Zürich\x20\x20
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [None, "blanks"])
def test_cells_may_be_separated_by_several_blanks(
    tmp_path: Path, encoding: str, separator: str | None
) -> None:
    (tmp_path / "t.txt").write_text(BLANKS, encoding=encoding)
    result = rows("t.txt", tmp_path, separator=separator)
    assert result["key"].tolist() == ["00123", "2"]
    assert result["amount"].tolist() == ["1.5", "?"]
    assert result["city"].tolist() == ["St.   Gallen", "Zürich"]
    (tmp_path / "short.txt").write_text(BLANKS + "3  4\n", encoding=encoding)
    assert "has 2 cells – expected 3" in refusal("short.txt", tmp_path, separator="blanks")


@pytest.mark.parametrize(
    "content",
    [
        "key,amount,city\n1,2,a b c d\n2,3,b c d e\n",
        "key,amount,city\n1,2,Mon Nov 27 2026\n2,3,Mon Nov 27 2026\n",
        "key\tamount\tcity\n1\t2\tMon Nov 27 2026\n2\t3\tMon Nov 27 2026\n",
    ],
)
def test_blanks_separate_nothing_if_another_character_does(tmp_path: Path, content: str) -> None:
    separator = "\t" if "\t" in content else ","
    names = content.splitlines()[0].split(separator)
    assert dialect(content.encode(), "t", names, None, None).separator == separator
    below = "\n".join(content.splitlines()[1:]).encode()
    assert dialect(below, "t", ["column_1"], None, None, header=False).separator == separator


@pytest.mark.parametrize("separator", [",", "blanks"])
def test_cells_can_be_quoted_with_apostrophes(tmp_path: Path, separator: str) -> None:
    text = "'key','amount','city'\n1,2,'St. Gallen, it''s small'\n2,3,'5\" wide'\n"
    if separator == "blanks":
        text = text.replace("',", "'  ").replace("1,2,", "1  2  ").replace("2,3,", "2  3  ")
    (tmp_path / "t.csv").write_text(text)
    result = rows("t.csv", tmp_path, separator=separator, quote="'")
    assert result["city"].tolist() == ["St. Gallen, it's small", '5" wide']
    (tmp_path / "open.csv").write_text(text.replace("wide'", "wide"))
    assert "line 3: a quotation mark is opened and never closed" in refusal(
        "open.csv", tmp_path, separator=separator, quote="'"
    )


def test_separator_and_encoding_can_be_configured(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("key#amount#city\n1#2#ÄÖ\n".encode("cp437"))
    result = rows("t.csv", tmp_path, separator="#", encoding="cp437")
    assert result.iloc[0].tolist() == ["1", "2", "ÄÖ"]


def test_a_quoted_cell_may_contain_separators_quotes_and_line_breaks(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('key,amount,city\n1,2,"a, ""b""\nc"\n2,3,5" pipe\n')
    assert rows("t.csv", tmp_path)["city"].tolist() == ['a, "b"\nc', '5" pipe']


def test_a_compressed_csv_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"key,amount,city\n1,2,x\n"))
    assert len(rows("t.csv.gz", tmp_path)) == 1


def test_parquet_keeps_large_whole_numbers_and_the_order_of_columns(tmp_path: Path) -> None:
    table = TABLE.assign(
        big=pd.array([2**62 + 1, None, 3], dtype="Int64"), day=pd.Timestamp("2026-01-01")
    )
    table.to_parquet(tmp_path / "t.parquet")
    result = rows("t.parquet", tmp_path, ("big", "day", "amount"))
    assert int(result["big"].iloc[0]) == 2**62 + 1
    assert list(result.columns) == ["big", "day", "amount"]


def test_matching_files_are_read_in_order_and_numbered_separately(tmp_path: Path) -> None:
    for part in ("b", "a"):
        TABLE.assign(city=part).to_csv(tmp_path / f"part-{part}.csv", index=False)
    batches = list(read(Source(path="part-*.csv"), COLUMNS, root=tmp_path, environ={}))
    assert [(batch.origin, batch.first_row, batch.rows["city"].iloc[0]) for batch in batches] == [
        ("part-a.csv", 0, "a"),
        ("part-b.csv", 0, "b"),
    ]


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_batches_have_a_maximum_size_and_consecutive_row_numbers(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"key": np.arange(BATCH_ROWS + 10)})
    table.to_parquet(tmp_path / name) if name.endswith("parquet") else table.to_csv(
        tmp_path / name, index=False
    )
    batches = list(read(Source(path=name), ("key",), root=tmp_path, environ={}))
    assert all(len(batch.rows) <= BATCH_ROWS for batch in batches)
    numbers = np.concatenate([batch.numbers for batch in batches])
    assert (numbers == np.arange(BATCH_ROWS + 10)).all()
    assert (
        pd.concat([batch.rows["key"] for batch in batches]).astype(int).to_numpy() == numbers
    ).all()


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_missing_columns_are_omitted_and_unread_columns_are_listed(
    tmp_path: Path, name: str
) -> None:
    TABLE.to_parquet(tmp_path / name) if name.endswith("parquet") else TABLE.to_csv(
        tmp_path / name, index=False
    )
    (batch,) = read(
        Source(path=name), ("key", "town"), root=tmp_path, environ={}, optional=("amount", "other")
    )
    assert list(batch.rows.columns) == ["key", "amount"]
    assert batch.unread == ("city", "email")
    (batch,) = read(Source(path=name), ("town",), root=tmp_path, environ={})
    assert batch.rows.columns.empty


@pytest.mark.parametrize("content", [b"", b"\n\n", b"key,amount,city\n"])
def test_a_file_without_rows_results_in_an_empty_batch(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    assert rows("t.csv", tmp_path).empty


def test_a_table_without_a_key_gets_source_row_as_key(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    assert rows("t.csv", tmp_path, ("source_row", "city"))["source_row"].tolist() == [
        "t.csv:0",
        "t.csv:1",
        "t.csv:2",
    ]


def test_a_missing_file_is_refused_with_the_nearest_file_name(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").touch()
    assert "did you mean customers.csv?" in refusal("custmers.csv", tmp_path, SourceMissing)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.parquet", b"PAR1 nonsense", "Parquet"),
        ("t.csv", b"key,amount,city\n1,2,x\n1,secret@example.com\n", "row 3"),
        ("t.csv", b'key,amount,city\n1,"2,x\n3,4,y\n', "line 2: a quotation mark is opened"),
        ("t.csv", b'key,amount,city,more\n1,2,x,"a\n3,4,y,z\n', "a quotation mark is opened"),
        ("t.csv", b"PK\x03\x04\0\0\0", "binary"),
        ("t.csv", b"key,key,amount,city\n1,1,2,x\n", "twice"),
        (
            "t.csv.gz",
            gzip.compress(b"key,amount,city\n" + bytes(range(65, 91)) * 99)[:60],
            "t.csv.gz",
        ),
        ("t.xlsx", b"", "set format"),
    ],
)
def test_a_damaged_file_is_refused_with_the_cause_and_without_its_cells(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    (tmp_path / name).write_bytes(content)
    message = refusal(name, tmp_path)
    assert expected in message
    assert "secret" not in message


def test_an_invalid_path_separator_or_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("key\n1\n")
    assert "folder" in refusal(".", tmp_path)
    assert "no file matches" in refusal("part-*.csv", tmp_path, SourceMissing)
    assert "separator" in refusal("t.csv", tmp_path, separator=";;")
    assert "encoding" in refusal("t.csv", tmp_path, encoding="utf-9")
    assert "nowhere" in refusal("nowhere://bucket/t.csv", tmp_path)


def test_bytes_of_another_encoding_late_in_the_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"key,amount,city\n" + b"1,2,x\n" * 700_000 + b"1,2,\xfc\n")
    assert "set the encoding" in refusal("t.csv", tmp_path)
    assert rows("t.csv", tmp_path, encoding="cp1252")["city"].iloc[-1] == "ü"


def test_files_in_object_storage_are_read_through_fsspec(tmp_path: Path) -> None:
    storage = fsspec.filesystem("memory")
    for part in ("1", "2"):
        storage.pipe(f"/bucket/part-{part}.csv", b"key,amount,city\n1,2,x\n")
    storage.pipe("/bucket/t.parquet", TABLE.to_parquet())
    assert len(rows("memory://bucket/part-*.csv", tmp_path)) == 2
    assert len(rows("memory://bucket/t.parquet", tmp_path)) == 3
    assert "no such file" in refusal("memory://bucket/none.csv", tmp_path, SourceMissing)
    assert "no file matches" in refusal("memory://bucket/none-*.csv", tmp_path, SourceMissing)


class Files(BaseHTTPRequestHandler):
    """Serves /t.csv and /t.parquet; the response to /NUMBER.csv has that number as its status."""

    def do_GET(self) -> None:
        name = self.path.split("?", 1)[0].strip("/")
        body = {"t.csv": TABLE.to_csv(index=False).encode(), "t.parquet": TABLE.to_parquet()}.get(
            name, b""
        )
        self.send_response(200 if body else int(name.split(".")[0]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_files_on_a_web_server_are_read(tmp_path: Path, web_server: str) -> None:
    assert len(rows(f"{web_server}/t.csv", tmp_path)) == 3
    assert len(rows(f"{web_server}/t.parquet?version=2", tmp_path)) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, SourceMissing),
        (403, SourceError),
        (500, SourceUnavailable),
        (503, SourceUnavailable),
        (429, SourceUnavailable),
    ],
)
def test_the_error_distinguishes_a_refused_request_from_a_failing_web_server(
    tmp_path: Path, web_server: str, status: int, kind: type[SourceError]
) -> None:
    message = refusal(f"{web_server}/{status}.csv?token=secret", tmp_path, kind)
    assert str(status) in message
    assert "secret" not in message


def test_an_unreachable_host_is_a_temporary_error(tmp_path: Path) -> None:
    message = refusal("http://user:secret@127.0.0.1:9/t.csv", tmp_path, SourceUnavailable)
    assert "secret" not in message


def test_secrets_are_removed_from_an_error_that_contains_the_address() -> None:
    with (
        pytest.raises(SourceUnavailable, match=r"GET https://host/t.csv\)") as caught,
        reading("server", remote=True),
    ):
        raise ConnectionError("GET https://user:secret@host/t.csv?token=secret")
    assert "secret" not in str(caught.value)


def database(url: str, query: str, columns: tuple[str, ...] = COLUMNS) -> pd.DataFrame:
    batches = read(
        Source(url_from="ROWS_URL", query=query), columns, root=Path(), environ={"ROWS_URL": url}
    )
    return pd.concat([batch.rows for batch in batches], ignore_index=True)


def database_refusal(
    url: str, query: str = "SELECT 1 AS key", kind: type[SourceError] = SourceError
) -> str:
    with pytest.raises(SourceError) as caught:
        database(url, query)
    assert caught.type is kind
    message = str(caught.value)
    assert "\n" not in message
    assert "ROWS_URL" in message
    assert "secret" not in message
    return message


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'rows.db'}"
    engine = sa.create_engine(url)
    TABLE.to_sql("rows", engine, index=False)
    engine.dispose()
    return url


@pytest.fixture
def postgres() -> Iterator[str]:
    url = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    table = f"rows_{os.getpid()}"
    try:
        TABLE.to_sql(table, engine, index=False, if_exists="replace")
    except sa.exc.OperationalError as error:
        if "TEST_POSTGRES_URL" in os.environ:
            raise  # a configured server must be available
        pytest.skip(f"no PostgreSQL at {url}: {str(error.orig).splitlines()[0]}")
    yield f"{url} {table}"
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE {table}"))
    engine.dispose()


def test_a_query_on_sqlite_is_read(sqlite: str) -> None:
    result = database(
        sqlite, "SELECT *, 'at 12:30 :x 5%' AS note FROM rows -- all of them\n;", ("note", *COLUMNS)
    )
    assert result["key"].tolist() == ["00123", "2", "3"]
    assert result["note"].iloc[0] == "at 12:30 :x 5%"
    assert "email" not in result
    assert database(sqlite, "SELECT * FROM rows WHERE 1 = 0").empty


def test_a_query_on_postgresql_is_read_and_its_errors_are_reported(postgres: str) -> None:
    url, table = postgres.split()
    query = (
        f"WITH r AS (SELECT * FROM {table}) SELECT key, amount::numeric(9,2) AS amount, city FROM r"
        " ORDER BY key"
    )
    result = database(url, query)
    assert result["key"].tolist() == ["00123", "2", "3"]
    assert "does not exist" in database_refusal(url, "SELECT * FROM nowhere")
    missing = url.rsplit("/", 1)[0].replace("@", ":secret@") + "/nowhere"
    assert "expected a connection" in database_refusal(missing)


def test_an_error_of_a_database_is_reported_in_one_line_without_secrets(
    sqlite: str, tmp_path: Path
) -> None:
    assert "no such table: nowhere" in database_refusal(sqlite, "SELECT * FROM nowhere")
    assert "syntax" in database_refusal(sqlite, "DELETE FROM rows")
    assert "no such file" in database_refusal(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()
    assert "not set" in database_refusal("")
    assert "special characters" in database_refusal(
        "postgresql://user:se@cret:secret@host:x/database"
    )
    assert "driver" in database_refusal("nosql://user:secret@host/database")
    database_refusal("postgresql://user:secret@127.0.0.1:9/database", kind=SourceUnavailable)


def test_whole_numbers_in_a_query_are_exact_when_other_cells_are_missing(sqlite: str) -> None:
    long = 2**53 + 1
    result = database(sqlite, f"SELECT {long} AS key UNION ALL SELECT NULL", ("key",))
    assert result["key"].tolist() == [long, pd.NA]
    mixed = database(
        sqlite, f"SELECT {long} AS key UNION ALL SELECT 1.5 UNION ALL SELECT NULL", ("key",)
    )
    assert mixed["key"].tolist()[:2] == [long, 1.5]


@pytest.mark.parametrize("separator", [",", ";"])
def test_columns_without_a_header_are_named_by_their_position(
    tmp_path: Path, separator: str
) -> None:
    TABLE.to_csv(tmp_path / "t.csv", sep=separator, index=False, header=False)
    columns = ("column_3", "column_1")
    result = rows("t.csv", tmp_path, columns, header=False)
    assert list(result.columns) == list(columns)
    assert result["column_1"].tolist() == ["00123", "2", "3"]
    assert result["column_3"].tolist() == TABLE["city"].tolist()
    (batch,) = read(Source(path="t.csv", header=False), columns, root=tmp_path, environ={})
    assert batch.unread == ("column_2", "column_4")
    (tmp_path / "ragged.csv").write_text("1,2,3\n1,2\n")
    assert "row 2 has 2 cells" in refusal("ragged.csv", tmp_path, columns=columns, header=False)


def test_batches_have_the_reading_of_their_source(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    source = Source(path="t.csv", decimal=",", signs="€")
    (batch,) = read(source, COLUMNS, root=tmp_path, environ={})
    assert batch.reading == Reading(",", None, "€")
