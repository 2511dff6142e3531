"""``up`` and ``down`` on this machine: the servers start, run their work and stop completely."""

import asyncio
import base64
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from mlproduct.cli.project import Project
from mlproduct.cli.servers import Started, _free, _start, down, running, up
from mlproduct.config.settings import Settings
from mlproduct.errors import ConfigError, ProductError
from mlproduct.processes import began
from mlproduct.tasks.former_deployments import delete_former_deployments
from mlproduct.testing import TrialProduct
from prefect.settings import get_current_settings

from ..team import PACKAGE, PRODUCT, PROJECT, SOURCES

ANY_PORTS = {"prefect": 0, "mlflow": 0, "service": 0}


@pytest.fixture
def product(
    released: TrialProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """A copy of the released product with its own registry; its servers are stopped afterwards."""
    root = tmp_path / "product"
    shutil.copytree(released.root, root)
    shutil.copy(PROJECT / "prefect.yaml", root)
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "PRODUCT_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", SOURCES)
    monkeypatch.setenv("PREFECT_HOME", str(root / "var" / "prefect"))
    settings = Settings.from_environment({"PRODUCT_ROOT": str(root)})
    yield settings
    down(settings)


APPROVE = f"{PRODUCT.name}-approve/{PRODUCT.title}: approve a version"
ROLLBACK = f"{PRODUCT.name}-rollback/{PRODUCT.title}: roll back"


async def final_state(url: str, name: str, parameters: dict[str, Any]) -> Any:
    """The state in which the run of a deployment ended."""
    async with httpx.AsyncClient(base_url=f"{url}/api", timeout=60) as client:
        found = await client.get(f"/deployments/name/{quote(name)}")
        assert found.status_code == 200, (found.url, found.text)
        deployment = found.json()
        run = await client.post(
            f"/deployments/{deployment['id']}/create_flow_run", json={"parameters": parameters}
        )
        assert run.status_code == 201, run.text
        for _ in range(600):
            state = (await client.get(f"/flow_runs/{run.json()['id']}")).json()["state"]
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return state
            await asyncio.sleep(0.3)
    raise AssertionError("the run did not end")


def serves(service: str, version: str) -> bool:
    """Whether the service loads the version within a minute."""
    for _ in range(600):
        if httpx.get(f"{service}/model").json().get("version") == version:
            return True
        time.sleep(0.1)
    return False


def test_up_starts_servers_and_a_worker_that_runs_deployments_and_down_stops_them(
    product: Settings,
) -> None:
    started = {one.name: one for one in up(Project(PACKAGE, product), ANY_PORTS)}
    assert list(started) == ["prefect", "mlflow", "worker", "service"]
    assert running(product) == tuple(started.values())
    with pytest.raises(ConfigError, match="is running – expected no running server"):
        list(up(Project(PACKAGE, product), ANY_PORTS))
    service = started["service"].url
    assert serves(service, "1")
    approval = {"version": "2", "by": "Ada", "because": "It is as good."}
    state = asyncio.run(final_state(started["prefect"].url, APPROVE, approval))
    assert state["type"] == "COMPLETED", state
    assert serves(service, "2")
    ended = down(product)
    assert {one.name for one in ended} == set(started)
    assert [one for one in started.values() if began(one.pid)] == []
    assert running(product) == ()


@pytest.mark.long
def test_a_worker_reports_a_refused_approval_and_runs_a_rollback(
    product: Settings,
) -> None:
    started = {one.name: one for one in up(Project(PACKAGE, product), ANY_PORTS)}
    service, prefect = started["service"].url, started["prefect"].url
    unknown = {"version": "7", "by": "Ada", "because": "Why not."}
    state = asyncio.run(final_state(prefect, APPROVE, unknown))
    assert (state["type"], "there is no version 7" in state["message"]) == ("FAILED", True)
    approval = {"version": "2", "by": "Ada", "because": "It is as good."}
    state = asyncio.run(final_state(prefect, APPROVE, approval))
    assert state["type"] == "COMPLETED", state
    assert serves(service, "2")
    back = {"by": "Ada", "because": "Only to try."}
    state = asyncio.run(final_state(prefect, ROLLBACK, back))
    assert state["type"] == "COMPLETED", state
    assert serves(service, "1")


@pytest.mark.usefixtures("prefect_server")
def test_up_deletes_only_the_deployments_of_an_earlier_release() -> None:
    """Otherwise the schedules of both releases would run, for example the weekly training twice."""
    api = get_current_settings().api.url
    assert api
    with httpx.Client(base_url=api, timeout=60) as client:
        flow = client.post("/flows/", json={"name": f"{PRODUCT.name}-train"}).json()["id"]
        kept = {f"{PRODUCT.title}: train", "other-radar-train-weekly", f"{PRODUCT.name}-of-mine"}
        for name in (*kept, f"{PRODUCT.name}-train-weekly", f"{PRODUCT.name}-approve"):
            client.post("/deployments/", json={"name": name, "flow_id": flow}).raise_for_status()
        deleted = delete_former_deployments(PRODUCT.name)
        assert set(deleted) == {f"{PRODUCT.name}-train-weekly", f"{PRODUCT.name}-approve"}
        left = client.post("/deployments/filter", json={}).json()
    assert {each["name"] for each in left} == kept


def test_former_deployments_are_found_on_a_server_that_requires_an_account() -> None:
    seen: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def answers(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.path, self.headers.get("Authorization")))
            body = b"[]"
            self.send_response(200 if seen[-1][1] else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answers

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environ = {
        **os.environ,
        "PYTHONPATH": SOURCES,
        "PREFECT_API_URL": f"http://127.0.0.1:{server.server_port}/api",
        "PREFECT_API_AUTH_STRING": "ann:pass-1word",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # this server issues no tokens
    }
    module = "mlproduct.tasks.former_deployments"
    done = subprocess.run(
        [sys.executable, "-m", module, PRODUCT.name],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    server.shutdown()
    assert done.returncode == 0, done.stderr
    account = "Basic " + base64.b64encode(b"ann:pass-1word").decode()
    assert ("/api/deployments/filter", account) in seen


def test_up_shows_the_end_of_the_log_of_a_server_that_does_not_start(product: Settings) -> None:
    (product.var / "up").mkdir(parents=True)
    command = [sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"]
    with pytest.raises(ProductError, match="no such thing"):
        _start(product, "worker", command, os.environ, "http://nowhere", lambda: False)


def test_down_ignores_a_process_that_only_has_the_same_process_id(product: Settings) -> None:
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        (product.var / "up").mkdir(parents=True)
        mistaken = Started("worker", other.pid, "Mon Jan 1 00:00:00 2024", "", "")
        from mlproduct.cli.servers import _write

        _write(product, (mistaken,))
        assert running(product) == ()
        assert down(product) == ()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_free_chooses_another_port_when_the_port_is_in_use() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert _free(port) != port


def test_the_product_has_a_name() -> None:
    assert PRODUCT.name


def test_the_arguments_of_the_mlflow_server_contain_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every user of the machine can read the arguments of a process."""
    from mlproduct.registry import mlflow_pages

    monkeypatch.setattr(mlflow_pages, "connect", lambda settings: None)
    address = "postgresql+psycopg://mlflow:hunter2@db/mlflow"
    settings = Settings.from_environment(
        {"PRODUCT_ROOT": str(tmp_path), "MLFLOW_TRACKING_URI": address}
    )
    arguments, shown, _ = mlflow_pages.command(settings, 0)
    assert "hunter2" not in " ".join(arguments)
    assert shown["MLFLOW_BACKEND_STORE_URI"] == address
