"""Split rows into training rows and holdout rows; the verdict is based on the holdout.

The configuration selects the policy (``split_policies.py``).
"""

from dataclasses import dataclass

import pandas as pd

from ..config.settings import Split
from ..errors import InvalidData
from .columns import Columns
from .split_policies import POLICIES

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
    held, described = POLICIES[policy.by].holdout(rows, columns, policy.holdout)
    if held.all() or not held.any():
        raise InvalidData(
            f"the split {described} results in {int((~held).sum()):,} training rows and"
            f" {int(held.sum()):,} holdout rows – expected rows on both sides – get more rows, or"
            " change split in config/pipeline.yaml"
        )
    training, holdout = (rows[side].reset_index(drop=True) for side in (~held, held))
    return HoldoutSplit(training, holdout, described)
