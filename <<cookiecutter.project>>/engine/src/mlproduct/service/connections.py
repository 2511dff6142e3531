"""Limits for connections: the time to send a request and the number of connections.

uvicorn waits for the head of a request without limit. A client that sends half of a head would
occupy its connection and its memory forever. app.py limits the time for the body.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from .app import Service
from .openapi import problem

__all__ = ["connections_of"]

# With httptools, uvicorn sets no limit. This is four times the default of h11.
HEAD_BYTES = 65_536
# The time a connection over the limit has to send a request, which then gets a 503.
FULL_SECONDS = 1.0


def connections_of(service: Service) -> type[asyncio.Protocol]:
    """The protocol class for uvicorn, with the limits of the service."""

    # A class, because uvicorn creates the protocol of each connection itself.
    class Connection(_Limited):
        limits = service

    return Connection


class _Limited(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # whichever parser is installed
    limits: Service
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        settings = self.limits.settings
        self._head, self._in_head, self._in_body = 0, False, False
        self._full = len(self.connections) > settings.connections_at_most
        if self._full:
            self.connections.discard(self)  # it does not count towards the limit
        self._wait(
            min(FULL_SECONDS, settings.read_seconds) if self._full else settings.read_seconds
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._full:
            self._end(503, "Too many connections", "Try again in a second.")
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
            self._head = 0
        elif not self.transport.is_closing():
            # app.py counts the bytes of a body.
            self._count(0 if self._in_body else len(data))

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if (self._in_head or self._in_body) and not self.transport.is_closing():
            # What follows is the head of the next request, or the rest of the body of a request
            # that got its response before its end.
            self._count(int(self._in_head))

    def _count(self, more: int) -> None:
        """Counts bytes of a head, or of the rest of a body whose request already has a response."""
        self._head += more
        if self._head > HEAD_BYTES:
            self._end(
                431, "Head too large", f"The head of a request has at most {HEAD_BYTES:,} bytes."
            )
        elif self._timer is None:
            self._wait(self.limits.settings.read_seconds)

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        # Without a byte of a head, the connection was only idle, and there is nothing to answer.
        if self._head:
            seconds = self.limits.settings.read_seconds
            detail = f"A request has to be sent within {seconds:g} seconds."
            self._end(408, "Request timeout", detail)
        else:
            self.transport.close()

    def _end(self, status: int, title: str, detail: str) -> None:
        """Writes the response directly, because uvicorn has no complete request to respond to."""
        response = problem(status, title, detail)
        response.headers["Connection"] = "close"
        head = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n"
        self.transport.write(line.encode() + bytes(response.body))
        self.transport.close()
        self.limits.requests.labels("other", str(status)).inc()
