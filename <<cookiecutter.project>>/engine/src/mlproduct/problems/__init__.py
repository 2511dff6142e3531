"""The kinds of ML tasks, one policy each.

A product has one problem, named in its ``product.py``. Other modules call it and never ask for its
kind: what differs between tasks is in this folder.
"""

from .binary import BinaryClassification
from .binary_metrics import by_counts, value_of_outcomes
from .classification import Classification
from .metric import COMMON, Cells, Deviations, Metric, mean
from .multiclass import MulticlassClassification
from .objective import Objective
from .predictions import Predict, Predictions
from .problem import Chance, Fitted, OutOfFold, Performance, Problem, Target
from .regression import Regression
from .weighted_sums import Scored, Weighted

__all__ = [
    "COMMON",
    "BinaryClassification",
    "Cells",
    "Chance",
    "Classification",
    "Deviations",
    "Fitted",
    "Metric",
    "MulticlassClassification",
    "Objective",
    "OutOfFold",
    "Performance",
    "Predict",
    "Predictions",
    "Problem",
    "Regression",
    "Scored",
    "Target",
    "Weighted",
    "by_counts",
    "mean",
    "value_of_outcomes",
]
