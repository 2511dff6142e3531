"""What came of taking a subject out of files: a file that cannot be read is named, and stops
nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

__all__ = ["Erasure"]

T = TypeVar("T")
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException)
"""What readers of Parquet and JSON raise for a file that is cut off, overwritten, or of another
kind.
"""


@dataclass
class Erasure:
    """How much was ``erased``, and the files that could not be read and may still hold the
    subject.
    """

    erased: int = 0
    unreadable: list[Path] = field(default_factory=list)

    def read(self, path: Path, reader: Callable[[Path], T]) -> T | None:
        """What the reader makes of the file; None where it cannot be read, which is noted, or is
        gone by now.
        """
        try:
            return reader(path)
        except FileNotFoundError:  # recorded in the database, or expired, in this moment
            return None
        except DAMAGED:
            self.unreadable.append(path)
            return None
