"""What the product writes is for its own user: databases and files hold keys, features and names of
people.
"""

import contextlib
import os
import stat
from pathlib import Path

from .config.settings import Settings

__all__ = ["keep_private", "private_settings"]

DATABASES = ("*.db", "*.db-wal", "*.db-shm", "prefect/*.db", "prefect/*.db-wal", "prefect/*.db-shm")


def keep_private(var: Path) -> None:
    """From now on this process, and whatever it starts, makes folders with 0700 and files with
    0600.

    ``var`` and its databases are tightened where an earlier release left them open to others;
    nothing else is changed. On Windows, which keeps rights otherwise, nothing happens.
    """
    if os.name == "nt":
        return
    os.umask(0o077)
    for path in (var, *(found for pattern in DATABASES for found in var.glob(pattern))):
        with contextlib.suppress(
            OSError
        ):  # not there, or another user's: a volume that somebody else set up
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                path.chmod(mode & 0o700)


def private_settings() -> Settings:
    """The settings by the environment, for a process that was not started by the command line: a
    worker's.
    """
    settings = Settings.from_environment()
    keep_private(settings.var)
    return settings
