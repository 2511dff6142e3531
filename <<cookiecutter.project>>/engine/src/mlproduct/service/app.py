"""The routes of the service.

POST /predict        predictions for 1 to 1,000 rows
GET  /model          the model that serves
GET  /health/live    whether the process runs
GET  /health/ready   whether the service accepts requests
GET  /metrics        metrics for Prometheus
GET  /docs           the API as a page
"""

import asyncio
import gc
import hmac
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Request, Response, Security
from fastapi.security import APIKeyHeader
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import DatabaseUnavailable, RegistryUnavailable
from ..problems import Problem
from .batching import Batcher, Busy
from .follower import Follower
from .idempotency import KEY_HEADER, Once, StoredAnswer, UsedBefore
from .log_writer import LogWriter
from .openapi import answer, problem, problems_json, request_schema
from .options import ServiceSettings
from .request_rows import Checked, Rows
from .response_schemas import IDEMPOTENCY_KEY, LIVE, MODEL, READY, predictions

__all__ = ["Service", "app_of"]

logger = logging.getLogger(__name__)
# A client chooses this id, and it is written to the log and to a header of the response.
REQUEST_ID = re.compile(r"[\w.-]{1,64}")
WAITING_ROWS = 20_000  # twenty requests of the usual limit; later ones are refused at once
KEY = 0  # the key is the first of the columns that are read
# auto_error off: FastAPI's own refusal is not a problem document of RFC 9457.
API_KEY = APIKeyHeader(name="X-API-Key", auto_error=False)
# The paths that are counted under their name; any other is "other", so that a stranger who tries
# many paths does not fill the metrics.
ROUTES = frozenset(
    ("/predict", "/model", "/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json")
)

# Scripts and styles of the API page. FastAPI's own page would load them from an external server.
PAGE_FILES = "/docs-files"


@dataclass
class Service:
    """The parts of one service; ``draining`` is True once it has received a stop signal."""

    title: str
    settings: ServiceSettings
    rows: Rows
    follower: Follower
    writer: LogWriter
    problem: Problem
    draining: bool = False
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        # Not the global registry: it refuses the metrics of a second Service in one process.
        made: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("requests", "Responses", ["path", "status"], **made)
        self.seconds = Histogram("request_seconds", "Seconds per POST /predict", **made)
        self.scored = Counter("rows", "Rows of POST /predict", ["outcome"], **made)
        # The last size is the limit of a batch, ROWS_AT_ONCE of batching.py.
        sizes = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
        self.batches = Histogram(
            "batch_rows", "Rows scored together in one batch", buckets=sizes, **made
        )
        gauges: dict[str, Callable[[], float]] = {
            "ready": lambda: float(self.ready is None),
            "model_version": lambda: float(self.follower.live.version if self.follower.live else 0),
            "model_swaps": lambda: self.follower.swaps,
            "model_refusals": lambda: self.follower.refusals,
            "champion_alias_differs": lambda: float(self.follower.alias_differs),
            "log_queued_rows": lambda: self.writer.state.queued,
            "log_spooled_blocks": lambda: self.writer.state.blocks,
            "log_recorded_rows": lambda: self.writer.state.recorded,
            "log_lost_rows": lambda: self.writer.state.lost,
        }
        for name, value in gauges.items():
            Gauge(name, name.replace("_", " "), **made).set_function(value)

    @property
    def ready(self) -> str | None:
        """The reason not to send requests, without names or addresses; None if it is ready."""
        if self.draining:
            return "the service is stopping"
        if self.follower.live is None:
            return self.follower.outage or "no model is loaded yet"
        return None


