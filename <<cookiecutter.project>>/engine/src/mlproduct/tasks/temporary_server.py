"""Prefect's temporary server, made to end with the process that started it, also where that is
killed.
"""

import contextlib
import os
import subprocess
from typing import Any

from filelock import FileLock
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_HOME, PREFECT_SERVER_LOGGING_LEVEL, temporary_settings

__all__ = ["guarded"]

# The guard's input ends when the process that holds the other end is gone, in whatever way; then it
# kills the server. A line of input says that the server was stopped as usual.
GUARD = 'read -r stopped || kill -9 "$1"'


def guarded() -> None:
    """From now on the temporary server of this process, if one is started, is a guarded one."""
    SubprocessASGIServer._instances.setdefault(None, _GuardedServer())


class _GuardedServer(SubprocessASGIServer):
    """Prefect ends its server by ``atexit``: a killed process would leave it behind, with 200 MB
    and its port.
    """

    _guard: "subprocess.Popen[bytes] | None" = None

    def __new__(cls, port: int | None = None, *args: Any, **kwargs: Any) -> "_GuardedServer":
        return object.__new__(cls)  # Prefect's own gives the instance that it knows

    def start(self, timeout: int | None = None) -> None:
        # Two that start at once on a new database would both make its tables, and one would fail.
        with FileLock(PREFECT_HOME.value() / "starting.lock"):
            super().start(timeout)

    def _run_uvicorn_command(self) -> "subprocess.Popen[Any]":
        # Of a server that could not start: Prefect tries again at another port.
        self._dismiss_guard()
        # It is stopped when the verb is done, whatever it is still writing down of that: no news to
        # anybody.
        with temporary_settings({PREFECT_SERVER_LOGGING_LEVEL: "CRITICAL"}):
            server = super()._run_uvicorn_command()
        if os.name == "posix":
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "sh", str(server.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # What ends a whole group of processes, Ctrl-C for one, must not end the guard.
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
