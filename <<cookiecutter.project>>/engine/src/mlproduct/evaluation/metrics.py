"""The registry of metrics: description, direction and weighted formula of each metric.

    model         accuracy … value_per_1000, mae … interval_coverage    computed here from Scored
    operational   latency_p50_ms … training_seconds                     measured in latency.py
    data          rows … leaking_features                               counted in measure.py

Weights have the meaning of scikit-learn's ``sample_weight``: weight 2 is two copies of a row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..gate.criteria import Value
from ..problems import Problem
from .weighted_sums import Scored, Weighted

__all__ = ["METRICS", "Cells", "Metric", "metrics_of"]

# A metric as a function of true positives, false positives, false negatives, true negatives and
# the value of each outcome.
Cells = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Value | None], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """A metric; ``combine`` is None if it is not computed from the target and the predictions.

    ``support`` counts the rows that the metric is based on. If the metric is a proportion,
    ``proportion`` returns two boolean masks over the rows: the numerator and the denominator.
    """

    name: str
    task: Literal["classification", "regression", "any"]
    better: Literal["higher", "lower"]
    says: str
    unit: str = ""
    needs: frozenset[str] = frozenset()
    terms: tuple[str, ...] = ()
    combine: Callable[[Weighted], np.ndarray] | None = None
    cells: Cells | None = None
    support: Callable[[Scored], int] = len
    proportion: Callable[[Scored], tuple[np.ndarray, np.ndarray]] | None = None
    lowest: float = -np.inf
    highest: float = np.inf

    def compute(self, scored: Scored, weights: np.ndarray | None = None) -> np.ndarray:
        """The metric for each of the B rows of ``weights`` (B × n), NaN where it is undefined.

        Without ``weights`` every row counts once and B is 1. Raises ValueError if ``scored``
        lacks something that the metric needs.
        """
        weights = np.ones((1, len(scored))) if weights is None else weights
        return self.of(Weighted(scored, weights, self.terms))

    def of(self, weighted: Weighted) -> np.ndarray:
        """The metric for each row of weights, from sums that other metrics can use as well."""
        if self.combine is None:
            raise ValueError(f"{self.name} is not computed from the target and the predictions")
        # A division of 0 by 0 gives NaN: the metric is undefined for this resample.
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.combine(weighted)


def metrics_of(problem: Problem) -> tuple[Metric, ...]:
    """The metrics of ``problem`` that are computed from the target and the predictions."""
    return tuple(m for m in METRICS.values() if problem.has(m) and m.combine is not None)


# --- the formulas ---------------------------------------------------------------------------


def _accuracy(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: Value | None
) -> np.ndarray:
    return (tp + tn) / (tp + fp + fn + tn)


def _balanced(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: Value | None
) -> np.ndarray:
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


def _precision(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: Value | None
) -> np.ndarray:
    return tp / (tp + fp)


def _recall(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: Value | None
) -> np.ndarray:
    return tp / (tp + fn)


def _f1(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: Value | None
) -> np.ndarray:
    return 2 * tp / (2 * tp + fp + fn)


def _value(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: Value | None
) -> np.ndarray:
    if value is None:
        raise ValueError(
            "the criteria do not state the value of the outcomes – expected value: with currency"
            " and amounts – add it to success_criteria.yaml"
        )
    total = tp * value.true_positive + fp * value.false_positive
    total = total + fn * value.false_negative + tn * value.true_negative
    return 1000 * total / (tp + fp + fn + tn)


def _roc_auc(w: Weighted) -> np.ndarray:
    """The probability that a positive scores above a negative; a tie counts half.

    Source: Mann and Whitney (1947).
    """
    at = w.levels
    beaten = (at.below - at.positive_below) + (at.inside - at.positive) / 2
    pairs = at.all_positive * (at.all - at.all_positive)
    return np.einsum("bl,bl->b", at.positive, beaten) / pairs[:, 0]


def _average_precision(w: Weighted) -> np.ndarray:
    """Precision at each threshold, weighted by the increase in recall, without interpolation.

    The definition is that of scikit-learn's ``average_precision_score``.
    """
    at = w.levels
    caught, acted = at.all_positive - at.positive_below, at.all - at.below
    precision = np.divide(caught, acted, out=np.zeros_like(caught), where=acted > 0)
    return np.einsum("bl,bl->b", at.positive, precision) / at.all_positive[:, 0]


def _mean(term: str) -> Callable[[Weighted], np.ndarray]:
    return lambda w: w.sum(term) / w.sum("rows")


def _calibration_error(w: Weighted) -> np.ndarray:
    """Σ over 10 equally wide bins of |Σ (score − target)|, divided by the number of rows.

    Source: Naeini, Cooper and Hauskrecht (2015).
    """
    return np.abs(w.sum("calibration")).sum(axis=1) / w.sum("rows")


def _r2(w: Weighted) -> np.ndarray:
    spread = w.sum("squared_answer") - w.sum("answer") ** 2 / w.sum("rows")
    # With a constant target there is no variance to explain: R2 is undefined.
    return np.where(spread > 0, 1 - w.sum("squared_error") / spread, np.nan)


def _median_error(w: Weighted) -> np.ndarray:
    """The weighted median of the absolute error; the mean of the middle two if there are two."""
    order, errors = w.scored.by_error
    # In float32, sums of more than 2**24 rows would not be exact.
    reached = np.cumsum(np.take(w.weights, order, axis=1), axis=1, dtype=float)
    half = reached[:, -1:] / 2
    # Both are the same row, unless the weights up to a row are exactly half of the total.
    lower = np.argmax(reached >= half, axis=1)
    upper = np.argmax(reached > half, axis=1)
    return np.where(half[:, 0] > 0, (errors[lower] + errors[upper]) / 2, np.nan)


# --- the rows that a metric is based on -----------------------------------------------------


def _positives(s: Scored) -> int:
    return int((s.y == 1).sum())


def _rarer(s: Scored) -> int:
    return min(_positives(s), len(s) - _positives(s))


def _acted_on(s: Scored) -> int:
    return int((s.action == 1).sum())


def _right(s: Scored) -> tuple[np.ndarray, np.ndarray]:
    return s.action == s.y, np.ones(len(s), dtype=bool)


def _caught(s: Scored) -> tuple[np.ndarray, np.ndarray]:
    return (s.action == 1) & (s.y == 1), s.y == 1


def _hits(s: Scored) -> tuple[np.ndarray, np.ndarray]:
    return (s.action == 1) & (s.y == 1), s.action == 1


def _inside(s: Scored) -> tuple[np.ndarray, np.ndarray]:
    return s.term("covered")[:, 0] == 1, np.ones(len(s), dtype=bool)


# --- the registry ---------------------------------------------------------------------------


def _by_cells(name: str, cells: Cells, says: str, **rest: Any) -> Metric:
    def combine(w: Weighted) -> np.ndarray:
        return cells(w.sum("tp"), w.sum("fp"), w.sum("fn"), w.sum("tn"), w.scored.value)

    terms = ("tp", "fp", "fn", "tn")
    given: dict[str, Any] = {
        "needs": frozenset({"decision"}),
        "lowest": 0.0,
        "highest": 1.0,
        **rest,
    }
    return Metric(
        name, "classification", "higher", says, terms=terms, cells=cells, combine=combine, **given
    )


def _by_score(name: str, better: Literal["higher", "lower"], says: str, **rest: Any) -> Metric:
    given: dict[str, Any] = {"needs": frozenset({"score"}), "lowest": 0.0, "highest": 1.0, **rest}
    return Metric(name, "classification", better, says, **given)


def _by_error(name: str, says: str, **rest: Any) -> Metric:
    given: dict[str, Any] = {
        "better": "lower",
        "needs": frozenset({"decision"}),
        "lowest": 0.0,
        **rest,
    }
    return Metric(name, "regression", says=says, **given)


def _measured(name: str, better: Literal["higher", "lower"], says: str, unit: str) -> Metric:
    return Metric(name, "any", better, says, unit, lowest=0.0)


_ALL = (
    _by_cells("accuracy", _accuracy, "Share of decisions that are correct.", proportion=_right),
    _by_cells(
        "balanced_accuracy",
        _balanced,
        "Mean of the share of positives found and the share of negatives found.",
        support=_rarer,
    ),
    _by_cells(
        "precision",
        _precision,
        "Share of predicted positives that are actual positives.",
        support=_acted_on,
        proportion=_hits,
    ),
    _by_cells(
        "recall",
        _recall,
        "Share of actual positives that the model finds.",
        support=_positives,
        proportion=_caught,
    ),
    _by_cells(
        "f1",
        _f1,
        "Harmonic mean of precision and recall; it is low if either is low.",
        support=_positives,
    ),
    _by_cells(
        "value_per_1000",
        _value,
        "Value of the decisions per 1,000 rows, from the value of each outcome.",
        needs=frozenset({"decision", "value"}),
        unit="currency",
        lowest=-np.inf,
        highest=np.inf,
    ),
    _by_score(
        "roc_auc",
        "higher",
        "Probability that a random positive has a higher score than a random negative.",
        combine=_roc_auc,
        support=_rarer,
    ),
    _by_score(
        "average_precision",
        "higher",
        "Precision averaged over all levels of recall.",
        combine=_average_precision,
        support=_positives,
    ),
    _by_score(
        "log_loss",
        "lower",
        "Mean logarithmic error of the probabilities; confident wrong ones count most.",
        terms=("log_loss", "rows"),
        combine=_mean("log_loss"),
        highest=np.inf,
    ),
    _by_score(
        "brier",
        "lower",
        "Mean squared difference between the probability and the outcome (0 or 1).",
        terms=("squared_score_error", "rows"),
        combine=_mean("squared_score_error"),
    ),
    _by_score(
        "expected_calibration_error",
        "lower",
        "Mean difference between predicted probabilities and observed shares.",
        terms=("calibration", "rows"),
        combine=_calibration_error,
    ),
    _by_error(
        "mae",
        "Mean absolute error of the predictions.",
        terms=("error", "rows"),
        combine=_mean("error"),
        unit="target",
    ),
    _by_error(
        "rmse",
        "Root mean squared error of the predictions; large errors count more.",
        terms=("squared_error", "rows"),
        combine=lambda w: np.sqrt(w.sum("squared_error") / w.sum("rows")),
        unit="target",
    ),
    _by_error(
        "mape",
        "Mean absolute error as a share of the actual value.",
        terms=("relative_error", "rows"),
        combine=_mean("relative_error"),
    ),
    _by_error(
        "median_error",
        "Median absolute error: half of the predictions have a smaller error.",
        combine=_median_error,
        unit="target",
    ),
    _by_error(
        "r2",
        "Share of the target's variance that is explained; 0 is no better than the mean.",
        better="higher",
        terms=("squared_error", "answer", "squared_answer", "rows"),
        combine=_r2,
        lowest=-np.inf,
        highest=1.0,
    ),
    _by_error(
        "interval_coverage",
        "Share of actual values that are inside their prediction interval.",
        better="higher",
        needs=frozenset({"interval"}),
        terms=("covered", "rows"),
        combine=_mean("covered"),
        proportion=_inside,
        highest=1.0,
    ),
    Metric(
        "skill",
        "any",
        "higher",
        "Improvement over always predicting the same: 0 is no better, 1 is perfect.",
        highest=1.0,
    ),
    _measured(
        "latency_p50_ms", "lower", "50 % of single-row predictions take less time than this.", "ms"
    ),
    _measured(
        "latency_p95_ms", "lower", "95 % of single-row predictions take less time than this.", "ms"
    ),
    _measured("rows_per_second", "higher", "Rows predicted per second in a large batch.", "rows/s"),
    _measured("model_megabytes", "lower", "Size of the model file.", "MB"),
    _measured("training_seconds", "lower", "Duration of the search and the fit.", "s"),
    _measured("rows", "higher", "Rows accepted for training and evaluation.", "rows"),
    _measured("rejected_share", "lower", "Share of rows that violate the schema.", ""),
    _measured("age_days", "lower", "Days since the newest row.", "days"),
    _measured(
        "leaking_features", "lower", "Features that alone almost reveal the target.", "features"
    ),
    _measured(
        "holdout_rows_trained_on", "lower", "Holdout rows that were used for training.", "rows"
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
