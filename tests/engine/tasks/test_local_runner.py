"""How a verb runs a flow."""

import subprocess
import sys
from typing import Any

import pytest
from mlproduct.tasks import temporary_server
from mlproduct.tasks.local_runner import run_locally
from prefect import flow
from prefect.settings import PREFECT_API_URL, get_current_settings


@flow
def asked() -> int | None:
    return get_current_settings().flows.heartbeat_frequency


@pytest.mark.usefixtures("prefect_server")
def test_a_heart_beats_only_for_a_server_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_locally(asked).result() is None
    monkeypatch.setenv("PREFECT_API_URL", PREFECT_API_URL.value())
    assert run_locally(asked).result() == 180


def test_what_the_temporary_server_cannot_write_down_any_more_is_no_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stopped with its verb, and would print the traceback of a flush that it did not get
    to.
    """
    begun: list[Any] = []
    process = subprocess.Popen

    def instead(args: Any, **more: Any) -> Any:
        begun.append((args, more))
        return process([sys.executable, "-c", ""], stdin=more.get("stdin"))

    monkeypatch.setattr(subprocess, "Popen", instead)
    server = temporary_server._GuardedServer()
    server.port = 1
    server._run_uvicorn_command().wait()
    server._dismiss_guard()
    (command, shown), *_ = begun
    assert "prefect.server.api.server:create_app" in command
    assert shown["env"]["PREFECT_SERVER_LOGGING_LEVEL"] == "CRITICAL"
