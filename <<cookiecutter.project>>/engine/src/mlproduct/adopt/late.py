"""Features that may be known too late: strong alone, or with a name that suggests it."""

import re

import pandas as pd

from ..config.settings import Split
from ..data.columns import Columns
from ..problems.adoption import Adoption
from ..training.leaks.halves import Halves

__all__ = ["late_features"]

NAME = re.compile(
    r"duration|outcome|result|status|closed|resolved|final|actual|paid|refund|reason|cancel|churn"
    r"|_after|after_|_end|ended|length_of_stay|discharge|settle|decision|approved",
    re.IGNORECASE,
)
ROWS_AT_MOST, FEATURES_AT_MOST = 5_000, 60
LISTED_AT_MOST = 5  # and all whose name suggests it


def late_features(
    rows: pd.DataFrame, columns: Columns, by: Split, problem: Adoption
) -> dict[str, str]:
    """The doubtful features by name, the strongest first, each with the reason."""
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
        suggests = name in named and strength >= problem.named
        if suggests or strength >= problem.strong:
            why = f"its strength alone is {strength:.2f}"
            why += ", and its name is that of something known later" if suggests else ""
            found.append((strength, name, f"it may be known too late: {why}"))
    found.sort(reverse=True)
    listed = found[:LISTED_AT_MOST] + [each for each in found[LISTED_AT_MOST:] if each[1] in named]
    return {name: why for _, name, why in listed}
