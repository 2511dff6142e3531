"""The only candidate of the reference job, built as in baseline.py."""

from typing import Any

from mlproduct import Candidate, Columns, preprocess
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

__all__ = ["CANDIDATES"]


def _boosting(columns: Columns, seed: int) -> Any:
    model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=seed)
    return Pipeline([("columns", preprocess(columns, texts="ordinal")), ("model", model)])


CANDIDATES = (Candidate("boosting", "100 trees", _boosting),)
