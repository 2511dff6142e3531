"""The service during real outages of PostgreSQL and MLflow, and with a clock that jumps."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mlproduct.cli.servers import _mlflow, down
from mlproduct.registry.releases import Releases
from mlproduct.service import log_writer as writing
from mlproduct.service.app import Service, app_of
from mlproduct.service.options import ServiceSettings
from mlproduct.service.server import service_of
from mlproduct.testing import TrialProduct

from ..flaky_proxy import FlakyProxy, proxy_to
from ..products import COLUMNS, in_log, settings, with_registry
from ..team import PRODUCT
from .services import some_rows, wait_until

WANTED = replace(ServiceSettings.from_environment("127.0.0.1", 0, {}), poll_seconds=3600)
"""Without automatic polling: a test polls for a new champion itself."""


class Requests:
    """Requests predictions for rows with new keys, and records the keys."""

    def __init__(self, client: TestClient) -> None:
        self.client, self.keys = client, list[str]()

    def __call__(self, count: int = 5) -> Any:
        rows = [
            {**row, COLUMNS.key: f"key-{len(self.keys) + n}"}
            for n, row in enumerate(some_rows(count))
        ]
        response = self.client.post("/predict", json={"rows": rows})
        assert response.status_code == 200
        self.keys += [row[COLUMNS.key] for row in rows]
        return response.json()


def logged() -> list[str]:
    return sorted(in_log(date.min, date.max)["key"])


def test_every_prediction_is_logged_once_after_a_database_outage(
    database_proxy: FlakyProxy,
) -> None:
    service = service_of(PRODUCT, settings(), WANTED)
    with TestClient(app_of(service)) as client:
        ask, state = Requests(client), lambda: service.writer.state
        ask()
        wait_until(lambda: state().recorded == 5)
        database_proxy.cut_after(
            b"INSERT INTO blocks", b"COMMIT"
        )  # recorded, but the response is lost
        ask()
        wait_until(lambda: database_proxy.cuts == 1)
        ask()
        wait_until(lambda: state().blocks >= 2 and state().trouble)
        reply = client.get("/health/ready")
        assert reply.status_code == 200
        assert reply.json()["log"] == "database unavailable"
        assert "predictions wait on disk" in str(state().trouble)
        database_proxy.restore()
        wait_until(lambda: state().blocks == 0)
        assert (state().trouble, state().lost) == (None, 0)
        ask()
    assert logged() == sorted(ask.keys)


@pytest.fixture
def registry(
    product: TrialProduct, released: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlakyProxy]:
    """A proxy between the product and a separate MLflow server."""
    with_registry(product, released, monkeypatch)
    (product.settings.var / "up").mkdir()
    try:
        server = _mlflow(settings(), os.environ, 0)
        with proxy_to("127.0.0.1", int(server.url.rpartition(":")[2])) as proxy:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            yield proxy
    finally:
        down(product.settings)


def test_a_registry_outage_during_a_swap_only_delays_the_swap(
    registry: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = service_of(PRODUCT, settings(), WANTED)
    poll, load = service.follower.poll, Releases.load_champion
    with TestClient(app_of(service)) as client:
        ask = Requests(client)
        Releases(settings(), PRODUCT.name).approve("2", by="Ada", because="It is better.")
        with monkeypatch.context() as outage:

            def cuts_and_loads(self: Releases) -> Any:
                registry.cut()
                return load(self)

            outage.setattr(Releases, "load_champion", cuts_and_loads)
            poll()
        assert ask()["model"]["version"] == "1"
        assert "version 2 waits: MLflow at" in client.get("/model").json()["trouble"]
        poll()
        assert ask()["model"]["version"] == "1"
        assert "check MLFLOW_TRACKING_URI" in client.get("/model").json()["trouble"]
        assert (client.get("/health/ready").status_code, service.follower.refusals) == (200, 0)
        registry.restore()
        poll()
        assert ask()["model"]["version"] == "2"
        assert client.get("/model").json()["trouble"] is None


def test_every_prediction_is_logged_once_when_the_clock_jumps(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    service: Service = service_of(PRODUCT, settings(), WANTED)
    days = itertools.cycle([date(2026, 11, 24), date(2099, 1, 1), date(2000, 1, 1)])
    moments = itertools.cycle([1_800_000_000 * 10**9, 4_000_000_000 * 10**9, 946_684_800 * 10**9])
    monkeypatch.setattr(writing, "today", lambda: next(days))
    monkeypatch.setattr(writing.time, "time_ns", lambda: next(moments))
    with TestClient(app_of(service)) as client:
        ask = Requests(client)
        for _ in range(6):
            ask()
            wait_until(lambda: service.writer.state.queued == 0)
        wait_until(lambda: service.writer.state.recorded == len(ask.keys))
    assert logged() == sorted(ask.keys)
    assert set(in_log(date.min, date.max)["day"]) == {
        date(2026, 11, 24),
        date(2099, 1, 1),
        date(2000, 1, 1),
    }
