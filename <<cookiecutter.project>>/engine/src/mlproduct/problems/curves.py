"""The data of the scorecard's plots: shares and averages over many rows, never single rows.

binary       precision_recall (recall, precision)
             roc (false positive rate, true positive rate)
             calibration (mean score, observed share) · scores (score, share of rows)
regression   error_by_prediction (predicted, mean absolute error)
             predicted_vs_actual (predicted, mean target) · residuals (error, share of rows)
multi-class  calibration (mean probability of the decision, share of correct ones)
             scores (probability of the decision, share of rows)
             abstention (share of rows that a person decides, accuracy of the others)
             calibration of <class> (mean probability of the class, its share)
"""

import numpy as np

from .binary_metrics import BINS
from .weighted_sums import Scored

__all__ = ["Curves", "of_classes", "of_numbers", "of_scores"]

# A plot is 360 pixels wide, so more points cannot be distinguished and would only be stored.
POINTS = 50
GROUPS = 20
# Rows per point of averages (if there are as many), so that no point shows a single row.
SMALLEST = 5

Points = tuple[tuple[float, float], ...]
Curves = dict[str, Points]


def of_scores(y: np.ndarray, score: np.ndarray) -> Curves:
    """The curves of n scores (probabilities of 1) for targets 0 and 1."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.r_[np.flatnonzero(ordered[1:] != ordered[:-1]), len(y) - 1]
    caught = np.cumsum(y[order] == 1)[last]
    wrong = last + 1 - caught
    # At least 1: with only one class a share would be 0 divided by 0.
    positives, negatives = max(int(caught[-1]), 1), max(int(wrong[-1]), 1)
    edges = np.linspace(0, 1, 2 * BINS + 1)
    shares = np.histogram(np.clip(score, 0, 1), edges)[0] / len(score)
    roc_x, roc_y = np.r_[0, wrong / negatives], np.r_[0, caught / positives]
    return {
        "precision_recall": _points(*_thinned(caught / positives, caught / (last + 1))),
        "roc": _points(*_thinned(roc_x, roc_y)),
        "calibration": _points(*_calibration(y, score)),
        "scores": _points((edges[1:] + edges[:-1]) / 2, shares),
    }


def of_classes(scored: Scored) -> Curves:
    """The curves of n decisions between K classes with their probabilities."""
    actual, decided = scored.codes
    right, chances = (actual == decided).astype(float), scored.probabilities
    score = chances.max(axis=1)
    edges = np.linspace(0, 1, 2 * BINS + 1)
    shares = np.histogram(np.clip(score, 0, 1), edges)[0] / len(score)
    # From the least sure row on, each more row is left to a person. Without the last ones, because
    # the accuracy of a few rows says nothing.
    order = np.argsort(score, kind="stable")
    left = np.arange(len(score) - SMALLEST) if len(score) > SMALLEST else np.zeros(1, dtype=int)
    rest = (right.sum() - np.r_[0, np.cumsum(right[order])[:-1]])[left] / (len(score) - left)
    return {
        "abstention": _points(*_thinned(left / len(score), rest)),
        "calibration": _points(*_calibration(right, score)),
        "scores": _points((edges[1:] + edges[:-1]) / 2, shares),
        **{
            f"calibration of {name}": _points(
                *_calibration((actual == code).astype(float), chances[:, code])
            )
            for code, name in enumerate(scored.classes)
        },
    }


def _calibration(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # A score of exactly 1 belongs to the last bin.
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    rows = np.bincount(bins, minlength=BINS)
    filled = rows > 0
    means = [
        np.bincount(bins, values, minlength=BINS)[filled] / rows[filled] for values in (score, y)
    ]
    return means[0], means[1]


def of_numbers(y: np.ndarray, predicted: np.ndarray) -> Curves:
    """The curves of n predicted numbers, in the unit of the target."""
    groups = np.array_split(
        np.argsort(predicted, kind="stable"), max(1, min(GROUPS, len(y) // SMALLEST))
    )
    middle = np.array([predicted[g].mean() for g in groups])
    error = predicted - y
    # The extreme 2 % of the errors count in the outer columns, so that these do not set the scale.
    ends = np.percentile(error, [1, 99])
    rows, edges = np.histogram(np.clip(error, *ends), bins=2 * GROUPS)
    return {
        "error_by_prediction": _points(middle, np.array([np.abs(error[g]).mean() for g in groups])),
        "predicted_vs_actual": _points(middle, np.array([y[g].mean() for g in groups])),
        "residuals": _points((edges[1:] + edges[:-1]) / 2, rows / len(y)),
    }


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points nearest to equal steps of x, including both ends."""
    chosen = np.searchsorted(x, np.linspace(x[0], x[-1], POINTS)).clip(0, len(x) - 1)
    chosen = np.unique(np.r_[0, chosen, len(x) - 1])
    return x[chosen], y[chosen]


def _points(x: np.ndarray, y: np.ndarray) -> Points:
    return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))
