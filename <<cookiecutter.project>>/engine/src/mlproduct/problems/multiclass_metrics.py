"""The metrics of multi-class classification, from counts per class or from the probabilities.

Metrics of one class (recall, precision, F1) are those of binary classification: this class against
all others.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..gate.criteria import ClassValue
from . import binary_metrics
from .metric import Deviations, Metric, absolute_sum, mean, named
from .weighted_sums import Scored, rows

__all__ = ["CLASS_METRICS", "METRICS"]

# Equally wide bins of the probability for the calibration error.
BINS = 10
DECISION, CHANCES = frozenset({"decision"}), frozenset({"probabilities"})
ABSTAINS = frozenset({"decision", "abstained"})


# --- the per-row terms ----------------------------------------------------------------------


def _one_hot(codes: np.ndarray, classes: int) -> np.ndarray:
    return codes[:, None] == np.arange(classes)


def _actual(s: Scored) -> np.ndarray:
    return _one_hot(s.codes[0], len(s.classes))


def _decided(s: Scored) -> np.ndarray:
    return _one_hot(s.codes[1], len(s.classes))


def _found(s: Scored) -> np.ndarray:
    return np.asarray(_actual(s) & _decided(s))


def _right(s: Scored) -> np.ndarray:
    actual, decided = s.codes
    return np.asarray(actual == decided)


def _log_loss(s: Scored) -> np.ndarray:
    # Probabilities of 0 are clipped: the logarithm of 0 is infinite.
    chance = s.probabilities[np.arange(len(s)), s.codes[0].astype(int)]
    return np.asarray(-np.log(np.clip(chance, np.finfo(float).eps, 1.0)))


def _bins(s: Scored) -> np.ndarray:
    # A probability of exactly 1 belongs to the last bin.
    bins = np.minimum((s.probabilities.max(axis=1) * BINS).astype(int), BINS - 1)
    return _one_hot(bins, BINS)


def _calibration(s: Scored) -> np.ndarray:
    return np.where(_bins(s), (s.probabilities.max(axis=1) - _right(s))[:, None], 0.0)


def _right_in_bins(s: Scored) -> tuple[np.ndarray, np.ndarray]:
    bins = _bins(s)
    return bins & _right(s)[:, None], bins


def _among(k: int) -> Callable[[Scored], np.ndarray]:
    def among(s: Scored) -> np.ndarray:
        chances, actual = s.probabilities, s.codes[0].astype(int)
        own = chances[np.arange(len(s)), actual]
        before = np.arange(chances.shape[1]) < actual[:, None]
        # Of equal probabilities, the class that is listed first counts as the higher one.
        higher = (chances > own[:, None]) | ((chances == own[:, None]) & before)
        return np.asarray(higher.sum(axis=1) < k)

    return among


def _answered(s: Scored) -> np.ndarray:
    return ~s.abstained


def _answered_right(s: Scored) -> np.ndarray:
    return np.asarray(_right(s) & ~s.abstained)


def _amount(s: Scored) -> np.ndarray:
    if not isinstance(s.value, ClassValue):
        raise ValueError(
            "the criteria do not state the value of the decisions – expected value: with currency,"
            " right and wrong – add it to success_criteria.yaml"
        )
    actual, decided = (codes.astype(int) for codes in s.codes)
    amounts = s.value.amounts(s.classes)[actual, decided]
    abstained = s.predictions.abstained
    return amounts if abstained is None else np.where(abstained, s.value.person, amounts)


# Rows per class that were found, that are of the class, and that were decided for it (B × K).
COUNTS = (_found, _actual, _decided)
OfCounts = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


# --- the formulas ---------------------------------------------------------------------------


def _balanced(found: np.ndarray, actual: np.ndarray, decided: np.ndarray) -> np.ndarray:
    return _mean_of_defined(found / actual)


def _macro_f1(found: np.ndarray, actual: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The mean of F1 over the classes that occur in the targets or in the decisions.

    The definition is that of scikit-learn's ``f1_score`` with ``average="macro"``.
    """
    return _mean_of_defined(2 * found / (actual + decided))


def _weighted_f1(found: np.ndarray, actual: np.ndarray, decided: np.ndarray) -> np.ndarray:
    f1 = np.where(actual > 0, 2 * found / (actual + decided), 0.0)
    return (f1 * actual).sum(axis=1) / actual.sum(axis=1)


