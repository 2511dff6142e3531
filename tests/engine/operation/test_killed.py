"""Commands that are killed leave no process running."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlproduct.testing.plugin import QUIET

from ..team import PACKAGE, PROJECT, SOURCES

WAIT_SECONDS = 120


def children(pid: int) -> dict[int, str]:
    """The running child processes of ``pid`` with their command lines."""
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    columns = (line.split(None, 3) for line in lines)
    return {
        int(number): arguments
        for number, parent, state, arguments in columns
        if int(parent) == pid and state[0] != "Z"
    }


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()[
        :1
    ] not in ("", "Z")


def wait_until(condition: Callable[[], bool], message: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, message
        time.sleep(0.1)


@pytest.mark.skipif(os.name != "posix", reason="the test identifies processes with ps")
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_a_killed_command_leaves_no_server_running(tmp_path: Path, number: signal.Signals) -> None:
    """The command is killed while its temporary Prefect server starts, because most processes exist
    then.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    environ |= QUIET | {"PRODUCT_ROOT": str(tmp_path), "PYTHONPATH": SOURCES}
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    command = [sys.executable, "-m", PACKAGE, "expire"]
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _kill_after_its_server_started(process, number)
    finally:
        process.kill()
        process.wait()


def _kill_after_its_server_started(
    process: "subprocess.Popen[bytes]", number: signal.Signals
) -> None:
    wait_until(
        lambda: any("prefect.server" in arguments for arguments in children(process.pid).values()),
        "the command started no server",
    )
    wait_until(
        lambda: any("/bin/sh" in arguments for arguments in children(process.pid).values()),
        "the command started no guard process",
    )
    left = children(process.pid)
    process.send_signal(number)
    process.wait()
    wait_until(lambda: not any(map(is_running, left)), f"processes are still running: {left}")
