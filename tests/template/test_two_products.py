"""Two products on one machine, with separate servers or a shared one, stay independent."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from conftest import Bake, Chromium, sources
from servers import ENDED, printed_urls, response_of, run_deployment, wait_until

ACTIONS = ("train", "score the day", "record labels", "monitor", "delete expired data")
BY_HAND = {"approve": "approve a version", "reject": "reject a version", "rollback": "roll back"}
# Chromium itself requests these hosts, whatever page it shows.
HOSTS_OF_CHROMIUM = (".google.com", ".googleapis.com", ".gstatic.com")
REQUEST_RETRAINING = """
from prefect.events import emit_event
from mlproduct.tasks.events import resource_id, retraining_event
from {package}.product import product
why = {{"sentence": "Requested by the test."}}
emit_event(retraining_event(product), {{"prefect.resource.id": resource_id(product)}}, payload=why)
"""


class Installed:
    """A generated product: runs its commands and reads its servers."""

    def __init__(self, root: Path, title: str, package: str, python: Path) -> None:
        self.root, self.title, self.package, self.python = root, title, package, python
        self.name = root.name
        self.urls: dict[str, str] = {}
        self.notified: list[str] = []

    def run(self, *words: str, **environ: str) -> str:
        return self._execute("-m", self.package, *words, **environ)

    def up(self, **environ: str) -> None:
        self.urls = printed_urls(
            self.run("up", "--prefect", "0", "--mlflow", "0", "--service", "0", **environ)
        )

    def request_retraining(self, prefect: str) -> None:
        self._execute(
            "-c", REQUEST_RETRAINING.format(package=self.package), PREFECT_API_URL=f"{prefect}/api"
        )

    def deployments(self, prefect: str) -> set[str]:
        return {
            each["name"]
            for each in response_of(f"{prefect}/api/deployments/filter", {})
            if each["name"] in self.names
        }

    def trainings(self, prefect: str) -> list[Any]:
        wanted = {"flows": {"name": {"any_": [f"{self.name}-train"]}}}
        runs = response_of(f"{prefect}/api/flow_runs/filter", wanted) or []
        return [run for run in runs if run["state_type"] != "SCHEDULED"]

    @property
    def names(self) -> set[str]:
        return {f"{self.title}: {what}" for what in (*ACTIONS, *BY_HAND.values())}

    def _execute(self, *words: str, **environ: str) -> str:
        prefixes = ("PREFECT", "MLFLOW", "PRODUCT")
        env = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
        env |= {"PYTHONPATH": sources(self.root), "PRODUCT_ROOT": str(self.root)}
        env |= {
            "PREFECT_HOME": str(self.root / "var" / "prefect"),
            "DO_NOT_TRACK": "true",
            **environ,
        }
        done = subprocess.run(
            [str(self.python), *words],
            cwd=self.root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture
def two(bake: Bake, environment: Path) -> Iterator[tuple[Installed, Installed]]:
    python = environment / "bin" / "python"
    made = (
        bake(product_name="Churn Radar"),
        bake(product_name="Price Guide", project="price_guide", kit="price"),
    )
    products = (
        Installed(made[0], "Churn Radar", "churn_radar", python),
        Installed(made[1], "Price Guide", "price_guide", python),
    )
    try:
        yield products
    finally:
        for each in products:
            each.run("down")


class Page(NamedTuple):
    """The HTML of a page after its scripts have run, and the hosts that were requested."""

    text: str
    hosts: set[str]


@pytest.fixture
def page(chromium: Chromium, tmp_path: Path) -> Callable[[str], Page]:
    """``page(url)``: the page in Chromium."""

    def load(url: str) -> Page:
        log = tmp_path / "net.json"
        dom = chromium("--dump-dom", f"--log-net-log={log}", url)
        requested = re.findall(
            r'"url":"https?://([^/":]+)', log.read_text(encoding="utf-8", errors="replace")
        )
        return Page(dom, {host for host in requested if not host.endswith(HOSTS_OF_CHROMIUM)})

    return load


@pytest.fixture
def hook() -> Iterator[Callable[[Installed], str]]:
    """``hook(product)``: the URL of a webhook that adds subjects to ``product.notified``."""
    servers = []

    def start(product: Installed) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                product.notified.append(json.loads(body)["subject"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.long
def test_two_products_are_independent_with_separate_servers_and_on_a_shared_one(
    two: tuple[Installed, Installed], page: Callable[[str], Page], hook: Callable[[Installed], str]
) -> None:
    first, second = two
    with ThreadPoolExecutor() as both:  # a start mostly waits for processes
        for future in [both.submit(each.up) for each in two]:
            future.result()
    check_that_each_page_shows_its_own_product(two, page)
    assert "stopped" in second.run("down")
    assert response_of(f"{first.urls['prefect']}/api/health") is True
    second.up(PREFECT_API_URL=f"{first.urls['prefect']}/api")
    check_that_products_on_a_shared_server_are_independent(two, hook)


def check_that_each_page_shows_its_own_product(
    two: tuple[Installed, Installed], page: Callable[[str], Page]
) -> None:
    for own, other in (two, two[::-1]):
        prefect = own.urls["prefect"]
        shown = page(f"{prefect}/deployments").text
        assert [name for name in own.names if name not in shown] == []
        assert [name for name in other.names if name in shown] == []
        for what in ("approve", "rollback"):
            name = f"{own.title}: {BY_HAND[what]}"
            path = quote(f"{own.name}-{what}/{name}")
            deployment = response_of(f"{prefect}/api/deployments/name/{path}")["id"]
            form = page(f"{prefect}/deployments/deployment/{deployment}/run").text
            for shown in (name, "Decided by", "Reason", "Example: Ann Lee"):
                assert shown in form, form[-2000:]
    # The pages that up prints request no host but their own, so no other host sees a visit.
    for server in ("prefect", "mlflow"):
        opened = page(f"{two[0].urls[server]}/")
        assert opened.hosts == {"127.0.0.1"}, server
        assert len(opened.text) > 2000


def check_that_products_on_a_shared_server_are_independent(
    two: tuple[Installed, Installed], hook: Callable[[Installed], str]
) -> None:
    first, second = two
    prefect = first.urls["prefect"]
    assert set(second.urls) == {"mlflow", "worker", "service"}
    for each in two:
        assert each.deployments(prefect) == each.names
        each.run("notify", NOTIFY_WEBHOOK_URL=hook(each), PREFECT_API_URL=f"{prefect}/api")
    assert len(response_of(f"{prefect}/api/deployments/filter", {})) == len(
        first.names | second.names
    )

    # Only the product that requests a retraining trains, and only its notifications are sent.
    first.request_retraining(prefect)
    (run,) = wait_until(
        lambda: _ended(first.trainings(prefect)), "the requested training has ended"
    )
    assert run["state_type"] == "FAILED"  # there is no data, but it was started
    wait_until(lambda: len(first.notified) == 2, "the request and the failure are notified")
    assert sorted(first.notified) == [
        f"{first.name}-train failed",
        f"{first.name}: a retraining is requested",
    ]

    # Then a rollback of the second product fails. Its notification is the last to arrive.
    assert run_deployment(
        prefect,
        f"{second.name}-rollback/{second.title}: roll back",
        {"by": "Ada", "because": "A try."},
    )
    wait_until(lambda: second.notified, "the failed rollback is notified")
    assert second.notified == [f"{second.name}-rollback failed"]
    assert len(first.notified) == 2
    assert second.trainings(prefect) == []
    pools = {each["name"] for each in response_of(f"{prefect}/api/work_pools/filter", {})}
    assert {first.name, second.name} <= pools


def _ended(runs: list[Any]) -> list[Any]:
    return runs if runs and all(run["state_type"] in ENDED for run in runs) else []
