"""Incomplete requests and too many connections, on real sockets."""

import json
import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from mlproduct.testing import TrialProduct

from ..products import copy_of, settings
from .services import Process, serving, some_rows

READ_SECONDS = 1.0
CONNECTIONS = 4
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = json.dumps({"rows": some_rows(1)}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(scope="module")
def process(released: TrialProduct, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One service for all tests of this file. No test leaves a connection open."""
    limits = {
        "SERVICE_READ_SECONDS": f"{READ_SECONDS}",
        "SERVICE_CONNECTIONS_AT_MOST": f"{CONNECTIONS}",
    }
    with pytest.MonkeyPatch.context() as patch:
        copy_of(released, tmp_path_factory.mktemp("connections"), patch)
        with serving(settings(), **limits) as found:
            found.wait_until(found.is_ready)
            yield found


def connected(process: Process) -> socket.socket:
    return socket.create_connection(("127.0.0.1", process.port), timeout=10 * READ_SECONDS)


def received_until_closed(connection: socket.socket) -> bytes:
    """Everything received until the other side closes the connection. Raises TimeoutError if it
    never does.
    """
    found = b""
    while more := connection.recv(65_536):
        found += more
    return found


def late_requests(process: Process, path: str) -> float:
    """The number of requests to the path that came too late, from the service's metrics."""
    counted = httpx.get(f"{process.url}/metrics").text
    found = re.search(rf'requests_total{{path="{path}",status="408"}} (\S+)', counted)
    return float(found.group(1)) if found else 0.0


def test_an_incomplete_request_is_ended_after_the_read_timeout(process: Process) -> None:
    parts = {
        b"": b"",
        b"POST /pred": b" 408 ",
        HEAD[:-2]: b" 408 ",
        HEAD: b" 408 ",
        HEAD + BODY[:-1]: b" 408 ",
    }
    parts |= {REQUEST + REQUEST[:-2]: b" 408 "}
    before = late_requests(process, "other"), late_requests(process, "/predict")
    for part, status in parts.items():
        with connected(process) as connection:
            began = time.monotonic()
            connection.sendall(part)
            received = received_until_closed(connection)
            assert time.monotonic() - began < 5 * READ_SECONDS, part
        assert status in received, part
        assert not received or b"connection: close" in received.lower()
    assert b'"detail":"A request has to be sent within 1 seconds."' in received
    assert late_requests(process, "other") == before[0] + 3
    assert late_requests(process, "/predict") == before[1] + 2


@pytest.mark.parametrize("content", [REQUEST, HEAD + BODY], ids=["head", "body"])
def test_a_request_sent_byte_by_byte_is_ended_after_the_read_timeout(
    process: Process, content: bytes
) -> None:
    with connected(process) as connection:
        end = time.monotonic() + 5 * READ_SECONDS
        ended = False
        while not ended and time.monotonic() < end:
            for byte in content[:-1]:
                time.sleep(0.05)
                try:
                    connection.sendall(bytes([byte]))
                except OSError:  # closed by the other side
                    ended = True
                    break
        assert ended


def test_a_body_after_an_early_response_does_not_keep_the_connection_open(process: Process) -> None:
    with connected(process) as connection:
        connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        received = connection.recv(65_536)
        connection.sendall(b"x")
        received += received_until_closed(connection)
    assert b" 404 " in received
    assert received.count(b"HTTP/1.1 ") == 1


def test_the_connection_of_a_complete_request_stays_open(process: Process) -> None:
    with httpx.Client(base_url=process.url) as client:
        for _ in range(2):
            response = client.post("/predict", content=BODY)
            assert response.status_code == 200
            connection = response.extensions["network_stream"].get_extra_info("client_addr")
            time.sleep(1.5 * READ_SECONDS)
        assert (
            client.get("/model").extensions["network_stream"].get_extra_info("client_addr")
            == connection
        )


def test_a_connection_over_the_limit_gets_503_and_open_ones_still_work(
    process: Process,
) -> None:
    lines = [connected(process) for _ in range(CONNECTIONS)]
    try:
        time.sleep(0.1)
        response = httpx.get(f"{process.url}/model")
        assert (response.status_code, response.headers["content-type"]) == (
            503,
            "application/problem+json",
        )
        assert response.json()["title"] == "Too many connections"
        lines[0].sendall(REQUEST)
        assert b" 200 " in lines[0].recv(65_536)
        lines.pop().close()
        time.sleep(0.1)
        assert httpx.get(f"{process.url}/model").status_code == 200
    finally:
        for connection in lines:
            connection.close()


def test_headers_that_are_too_long_are_refused(process: Process) -> None:
    with connected(process) as connection:
        connection.sendall(b"GET /model HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000)
        received = connection.recv(65_536)
    assert b" 431 " in received
    assert process.is_ready()


def test_a_client_that_disconnects_during_its_body_is_logged_as_499(process: Process) -> None:
    with connected(process) as connection:
        connection.sendall(HEAD + BODY[:-1])
        time.sleep(0.1)
    process.wait_until(lambda: '"status":499' in process.errors.read_text())
    assert "broke" not in process.errors.read_text()
