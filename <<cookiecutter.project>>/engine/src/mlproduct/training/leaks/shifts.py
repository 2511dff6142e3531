"""Features that are the target of another row of the same subject: tomorrow's, or yesterday's."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ...config.settings import Checks
from ...data.columns import Columns
from ...derived_numbers import moments
from .halves import Halves
from .leak import Leak, Level
from .screening import Screen

__all__ = ["find_shifts"]

SCREENED_AT = 0.5  # the explained variance from which a feature is measured precisely
MIN_ROWS = 50  # at a distance in time


def find_shifts(
    rows: pd.DataFrame, columns: Columns, features: list[str], checks: Checks
) -> dict[str, Leak]:
    """The features that nearly determine the target of another row, by name.

    The target of a later row is a block, because no one can know it. The target of an earlier row
    is a doubt, because it is known only if labels arrive in time. Rows of one key are compared if
    keys repeat, otherwise rows of one group: at the most frequent distance in time, a day, and a
    week. Nothing is compared without a time, or if several rows of a subject have the same time.
    """
    target = columns.of_target.leak_target(columns.encoded_target(rows))
    found: dict[str, Leak] = {}
    for distance, earlier, later in _neighbours(rows, columns):
        for when, level, one, other in (
            ("later", Level.BLOCK, earlier, later),
            ("earlier", Level.DOUBT, later, earlier),
        ):
            halves = Halves(target[other], np.arange(len(other)) % 2 == 0, columns.of_target)
            if not halves.can_be_measured:
                continue
            for name in _screened(rows[features].iloc[one], halves):
                guess = halves.alone(rows[name].iloc[one])
                better = name not in found or guess.strength > found[name].strength
                if better and guess.is_at_least(checks.leak_at):
                    described = f"{name} (the target {distance} {when})"
                    found[name] = Leak((name,), described, guess.strength, level)
    return found


def _screened(features: pd.DataFrame, halves: Halves) -> list[str]:
    """The features that explain enough in some of the rows."""
    screen = Screen(halves)
    found = []
    for name, column in features.iloc[screen.rows].items():
        codes = (
            pd.factorize(column, use_na_sentinel=False)[0]
            if column.dtype.kind not in "fiu"
            else screen.few_values(column)
        )
        if screen.explained(*screen.halves_of(codes), int(codes.max()) + 1) >= SCREENED_AT:
            found.append(str(name))
    return found


def _neighbours(
    rows: pd.DataFrame, columns: Columns
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Rows of one subject at a distance in time: the distance in words, and both positions."""
    if columns.time is None:
        return
    table = pd.DataFrame({"subject": _subjects(rows, columns), "time": moments(rows[columns.time])})
    table = table.assign(row=np.arange(len(rows))).dropna().sort_values(["subject", "time"])
    steps = table.groupby("subject")["time"].diff().dropna()
    if table.duplicated(["subject", "time"]).any() or steps.empty:
        return
    # The last name of a distance is kept: the most frequent one can be a day.
    distances = {steps.mode().iloc[0]: "one row"}
    distances |= {pd.Timedelta(days=1): "a day", pd.Timedelta(days=7): "a week"}
    for distance, words in distances.items():
        moved = table.assign(time=table["time"] - distance)
        both = table.merge(moved, on=["subject", "time"], suffixes=("", "_later"))
        if len(both) >= MIN_ROWS:
            yield words, both["row"].to_numpy(), both["row_later"].to_numpy()


def _subjects(rows: pd.DataFrame, columns: Columns) -> np.ndarray:
    """The number of each row's key if keys repeat, otherwise of its group, otherwise 0."""
    for name in (columns.key, columns.group):
        if name is not None and not rows[name].is_unique:
            return pd.factorize(rows[name], use_na_sentinel=False)[0]
    return np.zeros(len(rows), dtype=int)
