"""Whether a probability of 30 % comes true in 30 of 100 cases, and mending it where it does not."""

from collections.abc import Callable

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

__all__ = ["calibrated"]

CLEARLY = 0.005
"""The share of the log loss that has to be gained; less is not worth another moving part."""

FEW = 1000
"""Positives below which isotonic regression follows the noise."""

Fit = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]


def calibrated(y: np.ndarray, score: np.ndarray, seed: int) -> tuple[str, np.ndarray]:
    """The method that mends the scores (``none``, ``sigmoid``, ``isotonic``), and the scores it gives.

    ``score`` are probabilities of rows that were not fitted on; each is calibrated by the others.
    Source: A. Niculescu-Mizil, R. Caruana (2005), Predicting good probabilities with supervised
    learning, ICML.
    """
    methods: dict[str, Fit] = {"sigmoid": _sigmoid}
    if min(y.sum(), len(y) - y.sum()) >= FEW:
        methods["isotonic"] = _isotonic
    best, mended, loss = "none", score, _loss(y, score)
    bar = loss * (1 - CLEARLY)
    for name, fit in methods.items():
        tried = _crossed(y, score, fit, seed)
        if (found := _loss(y, tried)) < min(bar, loss):
            best, mended, loss = name, tried, found
    return best, mended


def _crossed(y: np.ndarray, score: np.ndarray, fit: Fit, seed: int) -> np.ndarray:
    mended = np.empty_like(score, dtype=float)
    for fitted, left in StratifiedKFold(3, shuffle=True, random_state=seed).split(score, y):
        mended[left] = fit(score[fitted], y[fitted])(score[left])
    return mended


def _sigmoid(score: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    model = LogisticRegression(C=1e6).fit(_logit(score)[:, None], y)
    return lambda new: model.predict_proba(_logit(new)[:, None])[:, 1]


def _isotonic(score: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, y)
    return lambda new: model.predict(new)


def _logit(score: np.ndarray) -> np.ndarray:
    kept = np.clip(score, 1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))


def _loss(y: np.ndarray, score: np.ndarray) -> float:
    return float(log_loss(y, np.clip(score, 1e-6, 1 - 1e-6)))
