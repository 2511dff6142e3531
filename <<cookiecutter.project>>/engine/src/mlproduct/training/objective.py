"""The metric by which candidates are compared, and the best operating threshold for it."""

import difflib
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError
from ..evaluation.metrics import METRICS, Metric
from ..evaluation.weighted_sums import Scored
from ..gate.criteria import Value
from .predictions import Predictions

__all__ = ["Objective", "best_threshold", "metric_named", "objective"]


@dataclass(frozen=True)
class Objective:
    """The primary metric with its direction; ``value`` is the value of the four outcomes."""

    metric: Metric
    value: Value | None = None

    @property
    def name(self) -> str:
        """The name of the metric."""
        return self.metric.name

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` is better than ``b``; a tie is not.

        NaN is never better, and any number is better than NaN.
        """
        if np.isnan(a) or np.isnan(b):
            return not np.isnan(a)
        return a > b if self.metric.better == "higher" else a < b

    def score(self, y: np.ndarray, predictions: Predictions) -> float:
        """The metric on these rows, NaN if it is not defined."""
        target = np.asarray(y, dtype=float)
        return float(self.metric.compute(Scored(target, predictions, self.value))[0])

    def threshold(self, y: np.ndarray, score: np.ndarray) -> tuple[float, float]:
        """``best_threshold`` for this metric."""
        return best_threshold(y, score, self.name, self.value)


def objective(name: str, value: Value | None) -> Objective:
    """The objective with the metric ``name``.

    Raises ConfigError for a name that is not a metric, a metric that cannot be computed from
    predictions, and a metric that needs the value of the outcomes if there is none.
    """
    metric = metric_named(name)
    if metric.combine is None:
        choices = ", ".join(m.name for m in METRICS.values() if m.combine is not None)
        raise ConfigError(
            f"primary: {name!r} cannot be used to compare models – expected one of {choices} –"
            " correct success_criteria.yaml"
        )
    if "value" in metric.needs and value is None:
        raise ConfigError(
            f"primary: {name!r} needs the value of the outcomes – expected value: in"
            " success_criteria.yaml – add it"
        )
    return Objective(metric, value)


def metric_named(name: str) -> Metric:
    """The metric ``name``. Raises ConfigError with the most similar name if it does not exist."""
    if name in METRICS:
        return METRICS[name]
    near = difflib.get_close_matches(name, METRICS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(METRICS)}"
    raise ConfigError(f"there is no metric {name!r} – {hint}")


def best_threshold(
    y: np.ndarray, score: np.ndarray, metric_name: str, value: Value | None = None
) -> tuple[float, float]:
    """The threshold at which the decision ``score >= threshold`` is best, and the metric there.

    Every threshold between two different scores is tried in one pass over the sorted scores, and
    the thresholds that select no rows and all rows. Of equally good thresholds, the highest is
    used, because it selects the fewest rows. For a metric that does not depend on decisions (such
    as roc_auc), the threshold is chosen by the value of the outcomes, or by f1 if there is none.
    Raises ValueError if the metric is not defined at any threshold, such as the recall of rows
    without positives.
    """
    cells = metric_named(metric_name).cells
    if cells is None:
        cells = METRICS["value_per_1000" if value is not None else "f1"].cells
    if cells is None:
        raise ValueError(f"{metric_name} cannot be computed from counts of outcomes")
    thresholds, caught, wrong = _cuts(np.asarray(y, dtype=float), np.asarray(score, dtype=float))
    positives, negatives = caught[-1], wrong[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = cells(caught, wrong, positives - caught, negatives - wrong, value)
    if np.isnan(values).all():
        raise ValueError(
            f"{metric_name} is not defined at any threshold: {positives:g} of {len(y)} rows are"
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
