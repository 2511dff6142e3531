"""Split rows into training rows and holdout rows; the verdict is based on the holdout.

The configuration selects the policy: by time, the newest rows are held out. By group or key, a hash
of the value decides, so that a row stays on its side permanently when more data are added.
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
    """Both sides, and the split in words; the search gets only ``training``."""

    training: pd.DataFrame
    holdout: pd.DataFrame
    described: str


def split(rows: pd.DataFrame, columns: Columns, policy: Split) -> HoldoutSplit:
    """The rows of both sides, each in the order of ``rows`` and numbered from 0.

    Raises ConfigError if the schema has no column for the policy, and InvalidData if a side would
    be empty or a row has no time in a split by time.
    """
    if rows.empty:
        raise InvalidData(
            "there are no rows to split – expected rows on both sides – check the source and the"
            " quarantine"
        )
    held, described = (_newest if policy.by == "time" else _hashed)(rows, columns, policy)
    if held.all() or not held.any():
        raise InvalidData(
            f"the split {described} results in {int((~held).sum()):,} training rows and"
            f" {int(held.sum()):,} holdout rows – expected rows on both sides – get more rows, or"
            " change split in config/pipeline.yaml"
        )
    training, holdout = (rows[side].reset_index(drop=True) for side in (~held, held))
    return HoldoutSplit(training, holdout, described)


def _newest(rows: pd.DataFrame, columns: Columns, policy: Split) -> tuple[np.ndarray, str]:
    """Holds out the newest rows; rows with the same time stay together.

    The cutoff is the time at which the held-out share is nearest to the configured one.
    """
    if columns.time is None:
        raise ConfigError(
            "config/pipeline.yaml: split.by: time: schemas.py has no column with the role time –"
            " expected one – give a column this role, or split by hash"
        )
    if unknown := int(rows[columns.time].isna().sum()):
        raise InvalidData(
            f"{unknown:,} of {len(rows):,} rows have no {columns.time} – expected one in each row"
            " for a split by time – make the column not nullable in schemas.py, or split by hash"
        )
    moments, counts = np.unique(rows[columns.time].to_numpy(), return_counts=True)
    newer = len(rows) - np.cumsum(counts)
    # The last time is no candidate, because no row is newer.
    cutoff = (
        moments[np.argmin(np.abs(newer[:-1] - policy.holdout * len(rows)))]
        if len(moments) > 1
        else None
    )
    held = np.zeros(len(rows), bool) if cutoff is None else rows[columns.time].to_numpy() > cutoff
    until = f", trained on rows until {pd.Timestamp(cutoff):%Y-%m-%d}" if cutoff is not None else ""
    return held, f"by {columns.time}{until}{_again(rows[columns.key], held)}"


def _again(keys: pd.Series, held: np.ndarray) -> str:
    """How many holdout rows are of a subject in the training rows.

    In a split by time this is intended.
    """
    again = int(keys[held].isin(keys[~held]).sum())
    return f", {again:,} holdout rows share their {keys.name} with training rows" if again else ""


def _hashed(rows: pd.DataFrame, columns: Columns, policy: Split) -> tuple[np.ndarray, str]:
    """Holds out the values whose hash, scaled to [0, 1), is below the share, in every run."""
    name = columns.group if policy.by == "group" else columns.key
    if name is None:
        raise ConfigError(
            "config/pipeline.yaml: split.by: group: schemas.py has no column with the role group –"
            " expected one – give a column this role, or split by hash"
        )
    # A larger share only adds rows to the holdout; no holdout row becomes a training row.
    place = row_hashes(rows, [name]) / np.float64(2**64)
    described = f"by the hash of {name}, {policy.holdout:.0%} held out permanently"
    return place < policy.holdout, described
