"""The process: it listens, says so, and ends without losing a request.

On SIGTERM (or Ctrl-C) it says at once that it is not ready, goes on answering while those who send
requests find out, then takes no new connections, finishes what it began and exits with 0. A second
signal ends the waiting.
"""

import logging
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

import uvicorn
from pythonjsonlogger.orjson import OrjsonFormatter

from ..config.settings import Settings
from ..errors import ConfigError
from ..log.prediction_log import PredictionLog
from ..log.spool import Spool
from ..product import Product
from ..redaction import redacted
from ..registry.releases import Releases
from .app import Service, app_of
from .connections import connections_of
from .follower import Follower
from .log_writer import LogWriter
from .options import ServiceSettings
from .request_rows import Rows

__all__ = ["JsonLines", "run", "service_of", "spool_folder"]

FINISH_SECONDS = 30
SWITCH_SECONDS = 0.0005
"""How long a thread that writes the log may keep Python's lock from one that answers; usual is ten
times that.
"""


def spool_folder(settings: Settings) -> Any:
    return settings.var / "service" / "spool"


def service_of(product: Product, settings: Settings, wanted: ServiceSettings) -> Service:
    """The parts of the service; nothing is opened before it starts."""
    rows = Rows(product.features)
    columns = rows.validator.columns
    return Service(
        title=product.title,
        settings=wanted,
        rows=rows,
        follower=Follower(lambda: Releases(settings, product.name), columns, wanted.poll_seconds),
        writer=LogWriter(
            lambda: PredictionLog(settings.database_url),
            Spool(spool_folder(settings)),
            rows,
            rows=wanted.queue_rows,
            megabytes=wanted.spool_megabytes,
        ),
    )


def run(product: Product, settings: Settings, wanted: ServiceSettings) -> int:
    """0 when it was told to stop. Raises ConfigError where the port is taken."""
    _log_as_json()
    sys.setswitchinterval(SWITCH_SECONDS)
    service = service_of(product, settings, wanted)
    listening = _bound(wanted.host, wanted.port)
    host, port = listening.getsockname()[:2]
    print(f"  service     http://{host}:{port}/docs", flush=True)
    config = uvicorn.Config(
        app_of(service),
        http=connections_of(service),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    _Draining(config, service).run(sockets=[listening])
    return 0


class _Draining(uvicorn.Server):
    """Answers on for a while after it was told to stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not passed on: the signal is answered, and the process then ends with 0."""
        if self.service.draining:
            self.should_exit = self.force_exit = True
            return
        self.service.draining = True
        timer = threading.Timer(self.service.settings.drain_seconds, self._leave)
        timer.daemon = True
        timer.start()

    def _leave(self) -> None:
        self.should_exit = True


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as taken:
        listening.close()
        raise ConfigError(
            f"the service cannot listen on {host}:{port}: {taken.strerror} – a free port of this"
            " machine is expected – give another --port, or 0 for any"
        ) from taken
    listening.set_inheritable(True)
    return listening


class JsonLines(OrjsonFormatter):
    """Log records as lines of JSON: time, level, event, and the fields in ``extra``.

    Neither a request's content nor a secret is ever among them.
    """

    # Logs of several machines are read side by side: UTC, in the form of RFC 3339.
    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        named = {"asctime": "time", "levelname": "level", "message": "event"}
        super().__init__(tuple(named), rename_fields=named | {"exc_info": "exception"})

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The record without secrets: libraries put addresses into messages and exceptions."""
        log_data["level"] = log_data["level"].lower()
        return {
            name: redacted(value) if isinstance(value, str) else value
            for name, value in log_data.items()
        }


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    package, root = logging.getLogger(__package__), logging.getLogger()
    package.handlers, package.propagate = [handler], False
    package.setLevel(logging.INFO)
    root.handlers = [handler]  # what libraries log of what broke may hold an address as well
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
