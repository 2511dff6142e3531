"""Which process is at work, told so that another one can find out later whether it still is."""

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["began", "is_gone", "process_tags"]


def process_tags() -> dict[str, str]:
    """What tells this process from every other: its host, its number, and when it began."""
    return {"host": _host(), "process": f"{os.getpid()} {began(os.getpid())}".strip()}


def is_gone(tags: Mapping[str, str]) -> bool:
    """Whether the process that wrote these tags has ended; False where this host cannot say."""
    number, _, since = tags.get("process", "").partition(" ")
    return bool(since) and tags.get("host") == _host() and began(int(number)) != since


def began(pid: int) -> str:
    """When the process began, as the system writes it; empty where there is none, or only what is
    left of one.
    """
    if Path("/proc/self/stat").is_file():
        return _by_proc(pid)  # small images have no ps
    asked = ["ps", "-o", "lstart=,stat=", "-p", str(pid)]
    try:
        ps = subprocess.run(
            asked,
            capture_output=True,
            text=True,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            check=False,
        )
    except OSError:
        return ""
    *moment, state = ps.stdout.split() or [""]
    return "" if state.startswith("Z") else " ".join(moment)


def _by_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *others = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if state in "ZX" else others[18]  # clock ticks since the machine started


def _host() -> str:
    """The machine, and the container on it: in two of those the same number is two processes."""
    space = Path("/proc/self/ns/pid")
    return f"{platform.node()} {os.readlink(space) if space.is_symlink() else ''}".strip()
