"""Half-sent requests and too many connections, on real sockets."""

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
ASKING = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = json.dumps({"rows": some_rows(1)}).encode()
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(scope="module")
def process(released: TrialProduct, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One service for all: no test leaves a connection open."""
    limits = {
        "SERVICE_READ_SECONDS": f"{READ_SECONDS}",
        "SERVICE_CONNECTIONS_AT_MOST": f"{CONNECTIONS}",
    }
    with pytest.MonkeyPatch.context() as patch:
        copy_of(released, tmp_path_factory.mktemp("connections"), patch)
        with serving(settings(), **limits) as found:
            found.until(found.is_ready)
            yield found


def connected(process: Process) -> socket.socket:
    return socket.create_connection(("127.0.0.1", process.port), timeout=10 * READ_SECONDS)


def until_closed(line: socket.socket) -> bytes:
    """Everything that comes until the other side closes. Raises TimeoutError where it never
    does.
    """
    found = b""
    while more := line.recv(65_536):
        found += more
    return found


def late(process: Process, path: str) -> float:
    """How many requests of the path came too late, by the service's own count."""
    counted = httpx.get(f"{process.url}/metrics").text
    found = re.search(rf'requests_total{{path="{path}",status="408"}} (\S+)', counted)
    return float(found.group(1)) if found else 0.0


def test_half_sent_requests_are_ended(process: Process) -> None:
    halves = {
        b"": b"",
        b"POST /pred": b" 408 ",
        HEAD[:-2]: b" 408 ",
        HEAD: b" 408 ",
        HEAD + BODY[:-1]: b" 408 ",
    }
    halves |= {ASKING + ASKING[:-2]: b" 408 "}
    before = late(process, "other"), late(process, "/predict")
    for half, status in halves.items():
        with connected(process) as line:
            began = time.monotonic()
            line.sendall(half)
            received = until_closed(line)
            assert time.monotonic() - began < 5 * READ_SECONDS, half
        assert status in received, half
        assert not received or b"connection: close" in received.lower()
    assert b'"detail":"A request has to be sent within 1 seconds."' in received
    assert late(process, "other") == before[0] + 3
    assert late(process, "/predict") == before[1] + 2


@pytest.mark.parametrize("content", [ASKING, HEAD + BODY], ids=["head", "body"])
def test_a_request_that_comes_byte_by_byte_is_ended_as_well(
    process: Process, content: bytes
) -> None:
    with connected(process) as line:
        end = time.monotonic() + 5 * READ_SECONDS
        ended = False
        while not ended and time.monotonic() < end:
            for byte in content[:-1]:
                time.sleep(0.05)
                try:
                    line.sendall(bytes([byte]))
                except OSError:  # closed by the other side
                    ended = True
                    break
        assert ended


def test_what_follows_an_early_answer_does_not_hold_the_connection(process: Process) -> None:
    with connected(process) as line:
        line.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        received = line.recv(65_536)
        line.sendall(b"x")
        received += until_closed(line)
    assert b" 404 " in received
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_whole_request_is_answered_and_its_connection_kept(process: Process) -> None:
    with httpx.Client(base_url=process.url) as client:
        for _ in range(2):
            response = client.post("/predict", content=BODY)
            assert response.status_code == 200
            line = response.extensions["network_stream"].get_extra_info("client_addr")
            time.sleep(1.5 * READ_SECONDS)
        assert (
            client.get("/model").extensions["network_stream"].get_extra_info("client_addr") == line
        )


def test_more_connections_than_there_may_be_are_told_so_and_take_nobodys_place(
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
        lines[0].sendall(ASKING)
        assert b" 200 " in lines[0].recv(65_536)
        lines.pop().close()
        time.sleep(0.1)
        assert httpx.get(f"{process.url}/model").status_code == 200
    finally:
        for line in lines:
            line.close()


def test_a_head_without_an_end_is_refused(process: Process) -> None:
    with connected(process) as line:
        line.sendall(b"GET /model HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000)
        received = line.recv(65_536)
    assert b" 431 " in received
    assert process.is_ready()


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_fault(process: Process) -> None:
    with connected(process) as line:
        line.sendall(HEAD + BODY[:-1])
        time.sleep(0.1)
    process.until(lambda: '"status":499' in process.errors.read_text())
    assert "broke" not in process.errors.read_text()
