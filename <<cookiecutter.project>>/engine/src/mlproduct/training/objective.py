"""What candidates compete on, and the operating threshold that serves it best."""

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
    """The primary metric with its direction; ``value`` says what the four outcomes are worth."""

    metric: Metric
    value: Value | None = None

    @property
    def name(self) -> str:
        return self.metric.name

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` beats ``b``; nothing that is not a number beats anything, a tie does not
        either.
        """
        if np.isnan(a) or np.isnan(b):
            return not np.isnan(a)
        return a > b if self.metric.better == "higher" else a < b

    def score(self, y: np.ndarray, predictions: Predictions) -> float:
        """The metric on these rows, NaN where it is not defined."""
        answers = np.asarray(y, dtype=float)
        return float(self.metric.compute(Scored(answers, predictions, self.value))[0])

    def threshold(self, y: np.ndarray, score: np.ndarray) -> tuple[float, float]:
        """``best_threshold`` for this metric."""
        return best_threshold(y, score, self.name, self.value)


def objective(name: str, value: Value | None) -> Objective:
    """The objective called ``name``.

    Raises ConfigError where there is no such metric, it cannot be computed from predictions, or it
    needs the value of the outcomes and there is none.
    """
    metric = metric_named(name)
    if metric.combine is None:
        choices = ", ".join(m.name for m in METRICS.values() if m.combine is not None)
        raise ConfigError(
            f"primary: {name!r} does not tell models apart – expected one of {choices}"
        )
    if "value" in metric.needs and value is None:
        raise ConfigError(
            f"primary: {name!r} needs the value of the outcomes – add value: to"
            " success_criteria.yaml"
        )
    return Objective(metric, value)


def metric_named(name: str) -> Metric:
    """The metric called ``name``; raises ConfigError with the nearest name where there is none."""
    if name in METRICS:
        return METRICS[name]
    near = difflib.get_close_matches(name, METRICS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(METRICS)}"
    raise ConfigError(f"there is no metric {name!r} – {hint}")


def best_threshold(
    y: np.ndarray, score: np.ndarray, metric_name: str, value: Value | None = None
) -> tuple[float, float]:
    """The threshold at which deciding ``score >= threshold`` is best, and the metric there.

    Every cut between two different scores is tried, and acting on nobody, in one pass over the
    sorted scores. Of equally good ones the highest is taken: it acts on the fewest. A metric that
    does not depend on decisions (as roc_auc) leaves the choice to the value of the outcomes, or to
    f1 where no value is given. Raises ValueError where no threshold has a value, as the recall of
    rows without a positive.
    """
    cells = metric_named(metric_name).cells
    if cells is None:
        cells = METRICS["value_per_1000" if value is not None else "f1"].cells
    if cells is None:
        raise ValueError(f"{metric_name} has no form by outcomes")
    thresholds, caught, wrong = _cuts(np.asarray(y, dtype=float), np.asarray(score, dtype=float))
    positives, negatives = caught[-1], wrong[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = cells(caught, wrong, positives - caught, negatives - wrong, value)
    if np.isnan(values).all():
        raise ValueError(
            f"{metric_name} is not defined at any threshold: {positives:g} of {len(y)} rows are"
            " positive"
        )
    best = int(np.nanargmax(values))
    return float(thresholds[best]), float(values[best])


def _cuts(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The thresholds from nobody to everybody, with the true and false positives at each."""
    if not np.isfinite(score).all():
        raise ValueError(f"{(~np.isfinite(score)).sum()} of {len(score)} scores are not numbers")
    order = np.argsort(-score, kind="stable")
    ordered, positive = score[order], y[order] == 1
    last = np.r_[np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1]
    caught = np.r_[0.0, np.cumsum(positive)[last]]
    wrong = np.r_[0.0, last + 1 - caught[1:]]
    levels = ordered[last]
    middle = (levels[:-1] + levels[1:]) / 2
    between = np.where(middle > levels[1:], middle, levels[:-1])
    nobody = np.nextafter(levels[0], np.inf)
    return np.r_[nobody, between, levels[-1]], caught, wrong
