"""The metrics of binary classification, from the four counts of outcomes or from the scores."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ..gate.criteria import AnyValue, Value
from .metric import Cells, Deviations, Metric, absolute_sum, mean, named
from .weighted_sums import Scored, Term, Weighted

__all__ = ["BINS", "METRICS", "by_counts", "value_of_outcomes"]

# Equally wide bins of the score for the calibration error.
BINS = 10


# --- the per-row terms ----------------------------------------------------------------------


def _counted(decided: int, actual: int) -> Term:
    return lambda s: (s.action == decided) & (s.y == actual)


OUTCOMES = (_counted(1, 1), _counted(1, 0), _counted(0, 1), _counted(0, 0))


def _log_loss(s: Scored) -> np.ndarray:
    # Probabilities of 0 and 1 are clipped: the logarithm of 0 is infinite.
    smallest = np.finfo(float).eps
    chance = np.clip(np.where(s.y == 1, s.score, 1 - s.score), smallest, 1 - smallest)
    return np.asarray(-np.log(chance))


def _squared_error(s: Scored) -> np.ndarray:
    return np.asarray((s.score - s.y) ** 2)


def _bins(s: Scored) -> np.ndarray:
    # A score of exactly 1 belongs to the last bin.
    bins = np.minimum((s.score * BINS).astype(int), BINS - 1)
    return np.asarray(bins[:, None] == np.arange(BINS))


def _calibration(s: Scored) -> np.ndarray:
    return np.where(_bins(s), (s.score - s.y)[:, None], 0.0)


def _positives_in_bins(s: Scored) -> tuple[np.ndarray, np.ndarray]:
    bins = _bins(s)
    return bins & (s.y == 1)[:, None], bins


# --- the formulas ---------------------------------------------------------------------------


def _accuracy(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: AnyValue | None
) -> np.ndarray:
    return (tp + tn) / (tp + fp + fn + tn)


def _balanced(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: AnyValue | None
) -> np.ndarray:
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


def _precision(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: AnyValue | None
) -> np.ndarray:
    return tp / (tp + fp)


def _recall(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: AnyValue | None
) -> np.ndarray:
    return tp / (tp + fn)


def _f1(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: AnyValue | None
) -> np.ndarray:
    return 2 * tp / (2 * tp + fp + fn)


def value_of_outcomes(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray, value: AnyValue | None
) -> np.ndarray:
    """The value per 1,000 rows of true positives, false positives, false negatives and true
    negatives.

    Raises ValueError if the criteria do not state the value of these four outcomes.
    """
    if not isinstance(value, Value):
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


def _influence_on_roc_auc(s: Scored) -> np.ndarray:
    """The share of the other class on whose right side each row is, divided by that of its class.

    Source: E. DeLong, D. DeLong and D. Clarke-Pearson (1988), Comparing the areas under two or more
    correlated receiver operating characteristic curves, Biometrics 44, 837-845.
    """
    positive = s.y == 1
    found = np.zeros(len(s))
    for own, sign in ((positive, 1), (~positive, -1)):
        others = np.sort(sign * s.score[~own])
        sides = [np.searchsorted(others, sign * s.score[own], side) for side in ("left", "right")]
        shares = np.mean(sides, axis=0) / len(others)
        found[own] = (shares - shares.mean()) / own.mean()
    return found


def _average_precision(w: Weighted) -> np.ndarray:
    """Precision at each threshold, weighted by the increase in recall, without interpolation.

    The definition is that of scikit-learn's ``average_precision_score``.
    """
    at = w.levels
    caught, acted = at.all_positive - at.positive_below, at.all - at.below
    precision = np.divide(caught, acted, out=np.zeros_like(caught), where=acted > 0)
    return np.einsum("bl,bl->b", at.positive, precision) / at.all_positive[:, 0]


def _precision_of_others(w: Weighted) -> np.ndarray:
    """Average precision in which no positive is among the rows at its own score.

    The precision at the score of a positive is at least 1 / its rank because of the positive
    itself. The precision of the other rows is free of this, and of copies in a resample.
    """
    at = w.levels
    caught, acted = at.all_positive - at.positive_below, at.all - at.below
    caught -= at.own
    acted -= at.own
    # At the highest score there may be no other row: the precision is undefined.
    counted = at.all_positive[:, 0] - np.where(acted > 0, 0, at.positive).sum(axis=1)
    caught /= np.maximum(acted, 1, out=acted)
    return np.einsum("bl,bl->b", at.positive, caught) / counted


def _influence_on_average_precision(s: Scored) -> np.ndarray:
    """The precision at the score of each positive, and the change at all scores up to this one."""
    order = np.argsort(-s.score, kind="stable")
    score, positive = s.score[order], s.y[order]
    # Rows of equal score form one level.
    level = np.cumsum(np.r_[0, score[1:] != score[:-1]])
    acted = np.cumsum(np.bincount(level))
    in_level = np.bincount(level, positive)
    precision = np.cumsum(in_level) / acted

    def from_here(changes: np.ndarray) -> np.ndarray:
        return np.asarray(np.cumsum(changes[::-1])[::-1][level])

    gained = precision[level] + from_here(in_level / acted)
    lost = from_here(in_level * precision / acted)
    average = (in_level * precision).sum() / positive.sum()
    found = np.empty(len(s))
    found[order] = (positive * (gained - average) - lost) / positive.mean()
    return found


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


# --- the metrics ----------------------------------------------------------------------------

IN_CURRENCY: Mapping[str, Any] = {
    "needs": frozenset({"decision", "value"}),
    "unit": "currency",
    "lowest": -np.inf,
    "highest": np.inf,
    # Few rows of one class mostly decide about the value: without them, it seems certain.
    "support": _rarer,
}


def _slopes(cells: Cells, counts: list[float], value: AnyValue | None) -> np.ndarray:
    """The change of ``cells`` with each count; 0 for an outcome that never occurred."""
    step = 1e-4
    tp, fp, fn, tn = np.array(counts)[:, None, None] + step * np.eye(4)[:, :, None] * [-1, 1]
    # A metric without any row in its denominator is undefined.
    with np.errstate(divide="ignore", invalid="ignore"):
        down, up = cells(tp, fp, fn, tn, value).T
    return np.where(np.array(counts) > 0, (up - down) / (2 * step), 0.0)


def by_counts(
    name: str, cells: Cells, says: str, *, in_currency: bool = False, **rest: Any
) -> Metric:
    """A metric that ``cells`` computes from the four counts of outcomes and their value.

    It is better when higher and between 0 and 1. A metric ``in_currency`` has no bounds, and needs
    the value of the outcomes. ``rest`` are other fields of ``Metric``. The search can choose the
    decision threshold that is best for such a metric.
    """

    def combine(w: Weighted) -> np.ndarray:
        tp, fp, fn, tn = (w.sum(counted) for counted in OUTCOMES)
        return cells(tp, fp, fn, tn, w.scored.value)

    def influence(s: Scored) -> np.ndarray:
        counts = [s.term(counted).sum() for counted in OUTCOMES]
        effects = _slopes(cells, counts, s.value) * len(s)
        return np.asarray(sum(s.term(c)[:, 0] * e for c, e in zip(OUTCOMES, effects, strict=True)))

    given: dict[str, Any] = {
        "needs": frozenset({"decision"}),
        "lowest": 0.0,
        "highest": 1.0,
        "influence": influence,
        **(IN_CURRENCY if in_currency else {}),
        **rest,
    }
    return Metric(name, "higher", says, terms=OUTCOMES, cells=cells, combine=combine, **given)


def _by_score(name: str, better: Literal["higher", "lower"], says: str, **rest: Any) -> Metric:
    given: dict[str, Any] = {"needs": frozenset({"score"}), "lowest": 0.0, "highest": 1.0, **rest}
    return Metric(name, better, says, **given)


METRICS: Mapping[str, Metric] = named(
    (
        by_counts("accuracy", _accuracy, "Share of decisions that are correct.", proportion=_right),
        by_counts(
            "balanced_accuracy",
            _balanced,
            "Mean of the share of positives found and the share of negatives found.",
            support=_rarer,
        ),
        by_counts(
            "precision",
            _precision,
            "Share of predicted positives that are actual positives.",
            support=_acted_on,
            proportion=_hits,
        ),
        by_counts(
            "recall",
            _recall,
            "Share of actual positives that the model finds.",
            support=_positives,
            proportion=_caught,
        ),
        by_counts(
            "f1",
            _f1,
            "Harmonic mean of precision and recall; it is low if either is low.",
            support=_positives,
        ),
        by_counts(
            "value_per_1000",
            value_of_outcomes,
            "Value of the decisions per 1,000 rows, from the value of each outcome.",
            in_currency=True,
        ),
        _by_score(
            "roc_auc",
            "higher",
            "Probability that a random positive has a higher score than a random negative.",
            combine=_roc_auc,
            influence=_influence_on_roc_auc,
            support=_rarer,
        ),
        _by_score(
            "average_precision",
            "higher",
            "Precision averaged over all levels of recall.",
            combine=_average_precision,
            influence=_influence_on_average_precision,
            without_own=_precision_of_others,
            support=_positives,
        ),
        _by_score(
            "log_loss",
            "lower",
            "Mean logarithmic error of the probabilities; confident wrong ones count most.",
            **mean(_log_loss),
            highest=np.inf,
        ),
        _by_score(
            "brier",
            "lower",
            "Mean squared difference between the probability and the outcome (0 or 1).",
            **mean(_squared_error),
        ),
        _by_score(
            "expected_calibration_error",
            "lower",
            "Mean difference between predicted probabilities and observed shares, without chance.",
            # Source of the ten bins: Naeini, Cooper and Hauskrecht (2015).
            **absolute_sum(Deviations(_calibration, _positives_in_bins)),
        ),
    )
)
