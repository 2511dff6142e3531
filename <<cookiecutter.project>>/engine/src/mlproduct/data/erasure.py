"""The result of erasing a subject from files.

A file that cannot be read is listed and does not stop the erasure in the other files.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

__all__ = ["Erasure"]

T = TypeVar("T")
# Readers of Parquet and JSON raise these for a file that is truncated, overwritten or of another
# kind.
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException)


@dataclass
class Erasure:
    """How much was ``erased``, and which unreadable files may still contain the subject."""

    erased: int = 0
    unreadable: list[Path] = field(default_factory=list)

    def read(self, path: Path, reader: Callable[[Path], T]) -> T | None:
        """The result of the reader; None if the file is gone or cannot be read.

        An unreadable file is added to ``unreadable``.
        """
        try:
            return reader(path)
        except FileNotFoundError:  # just moved to the database by another process, or expired
            return None
        except DAMAGED:
            self.unreadable.append(path)
            return None
