"""Runs flows in the process of a command. A worker runs the deployments of ``prefect.yaml``
instead.
"""

import os
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

__all__ = ["run_locally"]


def run_locally(flow: Flow[..., Any], **parameters: Any) -> State[Any]:
    """The final state of a run of ``flow``.

    Prefect's heartbeat is switched off for the temporary server. It lets a server detect dead runs,
    but the temporary server ends with this process. Each run would also wait up to a second at its
    end for the heartbeat thread.
    """
    if os.environ.get("PREFECT_API_URL"):
        return flow(**parameters, return_state=True)
    # Imported here because it imports all of Prefect's server.
    from .temporary_server import guarded

    guarded()
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return flow(**parameters, return_state=True)
