"""Under which number a prediction is logged; its label is found by the same number.

A row with a time has the number of its key and time (``steps/fingerprint.py``). Without a time the same
subject has the same number every day, so the day of the prediction is mixed into it.
"""

from datetime import date

import numpy as np
import pandas as pd

__all__ = ["dated", "logged", "mix"]


def logged(identities: np.ndarray, as_of: pd.Series, day: date) -> np.ndarray:
    """The identities (uint64) under which rows predicted for ``day`` are logged."""
    timeless = as_of.isna().to_numpy(dtype=bool)
    return np.where(timeless, dated(identities, np.datetime64(day)), identities) if timeless.any() else identities


def dated(identities: np.ndarray, days: np.ndarray | np.datetime64) -> np.ndarray:
    """A uint64 per identity of a key and day of a prediction."""
    numbers = np.broadcast_to(days, identities.shape).astype("datetime64[D]").astype(np.int64).view(np.uint64)
    return mix(identities ^ mix(numbers + np.uint64(1)))


def mix(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64 (Steele, Lea and Flood 2014), for arrays of uint64."""
    values = (values ^ np.right_shift(values, np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ np.right_shift(values, np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ np.right_shift(values, np.uint64(31))
