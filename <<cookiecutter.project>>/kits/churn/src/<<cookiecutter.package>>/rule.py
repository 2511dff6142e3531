"""What the business does today without a model. Every model has to be better than this rule."""

import numpy as np
import pandas as pd

__all__ = ["rule"]


def rule(features: pd.DataFrame) -> np.ndarray:
    """1 for each customer whom the business would call today, else 0.

    These have a monthly contract, and at least three calls to support or more than 30 days without
    a login.
    """
    monthly = features["contract"] == "monthly"
    unhappy = (features["support_calls"] >= 3) | (features["days_since_login"] > 30)
    return (monthly & unhappy).to_numpy(dtype=float)
