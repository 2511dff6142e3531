"""What is measured before bars are proposed: nothing, the rule and a quick model, on the training
side only.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..data.columns import Columns
from ..data.split_policies import POLICIES
from ..problems import OutOfFold, Predictions
from ..problems.adoption import Adoption
from ..product import Product
from .findings import shown_number

__all__ = ["Baselines", "measure_baselines"]

Policy = Literal["time", "group", "hash"]
FOLDS, ROWS_AT_MOST = 3, 20_000


@dataclass(frozen=True)
class Baselines:
    """A metric of doing nothing, of the rule and of a quick model."""

    metric: str
    higher_is_better: bool
    nothing: float
    rule: float
    quick: float
    quick_name: str

    @property
    def in_words(self) -> str:
        """All three values."""
        three = (("nothing", self.nothing), ("rule", self.rule), (self.quick_name, self.quick))
        return ", ".join(f"{name} {shown_number(value, 3)}" for name, value in three)

    @property
    def bar(self) -> float:
        """Half way from the better baseline to the quick model, to two digits, on the easier side.

        The better baseline itself if the quick model is worse.
        """
        best = max if self.higher_is_better else min
        base = best(self.nothing, self.rule)
        half = best(base, 0.5 * (base + self.quick))
        if half == 0:
            return 0.0
        step = 10.0 ** (math.floor(math.log10(abs(half))) - 1)
        # 1e-9: 0.71 / 0.01 is 70.99…, which is no reason for another digit.
        easier = math.floor(half / step + 1e-9)
        if not self.higher_is_better:
            easier = math.ceil(half / step - 1e-9)
        return float(f"{easier * step:.2g}")


def measure_baselines(
    product: Product, training: pd.DataFrame, by: Policy, adoption: Adoption, quick: int = 0
) -> Baselines:
    """The primary metric of the baselines on the training side; that of the model by
    cross-validation. ``quick`` is the place of the model in the candidates.
    """
    columns: Columns = product.columns
    problem, name = columns.of_target, adoption.primary
    objective = problem.objective(name, None)
    rows = training
    if len(rows) > ROWS_AT_MOST:
        rows = training.sort_index().iloc[:: len(training) // ROWS_AT_MOST + 1]
    rows = rows.reset_index(drop=True)
    y = columns.encoded_target(rows)
    features = rows[list(columns.inputs)]

    def score(predictions: Predictions) -> float:
        return float(objective.score(y, predictions))

    ruled = problem.by_rule(product.rule)(features)
    if adoption.has_two_classes:  # as a score, a decision has two values
        ruled = Predictions(ruled.decision, ruled.decision)
    candidate = product.candidates[quick]
    cuts = POLICIES[by].folds(rows, columns, FOLDS, seed=0)
    ordered, y_of = features.iloc[cuts.order].reset_index(drop=True), y[cuts.order]
    left, found = [], []
    for fitted, out in cuts.cuts:
        model = candidate.build(columns, 0).fit(ordered.iloc[fitted], y_of[fitted])
        left.append(out)
        found.append(problem.out_of_fold(model, ordered.iloc[out]))
    places = np.concatenate(left)
    trial = problem.trial_score(OutOfFold(y_of[places], np.concatenate(found)), objective)
    return Baselines(
        metric=name,
        higher_is_better=adoption.higher_is_better,
        nothing=score(problem.do_nothing(y)(features)),
        rule=score(ruled),
        quick=float(trial),
        quick_name=candidate.name,
    )
