"""What a metric is, and the metrics of every problem: speed, size, data.

    model         accuracy … value_per_1000, mae … interval_coverage    each problem has its own
    operational   latency_p50_ms … training_seconds                     measured in latency.py
    data          rows … leaking_features                               counted in measure.py

Weights have the meaning of scikit-learn's ``sample_weight``: weight 2 is two copies of a row.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..gate.criteria import AnyValue
from ..gate.document import MetricSummary
from .weighted_sums import Scored, Term, Weighted, rows

__all__ = ["COMMON", "Cells", "Deviations", "Metric", "absolute_sum", "mean", "named"]

# A metric as a function of true positives, false positives, false negatives, true negatives and
# the value of each outcome.
Cells = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, AnyValue | None], np.ndarray]

# How much numbers that are missing from a sample count in an interval: times the skewness of the
# mean, the weight of one more number like the largest (``evaluation/skewness.py``). Chosen with
# ``make bench-decisions``, for exponential, lognormal, gamma and t distributions.
TAIL, TAIL_OF_SQUARES, TAIL_OF_RATIO = 5.0, 10.0, 20.0


@dataclass(frozen=True)
class Deviations:
    """The k parts of a metric that is the sum of their absolute means, such as bins of the score.

    ``term`` is a number minus an outcome of 0 or 1 for each row, in the column of its part (n × k).
    ``outcomes`` returns two boolean masks (n × k): the rows of each part with outcome 1, and all.
    """

    term: Term
    outcomes: Callable[[Scored], tuple[np.ndarray, np.ndarray]]

    def means(self, weighted: Weighted) -> np.ndarray:
        """The sum of each part divided by all rows (B × k)."""
        return weighted.sum(self.term) / weighted.sum(rows)[:, None]

    def absolute_sum(self, weighted: Weighted) -> np.ndarray:
        """Σ√m², where m² is the mean product of the terms of two different rows, at least 0.

        The products are unbiased for the square of the mean, because they contain no square of a
        single row. Source: J. Bröcker (2012), Estimating reliability and resolution of
        probability forecasts through decomposition of the empirical score, Climate Dynamics 39.
        """
        total = weighted.sum(rows)[:, None]
        pairs = weighted.sum(self.term) ** 2 - weighted.squares(self.term)
        return np.sqrt(np.maximum(pairs, 0.0) / (total * np.maximum(total - 1, 1))).sum(axis=1)


@dataclass(frozen=True)
class Metric:
    """A metric; ``combine`` is None if it is not computed from the target and the predictions.

    ``support`` counts the rows that the metric is based on. If the metric is a proportion,
    ``proportion`` returns two boolean masks over the rows: the numerator and the denominator. If it
    is a sum of absolute means, ``deviations`` are its parts. If it is too high on few rows because
    each row adds to its own result, ``without_own`` is the metric without this.

    ``influence`` returns the change of the metric with the weight of each row, times the number of
    rows, up to a constant. It is stated for metrics that a few rows can dominate. Source: F. Hampel
    (1974), The influence curve and its role in robust estimation, Journal of the American
    Statistical Association 69. The metric to the power ``power`` is a mean. If it is a
    ratio whose denominator varies, ``denominator`` returns the part of each row. ``tail`` is the
    weight of numbers that are missing from the sample (``evaluation/skewness.py``).
    """

    name: str
    better: Literal["higher", "lower"]
    says: str
    unit: str = ""
    needs: frozenset[str] = frozenset()
    terms: tuple[Term, ...] = ()
    combine: Callable[[Weighted], np.ndarray] | None = None
    cells: Cells | None = None
    support: Callable[[Scored], int] = len
    proportion: Callable[[Scored], tuple[np.ndarray, np.ndarray]] | None = None
    deviations: Deviations | None = None
    without_own: Callable[[Weighted], np.ndarray] | None = None
    influence: Term | None = None
    power: int = 1
    tail: float = TAIL
    denominator: Term | None = None
    lowest: float = -np.inf
    highest: float = np.inf

    @property
    def summary(self) -> MetricSummary:
        """What the verdict document stores of the metric, for displays."""
        lowest = self.lowest if np.isfinite(self.lowest) else None
        return MetricSummary(better=self.better, unit=self.unit, lowest=lowest)

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

    def drawn(self, weighted: Weighted) -> np.ndarray:
        """What an interval is made of: a column or several for each row of weights (B × k).

        The metric and, if it has it, ``without_own``; or the means of its ``deviations``.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.deviations is not None:
                return self.deviations.means(weighted)
            several = [self.of(weighted)]
            if self.without_own is not None:
                several.append(self.without_own(weighted))
            return np.stack(several, axis=1)


def named(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """The metrics by name."""
    return {metric.name: metric for metric in metrics}


def mean(term: Term) -> dict[str, Any]:
    """Terms, formula and influence of a metric that is the mean of ``term`` over the rows."""
    return {
        "terms": (term, rows),
        "combine": lambda w: w.sum(term) / w.sum(rows),
        "influence": term,
    }


def absolute_sum(deviations: Deviations) -> dict[str, Any]:
    """Terms and formula of a metric that is the sum of the absolute means of ``deviations``."""
    return {
        "terms": (deviations.term, rows),
        "combine": deviations.absolute_sum,
        "deviations": deviations,
    }


def _measured(
    name: str, better: Literal["higher", "lower"], says: str, unit: str, highest: float = np.inf
) -> Metric:
    return Metric(name, better, says, unit, lowest=0.0, highest=highest)


COMMON: Mapping[str, Metric] = named(
    (
        Metric(
            "skill",
            "higher",
            "Improvement over always predicting the same: 0 is no better, 1 is perfect.",
            highest=1.0,
        ),
        _measured(
            "latency_p50_ms",
            "lower",
            "50 % of single-row predictions take less time than this.",
            "ms",
        ),
        _measured(
            "latency_p95_ms",
            "lower",
            "95 % of single-row predictions take less time than this.",
            "ms",
        ),
        _measured(
            "rows_per_second", "higher", "Rows predicted per second in a large batch.", "rows/s"
        ),
        _measured("model_megabytes", "lower", "Size of the model file.", "MB"),
        _measured("training_seconds", "lower", "Duration of the search and the fit.", "s"),
        _measured(
            "implausible_skill", "lower", "Skill above what is plausible; 0 if there is none.", ""
        ),
        _measured("rows", "higher", "Rows accepted for training and evaluation.", "rows"),
        _measured("rejected_share", "lower", "Share of rows that violate the schema.", "", 1.0),
        _measured("age_days", "lower", "Days since the newest row.", "days"),
        _measured(
            "leaking_features", "lower", "Features that almost reveal the target.", "features"
        ),
        _measured(
            "doubtful_features",
            "lower",
            "Features that are suspiciously strong, but do not quite reveal the target.",
            "features",
        ),
        _measured(
            "holdout_rows_trained_on", "lower", "Holdout rows that were used for training.", "rows"
        ),
    )
)
