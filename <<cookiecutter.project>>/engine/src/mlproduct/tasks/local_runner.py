"""Runs flows in this process, for whoever waits for them; a worker runs them by
``prefect.yaml``.
"""

import os
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

__all__ = ["run_locally"]


def run_locally(flow: Flow[..., Any], **parameters: Any) -> State[Any]:
    """The state that a run of ``flow`` ended in.

    A heart beats for a server that looks for runs that died. Prefect's temporary server, which ends
    with this process, is none; and each run would wait up to a second at its end, until the beating
    thread wakes up.
    """
    if os.environ.get("PREFECT_API_URL"):
        return flow(**parameters, return_state=True)
    from .temporary_server import guarded  # brings along all of Prefect's server

    guarded()
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return flow(**parameters, return_state=True)
