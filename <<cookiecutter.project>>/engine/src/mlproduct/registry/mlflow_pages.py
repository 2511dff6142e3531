"""MLflow's own pages on the runs of this product: the command that serves them, and their
addresses.
"""

import os
import socket
import sys
from collections.abc import Mapping

from ..config.settings import Settings
from .monitoring_runs import experiment_of
from .tracking import answering, connect

__all__ = ["command", "places"]


def command(
    settings: Settings, port: int, environ: Mapping[str, str] = os.environ
) -> tuple[list[str], dict[str, str], str]:
    """The arguments to execute, their environment, and the address to open; port 0 selects a free
    port.

    The environment contains the address of the database, because every user of the machine can read
    arguments. Artifacts are stored where commands without a server find them too, unless
    MLFLOW_ARTIFACTS names another place; then the server transfers them.
    """
    # First, so that a faulty database is reported and the addresses follow a moved folder before
    # the server starts.
    connect(settings)
    port = port or _free_port()
    arguments = [sys.executable, "-m", "mlflow", "server"]
    if elsewhere := environ.get("MLFLOW_ARTIFACTS"):
        arguments += ["--artifacts-destination", elsewhere]
    else:
        arguments += ["--default-artifact-root", (settings.var / "mlartifacts").as_uri()]
    # Only this machine can reach the server, because it has no accounts.
    arguments += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    server_environ = {**environ, "MLFLOW_BACKEND_STORE_URI": settings.tracking_uri}
    return arguments, server_environ, f"http://127.0.0.1:{port}"


def places(settings: Settings, product: str, address: str) -> dict[str, str]:
    """The pages of the existing runs on the server at ``address``, by kind (``trainings``,
    ``monitoring``).
    """
    client, found = connect(settings), dict[str, str]()
    for what, name in {"trainings": product, "monitoring": experiment_of(product)}.items():
        with answering(settings):
            experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            # Without the workflow type, MLflow opens its view of language models.
            runs = f"{experiment.experiment_id}/runs?workflowType=machine_learning"
            found[what] = f"{address}/#/experiments/{runs}"
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
