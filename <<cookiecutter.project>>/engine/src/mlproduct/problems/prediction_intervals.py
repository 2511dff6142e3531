"""Conformal prediction intervals for regression, from out-of-fold predictions."""

import numpy as np

__all__ = ["conformal_half_width"]

# The share of new rows whose outcome a prediction interval should contain.
LEVEL = 0.9


def conformal_half_width(
    y: np.ndarray, predicted: np.ndarray, level: float = LEVEL
) -> tuple[float, bool]:
    """The half width of the intervals, and whether it is relative to the size of the prediction.

    It is in the unit of the target, or a factor of the absolute prediction if relative. The
    intervals contain the outcome of the share ``level`` of these rows. ``predicted`` are
    out-of-fold predictions. The kind with the narrower intervals on average is chosen. This is the
    relative one if errors grow with the prediction, as for prices.

    Source: J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman (2018), Distribution-free
    predictive inference for regression, Journal of the American Statistical Association 113,
    1094-1111.
    """
    error, size = np.abs(y - predicted), np.abs(predicted)
    # The relative error of a prediction of 0 is infinite, unless the error is 0 as well.
    with np.errstate(divide="ignore"):
        times = np.divide(error, size, out=np.zeros_like(error), where=error > 0)
    absolute, relative = _quantile(error, level), _quantile(times, level)
    grows = np.isfinite(relative) and relative * size.mean() < absolute
    return (relative, True) if grows else (absolute, False)


def _quantile(errors: np.ndarray, level: float) -> float:
    """The quantile of rank ceil((n + 1) * level), 0 without rows.

    The 1 is for the new row: it makes the level valid for new rows (Lei et al. 2018).
    """
    if len(errors) == 0:
        return 0.0
    place = min(int(np.ceil((len(errors) + 1) * level)) - 1, len(errors) - 1)
    return float(np.sort(errors)[place])
