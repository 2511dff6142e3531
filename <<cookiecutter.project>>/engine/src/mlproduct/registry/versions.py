"""A model as a file, as a registered version, and loaded; the two aliases of versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..gate.document import Document
from ..problems import Problem

__all__ = ["CHALLENGER", "CHAMPION", "Loaded", "Saved", "Version"]

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Saved:
    """A model saved in the folder ``path``: the sha256 of its file and the size in bytes."""

    path: Path
    digest: str
    bytes: int


@dataclass(frozen=True)
class Version:
    """A registered version: its number, its run, the folder of its files, and its tags."""

    number: str
    run_id: str
    source: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Loaded:
    """A model whose file was checked, with the size of the file in ``bytes``.

    ``training_rows`` are the sorted identities (uint64) of its training rows.
    """

    model: Any
    version: str
    digest: str
    document: Document
    training_rows: np.ndarray
    bytes: int = 0

    def problem(self, problem: Problem) -> Problem:
        """``problem`` with the classes of this version, whose codes its predictions contain."""
        return problem.of_version(self.document.model.classes if self.document.model else ())
