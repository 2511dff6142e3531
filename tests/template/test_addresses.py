"""A product reads s3:// and http:// addresses, and reports a failure in one line."""

import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import Bake, sources

ROWS = "key,x\n" + "".join(f"c{n},{n}\n" for n in range(1000))
READ = """
import os, pathlib, sys
from mlproduct.config.settings import Source
from mlproduct.data.sources import read
from mlproduct.errors import SourceError
try:
    source = Source(path=sys.argv[1])
    batches = list(read(source, ["key", "x"], root=pathlib.Path(), environ=os.environ))
except SourceError as error:
    sys.exit(f"{type(error).__name__}: {error}")
total = sum(int(batch.rows["x"].astype(int).sum()) for batch in batches)
print(sum(len(batch.rows) for batch in batches), total)
"""
FILL = """
import fsspec, sys
store = fsspec.filesystem("s3")
store.mkdir("warehouse")
store.pipe("warehouse/rows.csv", sys.stdin.read().encode())
"""
Read = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of a running S3 server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)  # only a connection shows whether the server listens
    raise TimeoutError(f"nothing listens on port {port}")


@pytest.fixture(scope="module")
def read(
    environment: Path, bake_into: Bake, store: str, tmp_path_factory: pytest.TempPathFactory
) -> Read:
    """``read(address)``: the result of a process in which a product reads the address."""
    product = bake_into(tmp_path_factory.mktemp("addresses"))
    environ = {
        **os.environ,
        "PYTHONPATH": sources(product),
        "AWS_ENDPOINT_URL": store,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-of-a-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    python = environment / "bin" / "python"
    subprocess.run([python, "-c", FILL], input=ROWS, text=True, env=environ, check=True)

    def run(address: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [python, "-c", READ, address],
            env=environ,
            cwd=product,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_product_reads_rows_from_s3(read: Read) -> None:
    done = read("s3://warehouse/rows.csv")
    assert done.stdout.split() == ["1000", "499500"], done.stderr


@pytest.mark.parametrize(
    "address", ["s3://warehouse/none.csv", "s3://nowhere/rows.csv", "http://127.0.0.1:9/rows.csv"]
)
def test_a_missing_source_is_reported_in_one_line_without_the_secret(
    read: Read, address: str
) -> None:
    done = read(address)
    assert done.returncode == 1
    assert done.stderr.startswith("Source")
    assert len(done.stderr.splitlines()) == 1
    assert "test-of-a-secret" not in done.stderr


def test_a_product_reads_rows_from_http(read: Read, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = read(f"http://127.0.0.1:{server.server_port}/rows.csv")
        server.shutdown()
    assert done.stdout.split() == ["1000", "499500"], done.stderr
