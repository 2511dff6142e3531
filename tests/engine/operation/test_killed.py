"""A verb that is killed leaves no process behind."""

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
    """The processes that ``pid`` started and that live, with their command lines."""
    asked = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    shown = (line.split(None, 3) for line in lines)
    return {
        int(number): words
        for number, parent, state, words in shown
        if int(parent) == pid and state[0] != "Z"
    }


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    asked = ["ps", "-o", "stat=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()[
        :1
    ] not in ("", "Z")


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@pytest.mark.skipif(os.name != "posix", reason="processes are told apart by ps")
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_a_killed_verb_leaves_no_server_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Killed while its temporary Prefect server starts, which is when most is there to be left
    behind.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    environ |= QUIET | {"PRODUCT_ROOT": str(tmp_path), "PYTHONPATH": SOURCES}
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    command = [sys.executable, "-m", PACKAGE, "expire"]
    verb = subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _killed_after_its_server_began(verb, number)
    finally:
        verb.kill()
        verb.wait()


def _killed_after_its_server_began(verb: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    until(
        lambda: any("prefect.server" in words for words in children(verb.pid).values()),
        "no server was started",
    )
    until(
        lambda: any("/bin/sh" in words for words in children(verb.pid).values()),
        "no guard was started",
    )
    left = children(verb.pid)
    verb.send_signal(number)
    verb.wait()
    until(lambda: not any(map(lives, left)), f"still there: {left}")
