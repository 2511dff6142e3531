"""The tables that cross the border between where rows are kept and what is done with them."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

__all__ = ["BATCH_ROWS", "SOURCE_ROW", "Batch", "Rejected", "Validated"]

BATCH_ROWS = 200_000

SOURCE_ROW = "source_row"
"""A table without a key of its own: call the key this, and each row is named by its file and
number.
"""


@dataclass(frozen=True)
class Batch:
    """Rows as a source gave them, unchecked: ``first_row`` counts from 0 within ``origin``.

    ``unread`` names the columns that are there and were not asked for. ``repaired`` rows come from
    the quarantine and step back where the source has the same row by now. ``positions`` are the
    rows' numbers where they do not follow each other.
    """

    rows: pd.DataFrame
    origin: str
    first_row: int
    unread: tuple[str, ...] = ()
    repaired: bool = False
    positions: np.ndarray | None = field(default=None, compare=False)

    @property
    def numbers(self) -> np.ndarray:
        """The number of each row within ``origin``."""
        if self.positions is not None:
            return self.positions
        return np.arange(self.first_row, self.first_row + len(self.rows), dtype=np.int64)


@dataclass(frozen=True)
class Rejected:
    """The rows that were not accepted, and why.

    ``failures`` has a line per broken rule (row, column, rule, value, reason, source); ``rows`` has
    the rows themselves, as text, with the columns ``row`` and ``source`` in front.
    """

    failures: pd.DataFrame
    rows: pd.DataFrame


@dataclass(frozen=True)
class Validated:
    """Rows that keep every promise of the schema; made by the validation alone.

    ``rows`` is the table that the next steps work on, ``rejected`` what is in quarantine, and
    ``seen`` how many rows were read.
    """

    rows: pd.DataFrame
    rejected: Rejected
    seen: int

    def where(self, keep: pd.Series) -> "Validated":
        """The rows that ``keep`` marks, for a step of a flow that leaves some out."""
        return replace(self, rows=self.rows[keep].reset_index(drop=True))

    @property
    def rejected_share(self) -> float:
        return len(self.rejected.rows) / self.seen if self.seen else 0.0
