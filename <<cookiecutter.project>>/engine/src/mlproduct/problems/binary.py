"""Binary classification: the target is 0 or 1."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .problem import Chance, Performance, Problem

__all__ = ["BinaryClassification"]


@dataclass(frozen=True)
class BinaryClassification(Problem):
    """The target is 0 or 1; a prediction is a probability of 1 and a decision."""

    task: ClassVar[str] = "classification"
    # 2 × area under the ROC curve − 1 (Somers' D): it does not depend on the value of the outcomes,
    # so that a model that is profitable only because of these values has no skill.
    chance: ClassVar[Chance] = Chance("roc_auc", 0.5, 2.0)
    importance: ClassVar[str] = "roc_auc"
    slice_metric: ClassVar[str] = "recall"
    has_threshold: ClassVar[bool] = True
    finds_pairs: ClassVar[bool] = False

    def complaint(self, name: str, target: np.ndarray) -> str | None:
        if len(np.unique(target)) >= 2:
            return None
        return (
            f"{name} is {target[0]:g} in all {len(target):,} training rows – expected both 0 and 1"
            " – get rows with the other value, or change split in config/pipeline.yaml"
        )

    def strata(self, target: np.ndarray) -> np.ndarray:
        return target

    def out_of_fold(self, model: Any, features: pd.DataFrame) -> np.ndarray:
        """The probabilities of 1."""
        return np.asarray(model.predict_proba(features)[:, 1])

    def constant(self, target: np.ndarray) -> tuple[float, float]:
        """Always 0, with the share of 1 as the score."""
        return 0.0, float(target.mean())

    def leak_target(self, target: np.ndarray) -> np.ndarray:
        return target

    def leak_strength(self, target: np.ndarray, guess: np.ndarray) -> float:
        """The area under the ROC curve."""
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(target > target.min(), guess))

    def tree(self, values: np.ndarray, target: np.ndarray, leaves: int) -> Callable[..., Any]:
        from sklearn.tree import DecisionTreeClassifier

        tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0)
        fitted = tree.fit(values, target)
        return lambda others: fitted.predict_proba(others)[:, -1]

    def performance(self) -> Performance:
        from evidently import BinaryClassification, DataDefinition
        from evidently.presets import ClassificationPreset

        roles = BinaryClassification(target="outcome", prediction_labels="decision", pos_label=1)
        return Performance(DataDefinition(classification=[roles]), ClassificationPreset(), int)

    def generated(self, score: np.ndarray, cells: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """1 for the highest 30 % of the scores."""
        return (score > np.quantile(score, 0.7)).astype("int64")
