"""Regression: the target is a number."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .problem import Chance, Performance, Problem

__all__ = ["Regression"]


@dataclass(frozen=True)
class Regression(Problem):
    """The target is a number; a prediction is a number, with an interval if the model has one."""

    task: ClassVar[str] = "regression"
    chance: ClassVar[Chance] = Chance("r2", 0.0, 1.0)
    importance: ClassVar[str] = "mae"
    slice_metric: ClassVar[str] = "mape"
    has_threshold: ClassVar[bool] = False
    finds_pairs: ClassVar[bool] = True

    def complaint(self, name: str, target: np.ndarray) -> None:
        """None: a model can be trained on any number."""

    def strata(self, target: np.ndarray) -> None:
        """None: folds are random."""

    def out_of_fold(self, model: Any, features: pd.DataFrame) -> np.ndarray:
        """The predictions, in the unit of the target."""
        return np.asarray(model.predict(features))

    def constant(self, target: np.ndarray) -> tuple[float, None]:
        """Always the median, without a score."""
        return float(np.median(target)), None

    def leak_target(self, target: np.ndarray) -> np.ndarray:
        """The ranks of the target, so that a rescaled target is found as well."""
        return pd.Series(target).rank(pct=True).to_numpy()

    def leak_strength(self, target: np.ndarray, guess: np.ndarray) -> float:
        """The explained share of the variance."""
        from sklearn.metrics import r2_score

        return float(r2_score(target, guess))

    def tree(self, values: np.ndarray, target: np.ndarray, leaves: int) -> Callable[..., Any]:
        from sklearn.tree import DecisionTreeRegressor

        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0)
        return tree.fit(values, target).predict

    def performance(self) -> Performance:
        from evidently import DataDefinition
        from evidently import Regression as Roles
        from evidently.presets import RegressionPreset

        roles = Roles(target="outcome", prediction="decision")
        return Performance(DataDefinition(regression=[roles]), RegressionPreset(), float)

    def generated(self, score: np.ndarray, cells: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Cells between 10 % and 90 % of the range that the rules allow."""
        # Without any feature all scores are equal, and the range is 0.
        place = (score - score.min()) / (score.max() - score.min() or 1.0)
        return cells(0.1 + 0.8 * place)
