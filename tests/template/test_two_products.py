"""Two products on one machine: with a server each, looked at in a real browser, and on one server
together.

Neither overwrites, triggers or announces the other.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from conftest import Bake, sources
from servers import ENDED, asked, ran, started, until

ACTIONS = ("train", "score the day", "record labels", "monitor", "delete expired data")
BY_HAND = {"approve": "approve a version", "reject": "reject a version", "rollback": "roll back"}
BROWSERS_OWN = (".google.com", ".googleapis.com", ".gstatic.com")
"""Hosts that Chromium asks for itself, whatever page it shows."""
ASKS = """
from prefect.events import emit_event
from mlproduct.tasks.events import resource_id, retraining_event
from {package}.product import product
why = {{"sentence": "Requested by the test."}}
emit_event(retraining_event(product), {{"prefect.resource.id": resource_id(product)}}, payload=why)
"""


class Owned:
    """A product as its owner has it: what is typed there, and what its servers answer."""

    def __init__(self, root: Path, title: str, package: str, python: Path) -> None:
        self.root, self.title, self.package, self.python = root, title, package, python
        self.name = root.name
        self.urls: dict[str, str] = {}
        self.notified: list[str] = []

    def types(self, *words: str, **environ: str) -> str:
        return self._ran("-m", self.package, *words, **environ)

    def up(self, **environ: str) -> None:
        self.urls = started(
            self.types("up", "--prefect", "0", "--mlflow", "0", "--service", "0", **environ)
        )

    def asks_for_a_retraining(self, prefect: str) -> None:
        self._ran("-c", ASKS.format(package=self.package), PREFECT_API_URL=f"{prefect}/api")

    def deployments(self, prefect: str) -> set[str]:
        return {
            each["name"]
            for each in asked(f"{prefect}/api/deployments/filter", {})
            if each["name"] in self.names
        }

    def trainings(self, prefect: str) -> list[Any]:
        wanted = {"flows": {"name": {"any_": [f"{self.name}-train"]}}}
        runs = asked(f"{prefect}/api/flow_runs/filter", wanted) or []
        return [run for run in runs if run["state_type"] != "SCHEDULED"]

    @property
    def names(self) -> set[str]:
        return {f"{self.title}: {what}" for what in (*ACTIONS, *BY_HAND.values())}

    def _ran(self, *words: str, **environ: str) -> str:
        ours = ("PREFECT", "MLFLOW", "PRODUCT")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
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
def two(bake: Bake, environment: Path) -> Iterator[tuple[Owned, Owned]]:
    python = environment / "bin" / "python"
    made = (
        bake(product_name="Churn Radar"),
        bake(product_name="Price Guide", project="price_guide", kit="price"),
    )
    products = (
        Owned(made[0], "Churn Radar", "churn_radar", python),
        Owned(made[1], "Price Guide", "price_guide", python),
    )
    try:
        yield products
    finally:
        for each in products:
            each.types("down")


class Page(NamedTuple):
    """What a browser has made of a page once its scripts have run, and which hosts were asked for
    that.
    """

    text: str
    hosts: set[str]


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], Page]:
    """The page at an address, in a real browser."""
    chromium = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if not chromium:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium, which .ci/run installs")
        pytest.skip("there is no chromium to look at the page with; .ci/run installs it")
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]

    def seen(url: str) -> Page:
        log = tmp_path / "net.json"
        command = [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            *quiet,
            "--dump-dom",
            f"--log-net-log={log}",
        ]
        command += [f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=10000", url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        asked_for = re.findall(
            r'"url":"https?://([^/":]+)', log.read_text(encoding="utf-8", errors="replace")
        )
        return Page(done.stdout, {host for host in asked_for if not host.endswith(BROWSERS_OWN)})

    return seen


@pytest.fixture
def hook() -> Iterator[Callable[[Owned], str]]:
    """``hook(product)``: an address to which the product tells; what comes stands in
    ``product.notified``.
    """
    servers = []

    def listening(product: Owned) -> str:
        class Hears(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                product.notified.append(json.loads(body)["subject"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Hears)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield listening
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.long
def test_two_products_on_one_machine_with_a_server_each_and_on_one_together(
    two: tuple[Owned, Owned], page: Callable[[str], Page], hook: Callable[[Owned], str]
) -> None:
    first, second = two
    with ThreadPoolExecutor() as both:  # most of a start is waiting for one process after the other
        for begun in [both.submit(each.up) for each in two]:
            begun.result()
    each_page_shows_its_own_product(two, page)
    assert "stopped" in second.types("down")
    assert asked(f"{first.urls['prefect']}/api/health") is True
    second.up(PREFECT_API_URL=f"{first.urls['prefect']}/api")
    neither_overwrites_triggers_or_announces_the_other(two, hook)


def each_page_shows_its_own_product(two: tuple[Owned, Owned], page: Callable[[str], Page]) -> None:
    for own, other in (two, two[::-1]):
        prefect = own.urls["prefect"]
        shown = page(f"{prefect}/deployments").text
        assert [name for name in own.names if name not in shown] == []
        assert [name for name in other.names if name in shown] == []
        for what in ("approve", "rollback"):
            name = f"{own.title}: {BY_HAND[what]}"
            path = quote(f"{own.name}-{what}/{name}")
            deployment = asked(f"{prefect}/api/deployments/name/{path}")["id"]
            form = page(f"{prefect}/deployments/deployment/{deployment}/run").text
            for shown in (name, "Decided by", "Reason", "Example: Ann Lee"):
                assert shown in form, form[-2000:]
    # No other host learns who opens what up printed: pages ask their own server only.
    for server in ("prefect", "mlflow"):
        opened = page(f"{two[0].urls[server]}/")
        assert opened.hosts == {"127.0.0.1"}, server
        assert len(opened.text) > 2000


def neither_overwrites_triggers_or_announces_the_other(
    two: tuple[Owned, Owned], hook: Callable[[Owned], str]
) -> None:
    first, second = two
    prefect = first.urls["prefect"]
    assert set(second.urls) == {"mlflow", "worker", "service"}
    for each in two:
        assert each.deployments(prefect) == each.names
        each.types("notify", NOTIFY_WEBHOOK_URL=hook(each), PREFECT_API_URL=f"{prefect}/api")
    assert len(asked(f"{prefect}/api/deployments/filter", {})) == len(first.names | second.names)

    # A retraining that one asks for is trained by that one alone, and reported by it alone.
    first.asks_for_a_retraining(prefect)
    (run,) = until(lambda: _ended(first.trainings(prefect)), "the training that was asked for ends")
    assert run["state_type"] == "FAILED"  # there is no data; that it was started is what counts
    until(lambda: len(first.notified) == 2, "two notifications: requested, failed")
    assert sorted(first.notified) == [
        f"{first.name}-train failed",
        f"{first.name}: a retraining is requested",
    ]

    # The other way round; then every notification has arrived, whoever it is for.
    assert ran(
        prefect,
        f"{second.name}-rollback/{second.title}: roll back",
        {"by": "Ada", "because": "A try."},
    )
    until(lambda: second.notified, "the failed roll back is notified")
    assert second.notified == [f"{second.name}-rollback failed"]
    assert len(first.notified) == 2
    assert second.trainings(prefect) == []
    pools = {each["name"] for each in asked(f"{prefect}/api/work_pools/filter", {})}
    assert {first.name, second.name} <= pools


def _ended(runs: list[Any]) -> list[Any]:
    return runs if runs and all(run["state_type"] in ENDED for run in runs) else []
