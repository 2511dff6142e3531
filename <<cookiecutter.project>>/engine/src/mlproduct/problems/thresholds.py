"""The threshold of a binary decision that is best for a metric."""

import numpy as np

from ..gate.criteria import AnyValue
from .metric import Cells

__all__ = ["best_threshold"]


def best_threshold(
    y: np.ndarray, score: np.ndarray, cells: Cells, value: AnyValue | None = None
) -> tuple[float, float]:
    """The threshold at which the decision ``score >= threshold`` is best, and the metric there.

    ``cells`` computes the metric, which is better when higher, from the counts of outcomes. Every
    threshold between two different scores is tried in one pass over the sorted scores, and the
    thresholds that select no rows and all rows. Of equally good thresholds, the highest is used,
    because it selects the fewest rows. Raises ValueError if the metric is not defined at any
    threshold, such as the recall of rows without positives.
    """
    thresholds, caught, wrong = _cuts(np.asarray(y, dtype=float), np.asarray(score, dtype=float))
    positives, negatives = caught[-1], wrong[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = cells(caught, wrong, positives - caught, negatives - wrong, value)
    if np.isnan(values).all():
        raise ValueError(
            f"the metric is not defined at any threshold: {positives:g} of {len(y)} rows are"
            " positive"
        )
    # The thresholds decrease, and argmax returns the first of equal values: the highest threshold.
    best = int(np.nanargmax(values))
    return float(thresholds[best]), float(values[best])


def _cuts(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The thresholds from no rows to all rows, with the true and false positives at each."""
    if not np.isfinite(score).all():
        raise ValueError(f"{(~np.isfinite(score)).sum()} of {len(score)} scores are not numbers")
    order = np.argsort(-score, kind="stable")
    ordered, positive = score[order], y[order] == 1
    last = np.r_[np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1]
    caught = np.r_[0.0, np.cumsum(positive)[last]]
    wrong = np.r_[0.0, last + 1 - caught[1:]]
    levels = ordered[last]
    middle = (levels[:-1] + levels[1:]) / 2
    # The middle of two neighbouring floats can be rounded to the lower one, which would select the
    # rows of the lower one as well.
    between = np.where(middle > levels[1:], middle, levels[:-1])
    no_rows = np.nextafter(levels[0], np.inf)
    return np.r_[no_rows, between, levels[-1]], caught, wrong
