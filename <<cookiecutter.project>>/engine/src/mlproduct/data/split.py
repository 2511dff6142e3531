"""Which rows are learned from and which are kept back for the verdict.

The configuration says by what: time (the newest rows are kept back), group or key (a hash of the
value decides, so that a row stays on its side for ever, however the data grow).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..config.settings import Split
from ..errors import ConfigError, InvalidData
from .columns import Columns
from .fingerprint import row_hashes

__all__ = ["HoldoutSplit", "split"]


@dataclass(frozen=True)
class HoldoutSplit:
    """The two sides, ``described`` for people; the search is only ever given ``training``."""

    training: pd.DataFrame
    holdout: pd.DataFrame
    described: str


def split(rows: pd.DataFrame, columns: Columns, policy: Split) -> HoldoutSplit:
    """The rows on their two sides, each in the order of ``rows`` and numbered from 0.

    Raises ConfigError where the schema has no column of the policy's kind, and InvalidData where a
    side would be empty.
    """
    if rows.empty:
        raise InvalidData(
            "there is no row to split – both sides need rows – look at the source, and at the"
            " quarantine"
        )
    held, described = (_newest if policy.by == "time" else _hashed)(rows, columns, policy)
    if held.all() or not held.any():
        raise InvalidData(
            f"the split {described} leaves {int((~held).sum()):,} rows to train on and"
            f" {int(held.sum()):,} held out – both sides need rows – get more rows, or change split"
            " in config/pipeline.yaml"
        )
    training, holdout = (rows[side].reset_index(drop=True) for side in (~held, held))
    return HoldoutSplit(training, holdout, described)


def _newest(rows: pd.DataFrame, columns: Columns, policy: Split) -> tuple[np.ndarray, str]:
    """Rows of one moment stay together: the cut is between two moments, where the share comes
    nearest.
    """
    if columns.time is None:
        raise ConfigError(
            "config/pipeline.yaml: split.by: time: schemas.py has no column with the role time –"
            " mark one, or split by hash"
        )
    if unknown := int(rows[columns.time].isna().sum()):
        raise InvalidData(
            f"{unknown:,} of {len(rows):,} rows have no {columns.time} – a split by time needs one"
            " in each row – make the column not nullable in schemas.py, or split by hash"
        )
    moments, counts = np.unique(rows[columns.time].to_numpy(), return_counts=True)
    newer = len(rows) - np.cumsum(counts)
    cutoff = (
        moments[np.argmin(np.abs(newer[:-1] - policy.holdout * len(rows)))]
        if len(moments) > 1
        else None
    )
    held = np.zeros(len(rows), bool) if cutoff is None else rows[columns.time].to_numpy() > cutoff
    until = f", trained on until {pd.Timestamp(cutoff):%Y-%m-%d}" if cutoff is not None else ""
    return held, f"by {columns.time}{until}{_again(rows[columns.key], held)}"


def _again(keys: pd.Series, held: np.ndarray) -> str:
    """How many held out rows are of a subject that is also trained on: by time that is meant to
    be.
    """
    again = int(keys[held].isin(keys[~held]).sum())
    return f", {again:,} rows held out have a {keys.name} seen before" if again else ""


def _hashed(rows: pd.DataFrame, columns: Columns, policy: Split) -> tuple[np.ndarray, str]:
    """The hash of the value as a number in [0, 1): below the share it is held out, in every run."""
    name = columns.group if policy.by == "group" else columns.key
    if name is None:
        raise ConfigError(
            "config/pipeline.yaml: split.by: group: schemas.py has no column with the role group –"
            " mark one, or split by hash"
        )
    place = row_hashes(rows, [name]) / np.float64(2**64)
    return place < policy.holdout, f"by the hash of {name}, {policy.holdout:.0%} held out for ever"
