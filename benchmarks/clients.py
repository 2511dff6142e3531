"""Clients of one server on plain sockets: each sends its next request when the last one is
answered.

    python clients.py PORT CLIENTS SECONDS < BODIES

Takes a body a line and sends them in turn; prints one JSON object. Needs nothing but Python, so
that it is quicker than what it measures.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from itertools import count

WARM_UP = 1.0
"""Seconds that do not count."""


@dataclass
class Load:
    """What the clients saw: the milliseconds of every answer, and how many each of them got."""

    port: int
    bodies: list[bytes]
    began: float
    until: float
    turns: "count[int]" = field(default_factory=count)
    milliseconds: list[float] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    refused: int = 0

    async def client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        got, sent = 0, time.perf_counter()
        while sent < self.until:
            body = self.bodies[next(self.turns) % len(self.bodies)]
            writer.write(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            status = await answered(reader)
            came = time.perf_counter()
            if sent >= self.began:
                got += 1
                self.milliseconds.append((came - sent) * 1000)
                self.refused += status != 200
            sent = came
        self.answers.append(got)
        writer.close()


async def answered(reader: asyncio.StreamReader) -> int:
    """The status; the body is read, and nobody looks at it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.split(b"content-length: ")[1].split(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(b" ")[1])


async def hammer(port: int, clients: int, seconds: float, bodies: list[bytes]) -> dict[str, float]:
    began = time.perf_counter() + WARM_UP
    load = Load(port, bodies, began, began + seconds)
    await asyncio.gather(*(load.client() for _ in range(clients)))
    taken = sorted(load.milliseconds)
    return {
        "requests_per_second": len(taken) / (time.perf_counter() - began),
        "p50_ms": taken[len(taken) // 2],
        "p99_ms": taken[min(int(len(taken) * 0.99), len(taken) - 1)],
        "slowest_ms": taken[-1],
        "fewest_answers": min(load.answers),
        "most_answers": max(load.answers),
        "refused": load.refused,
    }


if __name__ == "__main__":
    lines = sys.stdin.buffer.read().splitlines()
    print(
        json.dumps(
            asyncio.run(hammer(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), lines))
        )
    )
