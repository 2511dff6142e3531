"""The metrics of regression, from the error of each prediction."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .metric import TAIL_OF_RATIO, TAIL_OF_SQUARES, Metric, mean, named
from .weighted_sums import Scored, Weighted, rows

__all__ = ["METRICS"]


# --- the per-row terms ----------------------------------------------------------------------


def _error(s: Scored) -> np.ndarray:
    return np.abs(s.y - s.decision)


def _squared_error(s: Scored) -> np.ndarray:
    return np.asarray((s.y - s.decision) ** 2)


def _relative_error(s: Scored) -> np.ndarray:
    if not np.all(s.y):
        raise ValueError(
            "a target is 0 – the relative error is undefined for 0 – use another metric, such as"
            " mae"
        )
    return np.abs((s.y - s.decision) / s.y)


# The target is centred first: the difference of two large sums would lose precision.
def _centred(s: Scored) -> np.ndarray:
    return np.asarray(s.y - s.y.mean())


def _squared_target(s: Scored) -> np.ndarray:
    return np.asarray(_centred(s) ** 2)


def _covered(s: Scored) -> np.ndarray:
    low, high = s.interval
    return np.asarray((low <= s.y) & (s.y <= high))


# --- the formulas ---------------------------------------------------------------------------


def _r2(w: Weighted) -> np.ndarray:
    spread = w.sum(_squared_target) - w.sum(_centred) ** 2 / w.sum(rows)
    # With a constant target there is no variance to explain: R2 is undefined.
    return np.where(spread > 0, 1 - w.sum(_squared_error) / spread, np.nan)


def _influence_on_rmse(s: Scored) -> np.ndarray:
    squared = _squared_error(s)
    return np.asarray(squared / (2 * np.sqrt(squared.mean())))


def _influence_on_r2(s: Scored) -> np.ndarray:
    squared, spread = _squared_error(s), _squared_target(s)
    unexplained = squared.mean() / spread.mean()
    return np.asarray((unexplained * spread - squared) / spread.mean())


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


def _inside(s: Scored) -> tuple[np.ndarray, np.ndarray]:
    return _covered(s), np.ones(len(s), dtype=bool)


# --- the metrics ----------------------------------------------------------------------------


def _by_error(name: str, says: str, **rest: Any) -> Metric:
    given: dict[str, Any] = {
        "better": "lower",
        "needs": frozenset({"decision"}),
        "lowest": 0.0,
        **rest,
    }
    return Metric(name, says=says, **given)


METRICS: Mapping[str, Metric] = named(
    (
        _by_error(
            "mae",
            "Mean absolute error of the predictions.",
            **mean(_error),
            unit="target",
        ),
        _by_error(
            "rmse",
            "Root mean squared error of the predictions; large errors count more.",
            terms=(_squared_error, rows),
            combine=lambda w: np.sqrt(w.sum(_squared_error) / w.sum(rows)),
            influence=_influence_on_rmse,
            power=2,
            tail=TAIL_OF_SQUARES,
            unit="target",
        ),
        _by_error(
            "mape",
            "Mean absolute error as a share of the actual value.",
            **mean(_relative_error),
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
            terms=(_squared_error, _centred, _squared_target, rows),
            combine=_r2,
            influence=_influence_on_r2,
            denominator=_squared_target,
            tail=TAIL_OF_RATIO,
            lowest=-np.inf,
            highest=1.0,
        ),
        _by_error(
            "interval_coverage",
            "Share of actual values that are inside their prediction interval.",
            better="higher",
            needs=frozenset({"interval"}),
            **mean(_covered),
            proportion=_inside,
            highest=1.0,
        ),
    )
)
