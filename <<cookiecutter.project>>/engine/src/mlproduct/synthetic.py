"""Building blocks for synthetic rows, for a team's ``sample.py``."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from .clock import today

__all__ = ["DAYS", "days", "from_day", "lose", "today", "write"]

DAYS = 540
"""How far sample data reach back."""


def days(age: np.ndarray, until: date, span: int = DAYS) -> pd.Series:
    """Midnights of the ``span`` days up to ``until``; an ``age`` of 0 is the first of them, 1 the
    last.
    """
    first = datetime.combine(until, time.min) - timedelta(days=span)
    return pd.Series(
        pd.Timestamp(first) + pd.to_timedelta(np.floor(age * (span + 1)).clip(0, span), unit="D")
    )


def from_day(times: pd.Series, since: date | None) -> np.ndarray:
    """Which rows are of the day ``since`` or later; none where it is None."""
    if since is None:
        return np.zeros(len(times), dtype=bool)
    return (times >= pd.Timestamp(since)).to_numpy()


def lose(frame: pd.DataFrame, shares: Mapping[str, float], random: np.random.Generator) -> None:
    """Empties a share of the cells of each column, in place."""
    for name, share in shares.items():
        frame.loc[random.uniform(size=len(frame)) < share, name] = None


def write(frame: pd.DataFrame, path: Path) -> None:
    """Writes the rows as CSV or Parquet, by the suffix of ``path``; a file there is replaced in one
    move.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    if path.suffix == ".csv":
        frame.to_csv(beside, index=False)
    else:
        frame.to_parquet(beside, index=False)
    beside.replace(path)
