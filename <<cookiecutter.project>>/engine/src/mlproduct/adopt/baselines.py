"""What is measured before bars are proposed: nothing, the rule and a quick model, on the training
side only.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.columns import Columns
from ..data.split_policies import POLICIES
from ..problems import Predictions
from ..product import Product

__all__ = ["Baselines", "PRIMARY", "measure_baselines"]

PRIMARY = {"classification": "roc_auc", "multiclass": "macro_f1", "regression": "rmse"}
FOLDS, ROWS_AT_MOST = 3, 20_000


@dataclass(frozen=True)
class Baselines:
    """A metric of doing nothing, of the rule (None without probabilities) and of a quick model."""

    metric: str
    nothing: float
    rule: float | None
    quick: float
    quick_name: str

    @property
    def bar(self) -> float:
        """Half way from the better baseline to the quick model, to two digits."""
        best = self.nothing
        if self.rule is not None and abs(self.quick - self.rule) < abs(self.quick - self.nothing):
            best = self.rule
        return float(f"{best + 0.5 * (self.quick - best):.2g}")


def measure_baselines(
    product: Product, training: pd.DataFrame, by: str, quick: int = 0
) -> Baselines:
    """The primary metric of the baselines on the training side; that of the model by
    cross-validation. ``quick`` is the place of the model in the candidates.
    """
    columns: Columns = product.columns
    problem = columns.of_target
    name = PRIMARY[problem.task]
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
    needs_scores = problem.task == "classification"
    candidate = product.candidates[quick]
    cuts = POLICIES[by].folds(rows, columns, FOLDS, seed=0)
    ordered, y_of = features.iloc[cuts.order].reset_index(drop=True), y[cuts.order]
    left, found = [], []
    for fitted, out in cuts.cuts:
        model = candidate.build(columns, 0).fit(ordered.iloc[fitted], y_of[fitted])
        left.append(out)
        found.append(problem.out_of_fold(model, ordered.iloc[out]))
    places = np.concatenate(left)
    from ..problems import OutOfFold

    trial = problem.trial_score(OutOfFold(y_of[places], np.concatenate(found)), objective)
    return Baselines(
        metric=name,
        nothing=score(problem.do_nothing(y)(features)),
        rule=None if needs_scores else score(ruled),
        quick=float(trial),
        quick_name=candidate.name,
    )
