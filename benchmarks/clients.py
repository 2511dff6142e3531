"""Clients of one server, on plain sockets. Each sends a request after the previous response.

    python clients.py PORT CLIENTS SECONDS < BODIES

Reads one request body per line, sends the bodies in turn, and prints one JSON object. It uses only
the standard library, to be faster than the servers that it measures.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from itertools import count

WARM_UP = 1.0  # seconds at the start that are not measured


@dataclass
class Load:
    """The milliseconds of each response, and the number of responses of each client."""

    port: int
    bodies: list[bytes]
    began: float
    until: float
    turns: "count[int]" = field(default_factory=count)
    milliseconds: list[float] = field(default_factory=list)
    responses: list[int] = field(default_factory=list)
    refused: int = 0

    async def client(self) -> None:
        """Sends requests until the end of the measurement."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        received, sent = 0, time.perf_counter()
        while sent < self.until:
            body = self.bodies[next(self.turns) % len(self.bodies)]
            writer.write(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            status = await status_of_response(reader)
            finished = time.perf_counter()
            if sent >= self.began:
                received += 1
                self.milliseconds.append((finished - sent) * 1000)
                self.refused += status != 200
            sent = finished
        self.responses.append(received)
        writer.close()


async def status_of_response(reader: asyncio.StreamReader) -> int:
    """The status of the next response, whose body is read and ignored."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.split(b"content-length: ")[1].split(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(b" ")[1])


async def measure(port: int, clients: int, seconds: float, bodies: list[bytes]) -> dict[str, float]:
    """Requests per second, percentiles of the milliseconds, and failures of concurrent clients."""
    began = time.perf_counter() + WARM_UP
    load = Load(port, bodies, began, began + seconds)
    await asyncio.gather(*(load.client() for _ in range(clients)))
    milliseconds = sorted(load.milliseconds)
    return {
        "requests_per_second": len(milliseconds) / (time.perf_counter() - began),
        "p50_ms": milliseconds[len(milliseconds) // 2],
        "p99_ms": milliseconds[min(int(len(milliseconds) * 0.99), len(milliseconds) - 1)],
        "slowest_ms": milliseconds[-1],
        "fewest_responses": min(load.responses),
        "most_responses": max(load.responses),
        "refused": load.refused,
    }


if __name__ == "__main__":
    lines = sys.stdin.buffer.read().splitlines()
    print(
        json.dumps(
            asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), lines))
        )
    )
