"""Prefect's temporary server, which here always ends with the process that started it, even if that
process is killed.
"""

import contextlib
import os
import subprocess
from typing import Any

from filelock import FileLock
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_HOME, PREFECT_SERVER_LOGGING_LEVEL, temporary_settings

__all__ = ["guarded"]

# The system closes the guard's input when the process that holds the other end has ended, even
# after a kill. The guard then kills the server. A line of input means that the server was stopped.
GUARD = 'read -r stopped || kill -9 "$1"'


def guarded() -> None:
    """Makes Prefect use the guarded server if it starts a temporary server in this process."""
    # Prefect looks up its server here by port; None is the entry for any free port.
    SubprocessASGIServer._instances.setdefault(None, _GuardedServer())


class _GuardedServer(SubprocessASGIServer):
    """A temporary server with a guard process. Prefect ends its server in ``atexit``, so after a
    kill the server would keep running, with 200 MB of memory and its port.
    """

    _guard: "subprocess.Popen[bytes] | None" = None

    def __new__(cls, port: int | None = None, *args: Any, **kwargs: Any) -> "_GuardedServer":
        # Prefect's own __new__ returns the registered instance instead of a new one.
        return object.__new__(cls)

    def start(self, timeout: int | None = None) -> None:
        # Two servers that start at once on a new database would both create its tables, and one of
        # them would fail.
        with FileLock(PREFECT_HOME.value() / "starting.lock"):
            super().start(timeout)

    def _run_uvicorn_command(self) -> "subprocess.Popen[Any]":
        # The guard of a previous attempt: if a server cannot start, Prefect tries another port.
        self._dismiss_guard()
        # The server is stopped as soon as the command is done, even while it still writes to its
        # database. The resulting log lines do not help the user.
        with temporary_settings({PREFECT_SERVER_LOGGING_LEVEL: "CRITICAL"}):
            server = super()._run_uvicorn_command()
        if os.name == "posix":
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "sh", str(server.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # A signal to the whole process group, such as Ctrl-C, must not end the guard.
                start_new_session=True,
            )
        return server

    def stop(self) -> None:
        super().stop()
        self._dismiss_guard()

    def _dismiss_guard(self) -> None:
        if self._guard and self._guard.stdin:
            with contextlib.suppress(OSError):
                self._guard.stdin.write(b"stopped\n")
                self._guard.stdin.close()
            self._guard.wait()
            self._guard = None