def app_of(service: Service) -> FastAPI:
    """The application. Its start also starts the follower, the batcher and the log writer."""
    observed, keep = service.batches.observe, service.writer.put
    batcher = Batcher(lambda: service.follower.live, service.rows, observed, keep, WAITING_ROWS)

    about = {"title": service.title, "version": "1", "description": "Predictions by the champion."}
    app = FastAPIOffline(
        lifespan=_life(service, batcher), redoc_url=None, static_url=PAGE_FILES, **about
    )
    app.add_middleware(_Around, service=service)

    # The class of Starlette, whose router raises it for an unknown path or method. The class of
    # FastAPI is derived from it.
    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        details = {401: "Send one as X-API-Key."}
        missing = f"There is no {request.method} {request.url.path[:80]}."
        response = problem(
            error.status_code, str(error.detail), details.get(error.status_code, missing)
        )
        response.headers.update(error.headers or {})  # a 405 names the allowed methods
        return response

    body = {"required": True, "content": {"application/json": {"schema": _schema(service)}}}
    answers = predictions(service.problem.response_schema())
    extra = {"requestBody": body, "parameters": [IDEMPOTENCY_KEY]}
    needed: dict[str, Any] = {
        "dependencies": _key_needed(service.settings.keys),
        "response_model": None,
    }

    # The request and not a model of pydantic: FastAPI would read a body of any length, and before
    # the key is checked.
    @app.post("/predict", openapi_extra=extra, responses=answers, **needed)
    async def predict(request: Request) -> Response:
        """A prediction for each valid row, and errors for each invalid row."""
        return await _predict(service, batcher, request)

    @app.get("/model", responses=MODEL, **needed)
    async def model() -> Response:
        """The model that serves: its version, its verdict, and the reason if a newer champion could
        not be loaded.
        """
        return _model(service)

    @app.get("/health/live", responses=LIVE, response_model=None)
    async def live() -> Response:
        """200 as long as the process runs."""
        return answer({"status": "live"})

    @app.get("/health/ready", responses=READY, response_model=None)
    async def ready() -> Response:
        """200 if the service is ready; 503 before the first model is loaded and after the signal to
        stop.

        No key is needed, so the response names only the part that is unavailable. The log of the
        service has the details.
        """
        reason = service.ready
        log = service.writer.state
        state = {"status": "not ready" if reason else "ready", "because": reason, "log": log.outage}
        return answer(state, 503 if reason else 200)

    @app.get("/metrics", response_class=PlainTextResponse, response_model=None)
    async def metrics() -> Response:
        """Metrics for Prometheus."""
        return Response(generate_latest(service.registry), media_type="text/plain; version=0.0.4")

    return app


def _key_needed(keys: tuple[str, ...]) -> list[Any]:
    """The dependency that refuses a request without one of ``keys``; none where there are none."""

    async def key_needed(given: Annotated[str | None, Security(API_KEY)]) -> None:
        # Bytes, because compare_digest raises TypeError for a text with non-ASCII characters.
        sent = (given or "").encode()
        # A list, not a generator: every key is compared, in constant time, so that the time of
        # a refusal tells nothing about the keys.
        if not any([hmac.compare_digest(sent, key.encode()) for key in keys]):
            raise HTTPException(401, "No API key")

    return [Security(key_needed)] if keys else []


