"""Regression: the target is a number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from ..errors import ConfigError
from .curves import Curves, of_numbers
from .metric import Metric
from .objective import Objective
from .prediction_intervals import conformal_half_width
from .predictions import Predictions, numbers
from .problem import Chance, Fitted, OutOfFold, Performance, Problem, Target
from .regression_metrics import METRICS
from .weighted_sums import Scored

__all__ = ["Regression"]

# A copy of the target in which this share of the rows is wrong blocks like an exact one.
WRONG_ROWS = 0.01


@dataclass(frozen=True)
class Regression(Problem):
    """The target is a number; a prediction is a number, with an interval if the model has one."""

    task: ClassVar[str] = "regression"
    metrics: ClassVar[Mapping[str, Metric]] = METRICS
    chance: ClassVar[Chance] = Chance("r2", 0.0, 1.0)
    importance: ClassVar[str] = "mae"
    slice_metric: ClassVar[str] = "mape"
    finds_sums: ClassVar[bool] = True

    def of(self, target: Target) -> Self:
        if target.is_text:
            raise ConfigError(
                f"schemas.py: {target.name} is a text – expected a number for Regression – change"
                " its type, or use another problem in product.py"
            )
        return super().of(target)

    def encode(self, values: Any) -> np.ndarray:
        """The numbers themselves."""
        return np.asarray(values, dtype=float)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The numbers themselves."""
        return codes

    def complaint(self, target: np.ndarray) -> None:
        """None: a model can be trained on any number."""

    def strata(self, target: np.ndarray) -> None:
        """None: folds are random."""

    def generated(self, score: np.ndarray, cells: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Cells between 10 % and 90 % of the range that the rules allow."""
        # In deviations, because the extremes of few rows differ from those of many. Without any
        # feature the deviation is 0.
        place = 0.5 + (score - score.mean()) / (6 * (score.std() or 1.0))
        return cells(0.1 + 0.8 * place.clip(0, 1))

    def predict(self, model: Any, features: pd.DataFrame) -> Predictions:
        """The predicted numbers, with the interval if the model has one."""
        decision = numbers(model.predict(features))
        if not hasattr(model, "predict_interval"):
            return Predictions(decision)
        low, high = model.predict_interval(features)
        return Predictions(decision, low=numbers(low), high=numbers(high))

    def constant(self, target: np.ndarray) -> Predictions:
        """Always the median, without a score."""
        return Predictions(np.array([np.median(target)]))

    def out_of_fold(self, model: Any, features: pd.DataFrame) -> np.ndarray:
        """The predictions, in the unit of the target."""
        return np.asarray(model.predict(features))

    def trial_score(self, left_out: OutOfFold, objective: Objective) -> float:
        return objective.score(left_out.y, Predictions(left_out.predicted))

    def fit(
        self,
        model: Any,
        features: pd.DataFrame,
        target: np.ndarray,
        left_out: OutOfFold,
        objective: Objective,
        seed: int,
    ) -> Fitted:
        """The model with conformal prediction intervals."""
        from ..estimators import PredictionIntervals

        reach, relative = conformal_half_width(left_out.y, left_out.predicted)
        return Fitted(PredictionIntervals(model, reach, relative).fit(features, target))

    def curves(self, scored: Scored) -> Curves:
        return of_numbers(scored.y, scored.decision)

    def performance(self) -> Performance:
        from evidently import DataDefinition
        from evidently import Regression as Roles
        from evidently.presets import RegressionPreset

        roles = Roles(target="outcome", prediction="decision")
        return Performance(DataDefinition(regression=[roles]), RegressionPreset(), self.encode)

    def leak_target(self, target: np.ndarray) -> np.ndarray:
        """The ranks of the target, so that a rescaled target is found as well."""
        return pd.Series(target).rank(pct=True).to_numpy()

    def leak_strength(self, target: np.ndarray, guess: np.ndarray) -> float:
        """The explained share of the variance."""
        from sklearn.metrics import r2_score

        return float(r2_score(target, guess))

    def usual_rows(self, target: np.ndarray, guess: np.ndarray) -> np.ndarray:
        """All rows except the few with the largest errors, which decide about the variance."""
        errors = np.abs(target - guess)
        kept = errors <= np.quantile(errors, 1 - WRONG_ROWS)
        # Of a target that is almost always the same, only the rare values can be explained.
        return kept if np.ptp(target[kept]) > 0 else np.ones(len(target), dtype=bool)

    def tree(self, values: np.ndarray, target: np.ndarray, leaves: int) -> Callable[..., Any]:
        from sklearn.tree import DecisionTreeRegressor

        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0)
        return tree.fit(values, target).predict
