"""Find what reveals the target: a feature, a combination of features, or another row.

    block    it nearly determines the target, and no model is trained
    doubt    it is suspiciously strong alone; a named person has to accept it

Such a feature is usually not known when the prediction is needed. It was recorded later, or it is
the target under another name. The limits of both levels are in config/pipeline.yaml.

    halves.py     simple models, fitted on one half of the rows and measured on the other
    pairs.py      two features that determine the target together
    screening.py  a fast measurement that selects features and pairs for a precise one
    sums.py       a few numbers whose weighted sum or product is the target
    shifts.py     a feature that is the target of a later or an earlier row
    copies.py     rows that are in the table again under another key
"""

import difflib
from collections.abc import Collection

import numpy as np
import pandas as pd

from ...config.settings import Checks, Split
from ...data.columns import Columns
from ...errors import ConfigError
from .copies import find_copies, without_copies
from .halves import Halves
from .leak import Leak, Level
from .pairs import find_pairs
from .shifts import find_shifts
from .sums import find_sums

__all__ = ["Leak", "Level", "find_leaks"]

AT_MOST_ROWS = 20_000  # a leak shows in a sample
# A feature that many rows lack is also measured in the rows that have it: if there are enough.
KNOWN_ROWS, KNOWN_AT_MOST, ROWS_OF_A_CLASS = 200, 0.9, 20


def find_leaks(
    training: pd.DataFrame, columns: Columns, checks: Checks, by: Split, *, seed: int = 0
) -> tuple[Leak, ...]:
    """What reveals the target: the blocks first, both levels in the order of their strength.

    Accepted features take no part. ``by`` is the policy of the split: if it keeps the rows of a
    subject on one side, the simple models are not measured on subjects that they were fitted on.
    Raises ConfigError for an accepted name that is not a feature.
    """
    accepted = {leak.feature for leak in checks.accepted_leaks}
    _known(accepted, columns)
    copies = find_copies(training, columns, checks, by)
    if copies is not None:
        # A value that only a row and its copies have would reveal the target as well.
        training = without_copies(training, columns)
    # Shuffled also if all rows are taken, because the halves take turns.
    rows = training.sample(min(len(training), AT_MOST_ROWS), random_state=seed)
    rows = rows.reset_index(drop=True)
    features = [name for name in columns.features if name not in accepted]
    halves = Halves.of(rows, columns, by)
    if not halves.can_be_measured:
        return (copies,) if copies else ()
    alone = ((name, _alone(name, rows, columns, halves, checks)) for name in features)
    found = {name: leak for name, leak in alone if leak}
    for name, leak in find_shifts(rows, columns, features, checks).items():
        # The target of an earlier row is usually known. It is a doubt also if the target changes so
        # slowly that the feature nearly determines the target of the same row.
        if name not in found or leak.strength > found[name].strength:
            found[name] = leak
    others = [name for name in features if name not in found or found[name].level is Level.DOUBT]
    together = {leak.columns: leak for leak in find_pairs(rows, columns, others, halves, checks)}
    if columns.of_target.finds_sums:
        together |= {leak.columns: leak for leak in find_sums(rows, columns, others, checks)}
    # One doubt about a feature is enough.
    combined = [
        leak
        for leak in together.values()
        if leak.level is Level.BLOCK or not found.keys() & set(leak.columns)
    ]
    leaks = (*found.values(), *combined, *([copies] if copies else []))
    return tuple(sorted(leaks, key=lambda leak: (leak.level, -leak.strength)))


def _alone(
    name: str, rows: pd.DataFrame, columns: Columns, halves: Halves, checks: Checks
) -> Leak | None:
    """The feature as a leak, by its strongest signal (``data/feature_kinds.py``)."""
    time = rows[columns.time] if columns.time else None
    signals = columns.kind_of(name).signals(rows[name], time)
    measured = ((halves.alone(signal), words) for words, signal in signals)
    strongest, words = max(measured, key=lambda each: each[0].strength)
    described = f"{name} ({words})" if words else name
    leak = Leak.of((name,), described, strongest, at=checks.leak_at, doubt_at=checks.doubt_at)
    if leak is not None and leak.level is Level.DOUBT:
        # A copy of the target blocks, also if it is wrong in a few rows.
        usual = strongest.usual
        if usual.is_at_least(checks.leak_at):
            return Leak((name,), described, usual.strength, Level.BLOCK)
    if leak is not None and leak.level is Level.BLOCK:
        return leak
    return _where_known(name, rows[name], halves, checks) or leak


def _where_known(name: str, column: pd.Series, halves: Halves, checks: Checks) -> Leak | None:
    """The feature as a leak in the rows that have a value; None if only few rows have none or one.

    A column that someone fills for some rows, after the target is known, is weak in all rows.
    """
    known = np.flatnonzero(column.notna().to_numpy())
    # With few gaps, the result in all rows is nearly the same.
    if not KNOWN_ROWS <= len(known) <= KNOWN_AT_MOST * len(column):
        return None
    part = halves.take(known)
    counts = np.unique(part.measured, axis=0, return_counts=True)[1]
    # Of two classes, a few rows of one can be the highest or the lowest by chance.
    if not part.can_be_measured or (len(counts) == 2 and counts.min() < ROWS_OF_A_CLASS):
        return None
    guess = part.alone(column.iloc[known])
    # The lower bound for a doubt too, because fewer rows are measured.
    if not guess.is_at_least(min(checks.leak_at, checks.doubt_at)):
        return None
    described = f"{name} (where it is known)"
    return Leak.of((name,), described, guess, at=checks.leak_at, doubt_at=checks.doubt_at)


def _known(accepted: Collection[str], columns: Columns) -> None:
    for name in accepted:
        if name not in columns.features:
            near = difflib.get_close_matches(name, columns.features, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"expected one of {', '.join(columns.features)}"
            )
            raise ConfigError(
                f"config/pipeline.yaml: checks.accepted_leaks: {name!r} is not a feature – {hint}"
            )
