"""Features that may be known too late: strong alone, or with a name that suggests it."""

import re

import pandas as pd

from ..config.settings import Split
from ..data.columns import Columns
from ..training.leaks.halves import Halves

__all__ = ["late_features"]

NAME = re.compile(
    r"duration|outcome|result|status|closed|resolved|final|actual|paid|refund|reason|cancel|churn"
    r"|_after|after_|_end|ended|length_of_stay|discharge|settle|decision|approved",
    re.IGNORECASE,
)
# Alone, a share of 0.5 is nothing in classification, and 0 in regression.
STRONG = {"classification": 0.75, "multiclass": 0.9, "regression": 0.6}
NAMED = {"classification": 0.6, "multiclass": 0.75, "regression": 0.1}
ROWS_AT_MOST, FEATURES_AT_MOST = 5_000, 60


def late_features(rows: pd.DataFrame, columns: Columns, by: Split) -> dict[str, str]:
    """The doubtful features by name, the strongest first, each with the reason."""
    problem = columns.of_target
    sample = rows.sample(min(len(rows), ROWS_AT_MOST), random_state=0).reset_index(drop=True)
    halves = Halves.of(sample, columns, by)
    if not halves.can_be_measured:
        return {}
    found = []
    named = [name for name in columns.features if NAME.search(name)]
    chosen = dict.fromkeys((*named, *columns.features[:FEATURES_AT_MOST]))
    for name in chosen:
        time = sample[columns.time] if columns.time else None
        signals = columns.kind_of(name).signals(sample[name], time)
        strength = max((halves.alone(signal).strength for _, signal in signals), default=0.0)
        suggests = name in named and strength >= NAMED[problem.task]
        if suggests or strength >= STRONG[problem.task]:
            why = f"its strength alone is {strength:.2f}"
            why += ", and its name is that of something known later" if suggests else ""
            found.append((strength, name, f"it may be known too late: {why}"))
    return {name: why for _, name, why in sorted(found, reverse=True)}
