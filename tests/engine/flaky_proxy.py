"""A TCP proxy whose connections can be cut and restored, so that a test causes a real outage."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import sqlalchemy as sa

__all__ = ["FlakyProxy", "proxied", "proxy_to"]


class FlakyProxy:
    """Forwards everything between its port and the server's. After a cut it refuses connections
    until it is restored.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._lock = threading.RLock()
        self._open: set[socket.socket] = set()
        self._awaited: list[bytes] = []
        self._seconds: float | None = None
        self._listening: socket.socket | None = None
        self.port = 0
        self.cuts = 0
        self.restore()

    def restore(self) -> None:
        with self._lock:
            if self._listening is None:
                listening = socket.socket()
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listening.bind(("127.0.0.1", self.port))
                listening.listen()
                self.port, self._listening = listening.getsockname()[1], listening
                threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self.cuts += 1
            listening, self._listening = self._listening, None
            for end in (*self._open, *([listening] if listening else ())):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._open.clear()

    def cut_after(self, *sent_in_order: bytes, seconds: float | None = None) -> None:
        """Cuts the connections after these byte strings were sent, in this order. The server
        receives the last one, but its response is lost.

        After ``seconds``, if given, the proxy restores itself.
        """
        self._awaited, self._seconds = list(sent_in_order), seconds

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            with self._lock:
                self._open |= {client, server}
            lost = threading.Event()
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(*ends, lost), daemon=True).start()

    def _pass(
        self, source: socket.socket, goal: socket.socket, asks: bool, lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while sent := source.recv(65_536):
                if lost.is_set() and not asks:
                    break
                if asks and self._has_sent_all(sent):
                    lost.set()
                goal.sendall(sent)
        if lost.is_set() and not asks:
            self.cut()
            if self._seconds is not None:
                threading.Timer(self._seconds, self.restore).start()
        for end in (source, goal):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _has_sent_all(self, sent: bytes) -> bool:
        """Whether ``sent`` contains the last of the awaited byte strings."""
        with self._lock:
            awaited = bool(self._awaited)
            while self._awaited and self._awaited[0] in sent:
                sent = sent.partition(self._awaited.pop(0))[2]
            return awaited and not self._awaited


@contextlib.contextmanager
def proxy_to(host: str, port: int) -> Iterator[FlakyProxy]:
    proxy = FlakyProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.cut()


@contextlib.contextmanager
def proxied(url: str) -> Iterator[tuple[FlakyProxy, str]]:
    """A proxy to the database at this URL, and the URL that leads through it."""
    address = sa.make_url(url)
    with proxy_to(address.host or "127.0.0.1", address.port or 5432) as proxy:
        yield (
            proxy,
            address.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False),
        )
