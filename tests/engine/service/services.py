"""Services for tests, in this process and in separate ones, and a client that sends many
requests.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from mlproduct.config.settings import Settings
from mlproduct.service.request_rows import Rows
from trial_radar.sample import sample
from trial_radar.schemas import Features

from ..products import DAY
from ..team import PACKAGE, SOURCES

READ = list(Rows(Features).validator.columns.read)


def some_rows(count: int, **knobs: Any) -> list[dict[str, Any]]:
    frame = sample(rows=count, until=DAY, span=0, **{"dirty": 0.0, "seed": 3, **knobs})[READ]
    found: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return found


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Waits until the condition is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@dataclass
class Process:
    """A service in a separate process."""

    process: "subprocess.Popen[str]"
    url: str
    errors: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait_until(self, condition: Any, seconds: float = 60) -> None:
        """Waits until the condition is true. Fails when the service ends before."""
        end = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"the service has ended: {self.errors.read_text()[-2000:]}")
            assert time.monotonic() < end, (
                f"the condition stayed false: {self.errors.read_text()[-2000:]}"
            )
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def version(self) -> str:
        return str(httpx.get(f"{self.url}/model", timeout=30).json()["version"])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def serving(settings: Settings, **environ: str) -> Iterator[Process]:
    """The service as ``serve`` starts it, on a free port. It is ended afterwards."""
    errors = settings.var / "service.err"
    addresses = {"PRODUCT_ROOT": str(settings.root), "MLFLOW_TRACKING_URI": settings.tracking_uri}
    addresses |= {"PRODUCT_DATABASE_URL": settings.database_url, "PYTHONPATH": SOURCES}
    fast = {"SERVICE_POLL_SECONDS": "0.2", "SERVICE_DRAIN_SECONDS": "0.5"}
    command = [sys.executable, "-m", PACKAGE, "serve", "--port", "0"]
    with errors.open("w") as log_file:
        process = subprocess.Popen(
            command,
            env={**os.environ, **addresses, **fast, **environ},
            stdout=subprocess.PIPE,
            stderr=log_file,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, errors.read_text()[-2000:]
        found = Process(process, line.split()[1].removesuffix("/docs"), errors)
        found.wait_until(lambda: is_live(found.url))
        yield found
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def is_live(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class LoadGenerator:
    """Many concurrent clients on plain sockets. Each sends its next request when it has the
    response to the last one.
    """

    port: int
    body: bytes
    statuses: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    left: int = 0
    stopped: bool = False

    async def run(self, requests: int, clients: int) -> None:
        self.left = requests
        await asyncio.gather(*(self._client() for _ in range(clients)))

    async def _client(self) -> None:
        length = f"Content-Length: {len(self.body)}"
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode()
        reader = writer = None
        while self.left > 0 and not self.stopped:
            self.left -= 1
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                assert reader is not None
                writer.write(head + self.body)
                status, headers, body = await _read_response(reader)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))
                writer = None
                continue
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 200:
                self.versions.add(json.loads(body)["model"]["version"])
            if b"connection: close" in headers:
                writer.close()
                writer = None
        if writer is not None:
            writer.close()


async def _read_response(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    headers = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(headers.split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(headers.split(b" ")[1]), headers, await reader.readexactly(length)
