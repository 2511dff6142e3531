"""The permutation importance of each feature."""

import numpy as np
import pandas as pd

from ..data.columns import Columns
from ..gate.document import Importance
from ..problems import Predict, Predictions

__all__ = ["importance"]

REPEATS = 5  # permutations per feature; their mean is shown with its range


def importance(
    answer: Predict, rows: pd.DataFrame, y: np.ndarray, columns: Columns, *, at_most: int, seed: int
) -> tuple[Importance, ...]:
    """The permutation importance of each feature, the largest loss first.

    Mean and standard deviation of five shuffles on at most ``at_most`` rows, by the problem's
    metric for it. Source: L. Breiman (2001), Random forests, section 10.
    """
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(rows))[:at_most]
    rows, y = rows.iloc[chosen].reset_index(drop=True), y[chosen]
    problem = columns.of_target
    metric = problem.metrics[problem.importance]
    sign = -1 if metric.better == "higher" else 1

    def measured(predictions: Predictions) -> float:
        return float(metric.compute(problem.scored(y, predictions))[0])

    whole = measured(answer(rows))
    found = []
    for feature in columns.features:
        orders = [random.permutation(len(rows)) for _ in range(REPEATS)]
        # One call for all shuffles, because a call has a large fixed cost.
        shuffled = pd.concat([rows] * REPEATS, ignore_index=True)
        shuffled[feature] = rows[feature].take(np.concatenate(orders)).set_axis(shuffled.index)
        predictions = answer(shuffled)
        parts = np.split(np.arange(len(shuffled)), REPEATS)
        losses = [sign * (measured(predictions.take(part)) - whole) for part in parts]
        found.append(
            Importance(
                feature=feature,
                mean=float(np.mean(losses)),
                spread=float(np.std(losses)),
                metric=metric.name,
            )
        )
    return tuple(sorted(found, key=lambda i: (-i.mean, i.feature)))
