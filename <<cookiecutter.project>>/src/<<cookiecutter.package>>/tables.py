"""The tables that cross the border between where rows are kept and what is done with them."""

from dataclasses import dataclass

import pandas as pd

__all__ = ["Batch", "Rejected", "Validated"]


@dataclass(frozen=True)
class Batch:
    """Rows as a source gave them, unchecked: ``first_row`` counts from 0 within ``origin``."""

    rows: pd.DataFrame
    origin: str
    first_row: int


@dataclass(frozen=True)
class Rejected:
    """The rows that were not accepted, and why.

    ``failures`` has a line per broken rule (row, column, rule, value, reason, source); ``rows`` has
    the rows themselves, as they were read, with the columns ``row`` and ``source`` in front.
    """

    failures: pd.DataFrame
    rows: pd.DataFrame


@dataclass(frozen=True)
class Validated:
    """Rows that keep every promise of the schema; only ``steps.validate`` makes one."""

    rows: pd.DataFrame
    rejected: Rejected
    seen: int

    @property
    def rejected_share(self) -> float:
        return len(self.rejected.rows) / self.seen if self.seen else 0.0
