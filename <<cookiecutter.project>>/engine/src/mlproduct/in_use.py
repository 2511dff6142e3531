"""Who uses the files of a product's folder, and who replaces them.

The service and each run of a flow hold a shared lock on ``var/in-use.lock``. ``adopt`` and
``demo``, which replace files, hold it alone. The system releases the lock of a process that has
ended, even after a kill. A worker of Prefect that waits for work runs no code of the product, so
it holds no lock; on Linux it is found in /proc.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

from .errors import ConfigError, Refused

if sys.platform != "win32":
    import fcntl

__all__ = ["replacing", "using"]

LOCK = "in-use.lock"
LONGEST = 120  # of a command in a message
PROC = Path("/proc")


@contextmanager
def using(var: Path) -> Iterator[None]:
    """Marks the files of the folder as used by this process while the block runs.

    Raises Refused if a command is replacing them. Where no lock can be taken, for example because
    ``var`` is read-only, the block runs without one.
    """
    try:
        file = _opened(var)
    except OSError:
        file = None
    try:
        # Any other error than that another process holds it: a file system without locks.
        with suppress(OSError):
            if file is not None and not _taken(file, alone=False):
                raise Refused(
                    f"{_holder(file, 'a command')} is replacing files of this folder – expected"
                    " files that stay as they are – start this again when that has ended"
                )
        yield
    finally:
        _close(file)


@contextmanager
def replacing(root: Path) -> Iterator[None]:
    """Keeps others from using the files of the folder while the block replaces them.

    Raises Refused if a service, a run or a worker uses them. None of them is waited for.
    """
    if worker := _worker(root):
        raise _in_use(worker)
    path = root / "var" / LOCK
    try:
        file = _opened(path.parent)
        taken = file is None or _taken(file, alone=True)
    except OSError as problem:
        raise ConfigError(
            f"{path} cannot be locked: {problem.strerror} – expected a file of this user – correct"
            " its owner or its permissions"
        ) from problem
    try:
        if file is not None and not taken:
            raise _in_use(_holder(file, "a service or a run"))
        yield
    finally:
        _close(file)


def _in_use(what: str) -> Refused:
    return Refused(
        f"{what} of this product is running – expected nothing that uses the files to be replaced –"
        " stop it, then repeat this command"
    )


def _opened(var: Path) -> int | None:
    """The open file of the lock; None on Windows, which has no such locks."""
    if sys.platform == "win32":
        return None
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Python's files are not inherited by the programs that a process starts, so none of them holds
    # the lock longer than it.
    return os.open(var / LOCK, os.O_RDWR | os.O_CREAT, 0o600)


def _taken(file: int, *, alone: bool) -> bool:
    """Whether the lock was free, and is taken now."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _close(file: int | None) -> None:
    if file is not None:
        os.close(file)


def _holder(file: int, otherwise: str) -> str:
    """The process that has the file of the lock open; ``otherwise`` if the system does not tell."""
    wanted = os.fstat(file)
    for process in _others():
        with suppress(OSError):  # of another user, or ended meanwhile
            for path in (process / "fd").iterdir():
                with suppress(OSError):
                    if os.path.samestat(path.stat(), wanted):
                        return _named(process, _arguments(process))
    return otherwise


def _worker(root: Path) -> str:
    """A worker of Prefect for this folder; empty if there is none, or no /proc.

    It was started in the folder, or with its path as PRODUCT_ROOT.
    """
    for process in _others():
        with suppress(OSError):
            arguments = _arguments(process)
            if not _is_worker(arguments):
                continue
            variables = (process / "environ").read_bytes().split(b"\0")
            prefix = b"PRODUCT_ROOT="
            given = [v.removeprefix(prefix) for v in variables if v.startswith(prefix)]
            place = Path(os.fsdecode(given[0])) if given and given[0] else process / "cwd"
            if place.samefile(root):
                return "worker " + _named(process, arguments)
    return ""


def _is_worker(arguments: list[str]) -> bool:
    names = [Path(argument).name for argument in arguments]
    return "prefect" in names and ("worker", "start") in pairwise(names)


def _others() -> Iterator[Path]:
    """The folders of all other processes in /proc; none on systems without it."""
    for process in sorted(PROC.glob("[0-9]*")):
        if process.name != str(os.getpid()):
            yield process


def _arguments(process: Path) -> list[str]:
    return os.fsdecode((process / "cmdline").read_bytes()).rstrip("\0").split("\0")


def _named(process: Path, arguments: list[str]) -> str:
    command = " ".join([Path(arguments[0]).name, *arguments[1:]])
    shown = command if len(command) <= LONGEST else command[:LONGEST] + "…"
    return f"process {process.name} ({shown})"
