"""The reference job's one candidate, built as in floor.py."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from .columns import Columns
from .steps.preprocess import preprocess
from .steps.search import Candidate

__all__ = ["CANDIDATES", "rule"]


def _boosting(columns: Columns, seed: int) -> Any:
    model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=seed)
    return Pipeline([("columns", preprocess(columns, texts="ordinal")), ("model", model)])


CANDIDATES = (Candidate("boosting", "100 trees", _boosting),)


def rule(features: pd.DataFrame) -> np.ndarray:
    return (features["n00"] > 1).to_numpy(dtype=float)
