"""How a verb runs a flow."""

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, get_current_settings

from <<cookiecutter.package>>.flows.here import run_here


@flow
def asked() -> int | None:
    return get_current_settings().flows.heartbeat_frequency


@pytest.mark.usefixtures("prefect_server")
def test_a_heart_beats_only_for_a_server_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_here(asked).result() is None
    monkeypatch.setenv("PREFECT_API_URL", PREFECT_API_URL.value())
    assert run_here(asked).result() == 180
