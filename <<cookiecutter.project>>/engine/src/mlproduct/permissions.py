"""Makes the product's files readable by its own user only.

Databases and files contain keys, features and names of people.
"""

import contextlib
import os
import stat
from pathlib import Path

from .config.settings import Settings

__all__ = ["keep_private", "private_settings"]

# SQLite databases with their write-ahead logs and shared-memory files, which contain data too.
DATABASES = ("*.db", "*.db-wal", "*.db-shm", "prefect/*.db", "prefect/*.db-wal", "prefect/*.db-shm")


def keep_private(var: Path) -> None:
    """Sets the umask: this process and its children create folders with 0700 and files with 0600.

    Rights of other users to ``var`` and its databases, which earlier releases left, are removed;
    nothing else is changed. On Windows, which manages rights differently, nothing happens.
    """
    if os.name == "nt":
        return
    os.umask(0o077)
    for path in (var, *(found for pattern in DATABASES for found in var.glob(pattern))):
        # The path may not exist, or belong to another user, as on a volume that was set up for us.
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                path.chmod(mode & 0o700)


def private_settings() -> Settings:
    """The settings from the environment, with ``keep_private`` applied.

    For a process that the command line did not start, such as the runs of a worker.
    """
    settings = Settings.from_environment()
    keep_private(settings.var)
    return settings