def _life(
    service: Service, batcher: Batcher
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        service.follower.start()
        service.writer.start()
        batcher.start()
        gc.collect()  # first, because frozen garbage is never freed
        # Everything loaded so far stays in memory. Without the freeze, each full garbage collection
        # would check it again, which takes a tenth of a second.
        gc.freeze()
        yield
        # The writer is last: the rows of the last batch are put into its queue.
        await batcher.stop()
        service.follower.stop()
        service.writer.stop()

    return life


def _schema(service: Service) -> dict[str, Any]:
    return request_schema(service.rows, service.settings.rows_at_most)


async def _predict(service: Service, batcher: Batcher, request: Request) -> Response:
    if service.follower.live is None:
        return problem(503, "Not ready", service.ready or "no model is loaded yet")
    try:
        async with asyncio.timeout(service.settings.read_seconds):
            body = await _body(request, service.settings.body_bytes)
    except TimeoutError:
        return _too_slow(service.settings.read_seconds)
    if body is None:
        return problem(
            413, "Too large", f"A body has at most {service.settings.body_bytes:,} bytes."
        )
    key = request.headers.get(KEY_HEADER)
    try:
        once = None if key is None else Once.of(key, body)
    except ValueError as other:
        return problem(422, "Invalid request", str(other))
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return problem(400, "Invalid JSON", f"The body is not valid JSON: {error}.")
    if complaint := _shape(content, service.settings.rows_at_most):
        return problem(422, "Invalid request", complaint)
    checked = service.rows.check(content["rows"])
    request.state.rows = len(content["rows"])
    service.scored.labels("bad").inc(len(content["rows"]) - len(checked.positions))
    if not checked.positions or (checked.problems and content.get("all_or_nothing")):
        return problem(422, "Invalid rows", "See errors for the invalid fields.", checked.problems)
    try:
        if once is None:
            found = StoredAnswer.of(await batcher.score(checked.cells))
        else:
            found = await once.answer(checked.cells, batcher, service.writer, service.follower)
    except Busy:
        return _later(429, "Too many waiting rows", "Try again in a second.")
    except UsedBefore as used:
        return problem(409, "Key already used", str(used))
    except RegistryUnavailable:
        return _later(
            503,
            "Registry unavailable",
            "The classes of an earlier response cannot be read from the registry. Try again.",
        )
    except DatabaseUnavailable:
        return _later(
            503,
            "Log unavailable",
            f"The prediction log is unavailable, and a request with {KEY_HEADER} needs it. Try"
            " again.",
        )
    service.scored.labels("good").inc(len(checked.positions))
    return answer(_payload(checked, found))


async def _body(request: Request, at_most: int) -> bytes | None:
    """The body, or None if it is longer than ``at_most`` bytes. Reading stops at the limit."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > at_most:
        return None
    # The length may be missing or wrong, so the received bytes are counted as well.
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > at_most:
            return None
    return bytes(found)


def _shape(content: Any, rows_at_most: int) -> str | None:
    """What is wrong with the body as a whole; None if it is valid."""
    if not isinstance(content, dict) or not isinstance(content.get("rows"), list):
        return 'Expected an object with a list "rows".'
    if not 1 <= len(content["rows"]) <= rows_at_most:
        return f"Expected 1 to {rows_at_most:,} rows, not {len(content['rows']):,}."
    if not isinstance(content.get("all_or_nothing", False), bool):
        return "all_or_nothing has to be true or false."
    other = min(content.keys() - {"rows", "all_or_nothing"}, default=None)
    if other is None:
        return None
    return f"Unknown name {other[:80]!r}. Expected only rows and all_or_nothing."


def _payload(checked: Checked, found: StoredAnswer) -> dict[str, Any]:
    given = found.fields
    keys = [line[KEY] for line in checked.cells]
    rows = [
        {"row": row, "key": name, **dict(zip(given, values, strict=True))}
        for row, name, *values in zip(checked.positions, keys, *given.values(), strict=True)
    ]
    model = {"version": found.version, "digest": found.digest}
    return {"model": model, "predictions": rows, "errors": problems_json(checked.problems)}


def _too_slow(seconds: float) -> Response:
    """A response that closes the connection. After a 408 it is not known where the next request
    would begin (RFC 9110, 15.5.9).
    """
    detail = f"A request has to be sent within {seconds:g} seconds."
    response = problem(408, "Request timeout", detail)
    response.headers["Connection"] = "close"
    return response


def _later(status: int, title: str, detail: str) -> Response:
    response = problem(status, title, detail)
    response.headers["Retry-After"] = "1"
    return response


def _model(service: Service) -> Response:
    live = service.follower.live
    if live is None:
        return problem(503, "Not ready", service.ready or "no model is loaded yet")
    document = live.loaded.document
    described = {
        "version": live.version,
        "digest": live.loaded.digest,
        "verdict": document.decision.value,
        "judged_on": str(document.judged_on),
        "candidate": document.model.candidate if document.model else None,
        "accelerated": live.fast is not None,
        "features": list(service.rows.validator.columns.features),
        "trouble": service.follower.trouble,
    }
    return answer(described)


class _Around:
    """The middleware of every request: sets the request id, writes a log line, and turns an
    exception into a problem without a traceback.

    It is plain ASGI because Starlette's base class for middleware costs more time than checking a
    row.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the start and the stop of the application
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        number = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        sent: dict[str, int] = {}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = number
                if self.service.draining:  # so that a load balancer opens no requests on it
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:
            pass  # the client left before its request was complete, so no response is needed
        except Exception:  # for any error the client gets a response and the log the reason
            logger.exception("request %s failed", number)
            if not sent:  # a response that has begun cannot be replaced
                await problem(500, "Internal error", f"Search the log for {number}.")(
                    scope, receive, sending
                )
        # 499: the client closed the connection before the response.
        self._note(request, number, sent.get("status", 499), time.perf_counter() - began)

    def _note(self, request: Request, number: str, status: int, seconds: float) -> None:
        # Clients choose the path. Without "other", each new path would add a series of the metric.
        path = request.url.path if request.url.path in ROUTES else "other"
        self.service.requests.labels(path, status).inc()
        if path == "/predict":
            self.service.seconds.observe(seconds)
        if not path.startswith("/health"):
            rows = request.scope.get("state", {}).get("rows")
            fields = {
                "id": number,
                "path": path,
                "status": status,
                "rows": rows,
                "ms": round(seconds * 1000, 2),
            }
            logger.info("answered", extra=fields)
