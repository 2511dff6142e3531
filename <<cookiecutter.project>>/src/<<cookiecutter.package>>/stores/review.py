"""The command that serves MLflow's own pages on the runs of this product."""

import socket
import sys

from ..config import Settings

__all__ = ["command"]


def command(settings: Settings, port: int) -> tuple[list[str], str]:
    """The arguments to execute and the address to open; port 0 finds a free one."""
    port = port or _free_port()
    arguments = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", settings.tracking_uri]
    artifacts = (settings.var / "mlartifacts").as_uri()
    arguments += ["--default-artifact-root", artifacts, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return arguments, f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
