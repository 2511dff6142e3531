"""``up`` and ``down``: everything the product needs, as processes of this machine.

    prefect   the Prefect server                    not started if PREFECT_API_URL names one
    mlflow    the MLflow server                     not started if MLFLOW_TRACKING_URI names one
    worker    runs the deployments of prefect.yaml
    service   serves predictions over HTTP

``up`` records each process in var/up with its start time and the folder it belongs to. ``down``
ends these processes and no others, also in a copy of a folder whose servers run. The log of each
process is in var/up as well.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from ..config.settings import Settings
from ..errors import ConfigError, ProductError
from ..processes import began
from ..redaction import redacted
from ..registry import mlflow_pages
from .project import Project

__all__ = ["Started", "down", "ended", "of_another_folder", "running", "up"]

WAIT_SECONDS = 180  # a Prefect server on a busy machine takes up to two minutes
END_SECONDS = 60  # the service takes at most 55 to stop: see FINISH_SECONDS in service/server.py
HOST = "127.0.0.1"
# As a module: the script beside this Python contains the path at which it was installed, which is
# wrong after the folder was moved.
PREFECT = (sys.executable, "-m", "prefect")


@dataclass(frozen=True)
class Started:
    """One process: its name, its address, and its start time, since numbers are used again.

    ``folder`` identifies the folder ``root`` it belongs to: the same after a move, another for a
    copy.
    """

    name: str
    pid: int
    began: str
    url: str
    log: str
    folder: str = ""
    root: str = ""


def up(project: Project, ports: Mapping[str, int]) -> Iterator[Started]:
    """The started processes, each started when the one before it is ready.

    Raises ConfigError if processes of this product are running. Raises ProductError if a process
    does not become ready; the others are ended before.
    """
    settings = project.settings
    if already := running(settings):
        names = ", ".join(f"{one.name} ({one.url})" for one in already)
        raise ConfigError(
            f"{names} of this product is running – expected no running server – run make down first"
        )
    (settings.var / "up").mkdir(parents=True, exist_ok=True)
    # PRODUCT_ROOT: a process worker of Prefect runs each flow in a temporary folder.
    environ = {**os.environ, "PRODUCT_ROOT": str(settings.root), "PREFECT_LOGGING_LEVEL": "INFO"}
    try:
        if not environ.get("PREFECT_API_URL"):
            yield (prefect := _prefect(settings, environ, ports["prefect"]))
            environ["PREFECT_API_URL"] = f"{prefect.url}/api"
        if not environ.get("MLFLOW_TRACKING_URI", "").startswith("http"):
            yield (mlflow := _mlflow(settings, environ, ports["mlflow"]))
            environ["MLFLOW_TRACKING_URI"] = mlflow.url
        _deploy(project, environ)
        yield _worker(project, environ)
        yield _service(project, environ, ports["service"])
    except BaseException:  # Ctrl-C as well: no server may keep running
        down(settings)
        raise


def down(settings: Settings) -> tuple[Started, ...]:
    """The processes that were running and are ended now, in reverse order of their start."""
    # The worker and the service need the servers, so those end last.
    last_first = running(settings)[::-1]
    for one in last_first:
        _signal(one, signal.SIGTERM)
        if not _waited(partial(_ended, one), END_SECONDS):
            _signal(one, signal.SIGKILL)
    _state(settings).unlink(missing_ok=True)
    return last_first


def running(settings: Settings) -> tuple[Started, ...]:
    """The processes that ``up`` started for this folder and that are still running."""
    return tuple(one for one in _written(settings) if _lives(one) and _is_ours(settings, one))


def ended(settings: Settings) -> tuple[Started, ...]:
    """The processes that ``up`` started for this folder and that ended without ``down``."""
    return tuple(
        one
        for one in _written(settings)
        if one.began and not _lives(one) and _is_ours(settings, one)
    )


def of_another_folder(settings: Settings) -> tuple[Started, ...]:
    """The running processes of another folder, listed here because this folder is its copy."""
    return tuple(one for one in _written(settings) if _lives(one) and not _is_ours(settings, one))


def _prefect(settings: Settings, environ: Mapping[str, str], port: int) -> Started:
    port = _free(port)
    url = f"http://{HOST}:{port}"
    command = [*PREFECT, "server", "start", "--host", HOST, "--port", str(port)]
    variables = {
        # The page calls the server that delivered it. By default it calls port 4200, which may be
        # the server of another product.
        "PREFECT_UI_API_URL": "/api",
        # The new page calls an external host even if analytics are disabled.
        "PREFECT_SERVER_UI_V2_ENABLED": environ.get("PREFECT_SERVER_UI_V2_ENABLED", "false"),
    }
    return _start(
        settings,
        "prefect",
        command,
        {**environ, **variables},
        url,
        lambda: _answers(f"{url}/api/health"),
    )


def _mlflow(settings: Settings, environ: Mapping[str, str], port: int) -> Started:
    command, mlflow_environ, url = mlflow_pages.command(settings, _free(port), environ)
    return _start(
        settings, "mlflow", command, mlflow_environ, url, lambda: _answers(f"{url}/health")
    )


def _worker(project: Project, environ: Mapping[str, str]) -> Started:
    command = [
        *PREFECT,
        "worker",
        "start",
        "--pool",
        project.product.name,
        "--type",
        "process",
        "--with-healthcheck",
    ]
    port = _free(0)
    variables = {"PREFECT_WORKER_WEBSERVER_HOST": HOST, "PREFECT_WORKER_WEBSERVER_PORT": str(port)}
    url = f"http://{HOST}:{port}"
    return _start(
        project.settings,
        "worker",
        command,
        {**environ, **variables},
        url,
        lambda: _answers(f"{url}/health"),
    )


def _service(project: Project, environ: Mapping[str, str], port: int) -> Started:
    port = _free(port)
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", project.package, "serve", "--port", str(port)]
    return _start(
        project.settings, "service", command, environ, url, lambda: _answers(f"{url}/health/live")
    )


def _deploy(project: Project, environ: Mapping[str, str]) -> None:
    """Creates the work pool and the deployments of prefect.yaml."""
    settings = project.settings
    # --overwrite: after the first up, the pool exists.
    pool = ["work-pool", "create", project.product.name, "--type", "process", "--overwrite"]
    deploy = [
        "--no-prompt",
        "deploy",
        "--all",
        "--prefect-file",
        str(settings.root / "prefect.yaml"),
    ]
    former = [sys.executable, "-m", "mlproduct.tasks.former_deployments", project.product.name]
    for command in ([*PREFECT, *pool], [*PREFECT, *deploy], former):
        done = subprocess.run(
            command, env=environ, cwd=settings.root, capture_output=True, text=True, check=False
        )
        (settings.var / "up" / "deploy.log").open("a", encoding="utf-8").write(
            redacted(done.stdout + done.stderr)
        )
        if done.returncode:
            raise ProductError(
                f"{' '.join(command[2:5])} ended with {done.returncode} – expected the deployments"
                " of prefect.yaml – see var/up/deploy.log:"
                f" {redacted((done.stderr or done.stdout).strip()[-300:])}"
            )


def _start(
    settings: Settings,
    name: str,
    command: list[str],
    environ: Mapping[str, str],
    url: str,
    ready: Callable[[], bool],
) -> Started:
    log = settings.var / "up" / f"{name}.log"
    with log.open("w", encoding="utf-8") as kept:
        process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=settings.root,
            stdout=kept,
            stderr=kept,
            stdin=subprocess.DEVNULL,
            # Its own process group: _signal reaches its children, and Ctrl-C does not reach it.
            start_new_session=True,
        )
    started = Started(
        name,
        process.pid,
        began(process.pid),
        url,
        str(log),
        _folder(settings.root),
        str(settings.root),
    )
    # Before it is ready, so that down() also ends a server that does not become ready.
    _write(settings, (*running(settings), started))
    if (
        not _waited(lambda: process.poll() is not None or ready(), WAIT_SECONDS)
        or process.poll() is not None
    ):
        last = log.read_text(encoding="utf-8", errors="replace").strip()[-600:]
        raise ProductError(
            f"{name} is not ready at {url} – expected it within {WAIT_SECONDS} seconds – see {log},"
            f" which ends with:\n{last}"
        )
    return started


def _lives(one: Started) -> bool:
    """Whether the process runs. Without a start time, its number may be that of another process."""
    return bool(one.began) and began(one.pid) == one.began


def _ended(one: Started) -> bool:
    return not _lives(one)


def _signal(one: Started, number: signal.Signals) -> None:
    """Sends a signal to the process and its children: it leads its own process group."""
    try:
        os.killpg(one.pid, number)
    except ProcessLookupError:
        return


def _waited(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free(wanted: int) -> int:
    """The port if it is free, else another free one."""
    for port in (wanted, 0):
        with socket.socket() as tried:
            try:
                tried.bind((HOST, port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    raise ProductError(
        f"no port of {HOST} is free – expected one for each server – end some programs"
    )


def _is_ours(settings: Settings, one: Started) -> bool:
    """Whether it was started for this folder, which may have been moved: then its old place is
    empty.
    """
    # Records of 0.2.0 contain no folder.
    return one.folder in (_folder(settings.root), "") or _folder(Path(one.root)) != one.folder


def _folder(root: Path) -> str:
    """The identity of a folder: device and inode of the directory; empty if there is none."""
    try:
        found = root.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def _state(settings: Settings) -> Path:
    return settings.var / "up" / "started.json"


def _written(settings: Settings) -> tuple[Started, ...]:
    if not _state(settings).is_file():
        return ()
    try:
        return tuple(
            Started(**one) for one in json.loads(_state(settings).read_text(encoding="utf-8"))
        )
    except (ValueError, TypeError) as problem:
        raise ConfigError(
            f"{_state(settings)} is not a list of processes ({problem}) – expected the file that"
            " up wrote – end the processes of this product and delete the file"
        ) from problem


def _write(settings: Settings, started: tuple[Started, ...]) -> None:
    # Written beside the file and then moved, so that down() never reads half of it.
    beside = _state(settings).with_suffix(".part")
    beside.write_text(json.dumps([asdict(one) for one in started], indent=1), encoding="utf-8")
    beside.replace(_state(settings))
