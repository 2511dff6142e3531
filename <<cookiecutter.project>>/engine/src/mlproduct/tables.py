"""The tables that sources, validation, training and scoring pass to each other."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from .reading import PLAIN, Reading

__all__ = ["BATCH_ROWS", "SOURCE_ROW", "Batch", "Rejected", "Validated"]

BATCH_ROWS = 200_000  # rows in memory at a time when sources and the log are read

# The name of the key for a table without a key: it is filled with the file and the row's number.
SOURCE_ROW = "source_row"


@dataclass(frozen=True)
class Batch:
    """Rows of a source before validation; ``first_row`` counts from 0 within ``origin``.

    ``unread`` names the columns of the source that were not requested. ``repaired`` rows come from
    the quarantine and are dropped if the source now has the same row. ``positions`` are the numbers
    of the rows if these are not consecutive. ``reading`` is how the source spells numbers.
    """

    rows: pd.DataFrame
    origin: str
    first_row: int
    unread: tuple[str, ...] = ()
    repaired: bool = False
    # Not compared: the truth value of a comparison of arrays is undefined.
    positions: np.ndarray | None = field(default=None, compare=False)
    reading: Reading = PLAIN

    @property
    def numbers(self) -> np.ndarray:
        """The number of each row within ``origin``."""
        if self.positions is not None:
            return self.positions
        return np.arange(self.first_row, self.first_row + len(self.rows), dtype=np.int64)


@dataclass(frozen=True)
class Rejected:
    """The rejected rows and the reasons.

    ``failures`` has a row per broken rule (row, column, rule, value, reason, source). ``rows`` has
    the rejected rows as text, with the columns ``row`` and ``source`` in front.
    """

    failures: pd.DataFrame
    rows: pd.DataFrame


@dataclass(frozen=True)
class Validated:
    """Rows that match the schema. Only the validation creates them.

    ``rows`` is the table for the next steps, ``rejected`` the quarantined rows, and ``seen`` the
    number of rows that were read.
    """

    rows: pd.DataFrame
    rejected: Rejected
    seen: int

    def where(self, keep: pd.Series) -> "Validated":
        """Only the rows for which ``keep`` is True, for a step of a flow that leaves rows out."""
        return replace(self, rows=self.rows[keep].reset_index(drop=True))

    @property
    def rejected_share(self) -> float:
        """The share of the read rows that were rejected; 0 if none were read."""
        return len(self.rejected.rows) / self.seen if self.seen else 0.0
