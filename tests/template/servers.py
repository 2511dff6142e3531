"""How the tests talk to servers: wait until something is true, ask for JSON, run a deployment of
Prefect.
"""

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
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], Any], what: str) -> Any:
    """What ``true`` gives as soon as it gives something."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.3)
    raise AssertionError(f"it did not come true: {what}")


def asked(url: str, body: Any = None) -> Any:
    """The answer as JSON; None while nobody answers, or not yet with 200."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"true")
    except (OSError, ValueError):
        return None


def started(printed: str) -> dict[str, str]:
    """The addresses that ``up`` printed, by server."""
    return dict(re.findall(r"^  (\w+) +(http://\S+)", printed, re.MULTILINE))


def ran(prefect: str, name: str, parameters: dict[str, Any]) -> Any:
    """The state in which a run of the deployment ended."""
    api = f"{prefect}/api"
    deployment = asked(f"{api}/deployments/name/{quote(name)}")
    made = asked(
        f"{api}/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters}
    )

    def ended() -> Any:
        state = asked(f"{api}/flow_runs/{made['id']}")["state"]
        return state if state["type"] in ENDED else None

    return until(ended, f"{name} ends")
