"""Functions to wait for servers, to read JSON from them and to run Prefect deployments."""

import json
import re
import socket
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

WAIT_SECONDS = 240
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """The first truthy value that ``condition`` returns."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.3)
    raise AssertionError(f"still not true after {WAIT_SECONDS} s: {what}")


def response_of(url: str, body: Any = None) -> Any:
    """The response as JSON; None if there is none or it reports an error."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or b"true")
    except (OSError, ValueError):
        return None


def printed_urls(printed: str) -> dict[str, str]:
    """The addresses that ``up`` printed, by the name of the server."""
    return dict(re.findall(r"^  (\w+) +(http://\S+)", printed, re.MULTILINE))


def run_deployment(prefect: str, name: str, parameters: dict[str, Any]) -> Any:
    """Runs the deployment and returns the final state of the run."""
    api = f"{prefect}/api"
    deployment = response_of(f"{api}/deployments/name/{quote(name)}")
    made = response_of(
        f"{api}/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters}
    )

    def ended() -> Any:
        state = response_of(f"{api}/flow_runs/{made['id']}")["state"]
        return state if state["type"] in ENDED else None

    return wait_until(ended, f"the run of {name} ends")
