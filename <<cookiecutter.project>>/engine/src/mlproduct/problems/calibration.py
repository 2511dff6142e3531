"""Calibrated probabilities of binary classifiers.

A calibration curve is fitted on the out-of-fold scores of the search and becomes a part of the
model. The evaluation, the choice of the threshold and the predictions thus use the same scores.
"""

from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from ..estimators import calibrated_scores, log_odds

__all__ = ["calibration"]

# The relative decrease of the log loss from which on calibration is worth the additional component.
CLEARLY = 0.005

# Rows of the rarer class below which a curve of this kind overfits. For isotonic curves,
# scikit-learn's CalibratedClassifierCV names the same number of samples.
ENOUGH = {"sigmoid": 30, "isotonic": 1000}


def calibration(y: np.ndarray, score: np.ndarray, seed: int) -> tuple[str, Any]:
    """The calibration method (``none``, ``sigmoid``, ``isotonic``) and its curve, or None.

    ``score`` are out-of-fold probabilities. The method is chosen by cross-validation: each score is
    calibrated by a curve that was fitted on others.

    Source: A. Niculescu-Mizil, R. Caruana (2005), Predicting good probabilities with supervised
    learning, ICML.
    """
    rarer = min(y.sum(), len(y) - y.sum())
    methods = [method for method, enough in ENOUGH.items() if rarer >= enough]
    if not methods:
        return "none", None
    bar = _loss(y, score) * (1 - CLEARLY)
    losses = {method: _loss(y, _crossed(y, score, method, seed)) for method in methods}
    best = min(losses, key=lambda method: losses[method])
    return (best, _curve(best, y, score)) if losses[best] < bar else ("none", None)


def _curve(method: str, y: np.ndarray, score: np.ndarray) -> Any:
    """A fitted calibration curve.

    The sigmoid is a function of the log odds, so that the identity is one of its forms.
    """
    if method == "sigmoid":
        # A large C switches the regularization off in practice.
        return LogisticRegression(C=1e6).fit(log_odds(score), y)
    return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score, y)


def _crossed(y: np.ndarray, score: np.ndarray, method: str, seed: int) -> np.ndarray:
    calibrated = np.empty_like(score, dtype=float)
    for fitted, left in StratifiedKFold(3, shuffle=True, random_state=seed).split(score, y):
        calibrated[left] = calibrated_scores(_curve(method, y[fitted], score[fitted]), score[left])
    return calibrated


def _loss(y: np.ndarray, score: np.ndarray) -> float:
    # Isotonic curves return exactly 0 and 1, where one wrong row would dominate the loss.
    return float(log_loss(y, np.clip(score, 1e-6, 1 - 1e-6)))
