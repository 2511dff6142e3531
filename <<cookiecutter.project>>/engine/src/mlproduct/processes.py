"""Identifies a process in a way that another process can check later.

psutil is not used: its ``create_time`` is relative to the clock and changes when the clock is
corrected (https://github.com/giampaolo/psutil/issues/2526), and what is stored here is compared
much later.
"""

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["began", "is_gone", "process_tags"]


def process_tags() -> dict[str, str]:
    """The identity of this process: its host, its number and its start time, as tags of a run."""
    return {"host": _host(), "process": f"{os.getpid()} {began(os.getpid())}".strip()}


def is_gone(tags: Mapping[str, str]) -> bool:
    """Whether the process with these tags has ended; False if it is of another host."""
    number, _, since = tags.get("process", "").partition(" ")
    # The start time is compared because the system gives numbers of ended processes to new ones.
    return bool(since) and tags.get("host") == _host() and began(int(number)) != since


def began(pid: int) -> str:
    """The start time of the process, as the system writes it; empty if it has ended."""
    if Path("/proc/self/stat").is_file():
        return _by_proc(pid)  # small container images have no ps
    command = ["ps", "-o", "lstart=,stat=", "-p", str(pid)]
    try:
        ps = subprocess.run(
            command,
            capture_output=True,
            text=True,
            # Without the user's language and TZ: the text is compared with one stored earlier.
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            check=False,
        )
    except OSError:
        return ""
    *moment, state = ps.stdout.split() or [""]
    # A zombie has ended; only its parent has not yet asked for its exit code.
    return "" if state.startswith("Z") else " ".join(moment)


def _by_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the process is before the last bracket, and may itself contain brackets.
    state, *others = stat.rpartition(")")[2].split()
    # Field 22 of proc(5): clock ticks since the machine started. Zombies (Z) have ended.
    return "" if state in "ZX" else others[18]


def _host() -> str:
    """The machine and the container: two containers use the same process numbers."""
    space = Path("/proc/self/ns/pid")
    return f"{platform.node()} {os.readlink(space) if space.is_symlink() else ''}".strip()
