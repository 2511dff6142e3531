"""How a command runs a flow on a local or temporary Prefect server."""

import subprocess
import sys
from typing import Any

import pytest
from mlproduct.tasks import temporary_server
from mlproduct.tasks.local_runner import run_locally
from prefect import flow
from prefect.settings import PREFECT_API_URL, get_current_settings


@flow
def heartbeat_frequency_of_the_run() -> int | None:
    return get_current_settings().flows.heartbeat_frequency


@pytest.mark.usefixtures("prefect_server")
def test_a_flow_sends_heartbeats_only_to_a_permanent_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run_locally(heartbeat_frequency_of_the_run).result() is None
    monkeypatch.setenv("PREFECT_API_URL", PREFECT_API_URL.value())
    assert run_locally(heartbeat_frequency_of_the_run).result() == 180


def test_the_temporary_server_logs_only_critical_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stopped with its command and would otherwise print the traceback of an unfinished
    flush.
    """
    started: list[Any] = []
    process = subprocess.Popen

    def fake_popen(args: Any, **more: Any) -> Any:
        started.append((args, more))
        return process([sys.executable, "-c", ""], stdin=more.get("stdin"))

    monkeypatch.setattr(subprocess, "Popen", fake_popen)
    server = temporary_server._GuardedServer()
    server.port = 1
    server._run_uvicorn_command().wait()
    server._dismiss_guard()
    (command, options), *_ = started
    assert "prefect.server.api.server:create_app" in command
    assert options["env"]["PREFECT_SERVER_LOGGING_LEVEL"] == "CRITICAL"
