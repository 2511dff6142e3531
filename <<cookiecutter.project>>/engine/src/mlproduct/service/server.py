"""The process of the service: it listens, prints its address, and stops without losing a request.

After SIGTERM (or Ctrl-C), ``/health/ready`` reports at once that the service is not ready. The
service still responds for a while, so that load balancers stop sending requests. Then it accepts no
new connections, finishes open requests and exits with 0. A second signal ends the waiting.
"""

import logging
import socket
import sys
import threading
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import uvicorn
from pythonjsonlogger.orjson import OrjsonFormatter

from ..config.settings import Settings, read_pipeline
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

# The service takes at most SERVICE_DRAIN_SECONDS (5), these 30 and twice 10 seconds of the log's
# threads to stop. stop_grace_period in compose.yaml and END_SECONDS of `down` are longer.
FINISH_SECONDS = 30
# The time for which a thread that writes the log may hold Python's global lock while the event loop
# waits to respond. Python's default is ten times as long.
SWITCH_SECONDS = 0.0005


def spool_folder(settings: Settings) -> Any:
    """The folder of the spool, a Path."""
    return settings.var / "service" / "spool"


def service_of(product: Product, settings: Settings, wanted: ServiceSettings) -> Service:
    """The parts of the service. Database and registry are opened only when the service starts."""
    # Requests spell numbers like the rows of the training.
    rows = Rows(product.features, read_pipeline(settings.pipeline_file).source.reading)
    return Service(
        title=product.title,
        settings=wanted,
        rows=rows,
        follower=Follower(
            lambda: Releases(settings, product.name), product.feature_columns, wanted.poll_seconds
        ),
        writer=LogWriter(
            lambda: PredictionLog(settings.database_url),
            Spool(spool_folder(settings)),
            rows,
            rows=wanted.queue_rows,
            megabytes=wanted.spool_megabytes,
        ),
        problem=product.columns.of_target,
    )


def run(product: Product, settings: Settings, wanted: ServiceSettings) -> int:
    """Runs the service until a stop signal, then returns 0. Raises ConfigError if the port is
    in use.
    """
    _log_as_json()
    sys.setswitchinterval(SWITCH_SECONDS)
    service = service_of(product, settings, wanted)
    # Bound before uvicorn starts: the address is printed, also that of port 0, and a port in use is
    # a ConfigError.
    listening = _bound(wanted.host, wanted.port)
    host, port = listening.getsockname()[:2]
    print(f"  service     http://{host}:{port}/docs", flush=True)
    config = uvicorn.Config(
        app_of(service),
        http=connections_of(service),
        access_log=False,  # app.py logs each response, with the request id
        log_config=None,  # with its own, the lines of uvicorn would not be JSON
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    _Draining(config, service).run(sockets=[listening])
    return 0


class _Draining(uvicorn.Server):
    """A server that still responds for a while after the signal to stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Starts draining; a second signal stops at once.

        uvicorn's own method stores the signal and raises it again at the end, so that the process
        would not exit with 0.
        """
        if self.service.draining:
            self.should_exit = self.force_exit = True
            return
        self.service.draining = True
        timer = threading.Timer(self.service.settings.drain_seconds, self._leave)
        timer.daemon = True  # after a second signal, the process does not wait for it
        timer.start()

    def _leave(self) -> None:
        self.should_exit = True


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    # Without it, a restart fails while connections of the previous process are in TIME_WAIT.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as taken:
        listening.close()
        raise ConfigError(
            f"the service cannot listen on {host}:{port}: {taken.strerror} – expected a free port"
            " of this machine – give another --port, or 0 for any free port"
        ) from taken
    listening.set_inheritable(True)
    return listening


class JsonLines(OrjsonFormatter):
    """Formats log records as lines of JSON: time, level, event, and the fields in ``extra``.

    Passwords are removed. The content of requests is never passed to a logger.
    """

    def __init__(self) -> None:
        named = {"asctime": "time", "levelname": "level", "message": "event"}
        super().__init__(tuple(named), rename_fields=named | {"exc_info": "exception"})

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """The time in UTC: logs of several machines are read side by side."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The record without secrets: libraries put addresses into messages and exceptions."""
        log_data["level"] = log_data["level"].lower()
        # Not the fields in ``extra``: they are chosen here and come from no library, and redacting
        # each would take longer than checking a row.
        for name in ("event", "exception"):
            if name in log_data:
                log_data[name] = redacted(log_data[name])
        return log_data


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    package, root = logging.getLogger(__package__), logging.getLogger()
    package.handlers, package.propagate = [handler], False
    package.setLevel(logging.INFO)
    root.handlers = [handler]  # errors that libraries log may contain an address as well
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
