"""Functions to make synthetic rows, for a team's ``sample.py``."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from .clock import today

__all__ = ["DAYS", "days", "from_day", "lose", "today", "write"]

DAYS = 540  # by default, synthetic rows are of this many days


def days(age: np.ndarray, until: date, span: int = DAYS) -> pd.Series:
    """Timestamps at midnight, from ``span`` days before ``until`` (``age`` 0) to ``until`` (1)."""
    # Each of the span + 1 days has the same share of ages. Age 1 would be a day later: clipped.
    first = datetime.combine(until, time.min) - timedelta(days=span)
    return pd.Series(
        pd.Timestamp(first) + pd.to_timedelta(np.floor(age * (span + 1)).clip(0, span), unit="D")
    )


def from_day(times: pd.Series, since: date | None) -> np.ndarray:
    """A mask of the rows from the day ``since`` on; all False if ``since`` is None."""
    if since is None:
        return np.zeros(len(times), dtype=bool)
    return (times >= pd.Timestamp(since)).to_numpy()


def lose(frame: pd.DataFrame, shares: Mapping[str, float], random: np.random.Generator) -> None:
    """Sets a random share of the cells of each named column to missing, in place."""
    for name, share in shares.items():
        frame.loc[random.uniform(size=len(frame)) < share, name] = None


def write(frame: pd.DataFrame, path: Path) -> None:
    """Writes the rows as CSV if ``path`` ends with .csv, else as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside the file and then moved, so that a reader never finds a half-written file.
    beside = path.with_name(f".{path.name}.part")
    if path.suffix == ".csv":
        frame.to_csv(beside, index=False)
    else:
        frame.to_parquet(beside, index=False)
    beside.replace(path)
