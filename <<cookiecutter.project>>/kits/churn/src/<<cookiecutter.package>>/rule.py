"""What the business does today without a model: the bar that every model has to clear."""

import numpy as np
import pandas as pd

__all__ = ["rule"]


def rule(features: pd.DataFrame) -> np.ndarray:
    """1 for customers called today: a monthly contract, and three calls to support or a month
    without a login.
    """
    monthly = features["contract"] == "monthly"
    unhappy = (features["support_calls"] >= 3) | (features["days_since_login"] > 30)
    return (monthly & unhappy).to_numpy(dtype=float)