def _matthews(found: np.ndarray, actual: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The correlation of targets and decisions; 0 if one of the two is constant.

    Source: J. Gorodkin (2004), Comparing two K-category assignments by a K-category correlation
    coefficient, Computational Biology and Chemistry 28, 367-374.
    """
    total = actual.sum(axis=1)
    together = found.sum(axis=1) * total - (actual * decided).sum(axis=1)
    spread = (total**2 - (actual**2).sum(axis=1)) * (total**2 - (decided**2).sum(axis=1))
    return np.where(spread > 0, together / np.sqrt(spread), 0.0)


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    defined = ~np.isnan(values)
    return np.where(defined, values, 0.0).sum(axis=1) / defined.sum(axis=1)


# --- the rows that a metric is based on -----------------------------------------------------


def _all(s: Scored) -> np.ndarray:
    return np.ones(len(s), dtype=bool)


def _rarest(s: Scored) -> int:
    """The rows of the rarest class that occurs."""
    counts = np.bincount(s.codes[0].astype(int))
    return int(counts[counts > 0].min()) if len(s) else 0


# --- the metrics ----------------------------------------------------------------------------


def _metric(name: str, says: str, **more: Any) -> Metric:
    given: dict[str, Any] = {
        "better": "higher",
        "needs": DECISION,
        "lowest": 0.0,
        "highest": 1.0,
        **more,
    }
    return Metric(name, says=says, **given)


def _by_counts(name: str, of_counts: OfCounts, says: str, **more: Any) -> Metric:
    """A metric that ``of_counts`` computes from the rows per class, see ``COUNTS``."""

    def influence(s: Scored) -> np.ndarray:
        terms = [s.term(counted) for counted in COUNTS]
        counts = np.array([each.sum(axis=0) for each in terms])
        slopes = _slopes(of_counts, counts) * len(s)
        return np.asarray(sum(each @ slope for each, slope in zip(terms, slopes, strict=True)))

    return _metric(
        name,
        says,
        combine=lambda w: of_counts(*(w.sum(counted) for counted in COUNTS)),
        terms=COUNTS,
        influence=influence,
        **more,
    )


def _slopes(of_counts: OfCounts, counts: np.ndarray) -> np.ndarray:
    """The change of the metric with each count (3 × K); 0 for a count of 0."""
    step = 1e-4
    moved = counts + step * np.eye(counts.size).reshape(-1, *counts.shape)
    back = counts - step * np.eye(counts.size).reshape(-1, *counts.shape)
    # A class that does not occur is undefined.
    with np.errstate(divide="ignore", invalid="ignore"):
        change = of_counts(*moved.transpose(1, 0, 2)) - of_counts(*back.transpose(1, 0, 2))
    return np.where(counts > 0, change.reshape(counts.shape) / (2 * step), 0.0)


def _top(k: int) -> Metric:
    among = _among(k)
    return _metric(
        f"top_{k}_accuracy",
        f"Share of rows whose class is among the {k} most probable ones.",
        needs=CHANCES,
        proportion=lambda s: (among(s), _all(s)),
        **mean(among),
    )


METRICS: Mapping[str, Metric] = named(
    (
        _metric(
            "accuracy",
            "Share of decisions that are correct.",
            proportion=lambda s: (_right(s), _all(s)),
            **mean(_right),
        ),
        _by_counts(
            "balanced_accuracy",
            _balanced,
            "Mean over the classes of the share of their rows that is found.",
            support=_rarest,
        ),
        _by_counts(
            "macro_f1",
            _macro_f1,
            "Mean over the classes of F1; each class counts the same, however rare it is.",
            support=_rarest,
        ),
        _by_counts(
            "weighted_f1", _weighted_f1, "Mean over the classes of F1, weighted by their rows."
        ),
        _by_counts(
            "matthews_correlation",
            _matthews,
            "Correlation of targets and decisions: 0 is always the same decision, 1 is perfect.",
            lowest=-1.0,
        ),
        _top(2),
        _top(3),
        _top(5),
        _metric(
            "log_loss",
            "Mean logarithmic error of the probabilities; confident wrong ones count most.",
            better="lower",
            needs=CHANCES,
            highest=np.inf,
            **mean(_log_loss),
        ),
        _metric(
            "expected_calibration_error",
            "Mean difference between the probability of decisions and their share of correct ones.",
            better="lower",
            needs=CHANCES,
            # Source: Guo, Pleiss, Sun and Weinberger (2017).
            **absolute_sum(Deviations(_calibration, _right_in_bins)),
        ),
        _metric(
            "abstained_share",
            "Share of rows that a person has to decide.",
            better="lower",
            needs=ABSTAINS,
            proportion=lambda s: (s.abstained, _all(s)),
            **mean(lambda s: s.abstained),
        ),
        _metric(
            "answered_accuracy",
            "Share of correct decisions among the rows that no person has to decide.",
            needs=ABSTAINS,
            terms=(_answered_right, _answered),
            combine=lambda w: w.sum(_answered_right) / w.sum(_answered),
            support=lambda s: int((~s.abstained).sum()),
            proportion=lambda s: (_answered_right(s), _answered(s)),
        ),
        _metric(
            "value_per_1000",
            "Value of the decisions per 1,000 rows, from the value of each decision.",
            needs=frozenset({"decision", "value"}),
            unit="currency",
            lowest=-np.inf,
            highest=np.inf,
            terms=(_amount, rows),
            combine=lambda w: 1000 * w.sum(_amount) / w.sum(rows),
            influence=lambda s: 1000 * _amount(s),
        ),
    )
)

CLASS_METRICS: Mapping[str, Metric] = {
    name: binary_metrics.METRICS[name] for name in ("recall", "precision", "f1")
}
