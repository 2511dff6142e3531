"""Binary classification: the target has two values, one of which is the positive one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from ..errors import ConfigError
from .binary_metrics import METRICS
from .classification import Classification
from .curves import Curves, of_scores
from .metric import Metric
from .objective import Objective
from .predictions import Predict, Predictions, numbers
from .problem import Chance, Fitted, OutOfFold, Performance, Target
from .thresholds import best_threshold
from .weighted_sums import Scored

__all__ = ["BinaryClassification"]


@dataclass(frozen=True)
class BinaryClassification(Classification):
    """The target has two values; a prediction is a probability of the positive one and a decision.

    The code of the positive value is 1, that of the other one 0.
    """

    task: ClassVar[str] = "classification"
    metrics: ClassVar[Mapping[str, Metric]] = METRICS
    # 2 × area under the ROC curve − 1 (Somers' D): it does not depend on the value of the outcomes,
    # so that a model that is profitable only because of these values has no skill.
    chance: ClassVar[Chance] = Chance("roc_auc", 0.5, 2.0)
    importance: ClassVar[str] = "roc_auc"
    slice_metric: ClassVar[str] = "recall"
    finds_sums: ClassVar[bool] = False

    def of(self, target: Target) -> Self:
        """This problem with the target column; one of its two values has to be the positive one.

        0 and 1 need no name: 1 is the positive value.
        """
        listed = ", ".join(map(str, target.values))
        if len(target.values) != 2 and (target.values or target.is_text):
            raise ConfigError(
                f"schemas.py: {target.name} has the values {listed or 'of any text'} – expected"
                " exactly two for BinaryClassification – list two with isin, or use another problem"
                " in product.py"
            )
        if target.positive is None and set(target.values or (0, 1)) != {0, 1}:
            raise ConfigError(
                f"schemas.py: {target.name} has the values {listed} and names no positive one –"
                f' expected "positive" in its metadata – for example'
                f' metadata={{"role": "target", "positive": {target.values[-1]!r}}}'
            )
        if target.positive is not None and target.positive not in (target.values or (0, 1)):
            raise ConfigError(
                f"schemas.py: the positive value of {target.name} is {target.positive!r} –"
                f" expected one of {listed or '0, 1'} – correct its metadata"
            )
        return super().of(target)

    @property
    def classes(self) -> tuple[Any, ...]:
        """The negative and the positive value."""
        if self.target is None or not self.target.values:
            return 0, 1
        positive = 1 if self.target.positive is None else self.target.positive
        negative = next(value for value in self.target.values if value != positive)
        return negative, positive

    def response_schema(self) -> dict[str, Any]:
        found = super().response_schema()
        return {**found, "decision": {"type": "number"}} if self.classes == (0, 1) else found

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The value of each code; 0 and 1 are their own codes."""
        return codes if self.classes == (0, 1) else super().decode(codes)

    def by_rule(self, rule: Callable[[pd.DataFrame], Any]) -> Predict:
        """The decisions of the kit's rule of thumb: the values of the target, or a mask."""

        def decided(features: pd.DataFrame) -> Predictions:
            found = np.asarray(rule(features))
            return Predictions(numbers(found) if found.dtype.kind == "b" else self.encode(found))

        return decided

    def generated(self, score: np.ndarray, cells: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The positive value for the highest 30 % of the scores."""
        return self.decode((score > np.quantile(score, 0.7)).astype("int64"))

    def predict(self, model: Any, features: pd.DataFrame) -> Predictions:
        """The probability of 1 and the decision of a classifier of 0 and 1.

        If it has a fixed ``threshold``, its decisions are derived from the probabilities, so that
        these are computed only once.
        """
        score = numbers(model.predict_proba(features)[:, 1])
        threshold = getattr(model, "threshold", None)
        if _decides_by_probability(model) and isinstance(threshold, float | int):
            return Predictions((score >= threshold).astype(float), score)
        return Predictions(numbers(model.predict(features)), score)

    def constant(self, target: np.ndarray) -> Predictions:
        """Always 0, with the share of 1 as the score."""
        return Predictions(np.zeros(1), np.array([target.mean()]))

    def out_of_fold(self, model: Any, features: pd.DataFrame) -> np.ndarray:
        """The probabilities of 1."""
        return np.asarray(model.predict_proba(features)[:, 1])

    def trial_score(self, left_out: OutOfFold, objective: Objective) -> float:
        threshold, of_counts = self._threshold(left_out, objective)
        if objective.metric.cells is not None:
            return of_counts
        score = left_out.predicted
        return objective.score(left_out.y, Predictions((score >= threshold).astype(float), score))

    def fit(
        self,
        model: Any,
        features: pd.DataFrame,
        target: np.ndarray,
        left_out: OutOfFold,
        objective: Objective,
        seed: int,
    ) -> Fitted:
        """The model with calibrated probabilities and the best threshold for the objective."""
        from sklearn.frozen import FrozenEstimator
        from sklearn.model_selection import FixedThresholdClassifier

        from ..estimators import Calibrated, calibrated_scores
        from .calibration import calibration

        method, curve = calibration(left_out.y, left_out.predicted, seed)
        if curve is not None:
            model = Calibrated(model, curve)
            left_out = OutOfFold(left_out.y, calibrated_scores(curve, left_out.predicted))
        # After the calibration, because the threshold applies to calibrated scores.
        threshold = self._threshold(left_out, objective)[0]
        # Frozen, because fitting the classifier would otherwise fit the model again.
        frozen = FrozenEstimator(model.fit(features, target))
        decides = FixedThresholdClassifier(
            frozen, threshold=threshold, response_method="predict_proba", pos_label=1
        )
        return Fitted(decides.fit(features, target), float(threshold), method)

    def _threshold(self, left_out: OutOfFold, objective: Objective) -> tuple[float, float]:
        """The best threshold for the objective, and the metric of counts there.

        For a metric that does not depend on decisions (such as roc_auc), the threshold is chosen
        by the value of the outcomes, or by f1 if there is none.
        """
        instead = "f1" if objective.value is None else "value_per_1000"
        cells = objective.metric.cells or self.metrics[instead].cells
        if cells is None:
            raise ValueError(f"{objective.name} cannot be computed from counts of outcomes")
        return best_threshold(left_out.y, left_out.predicted, cells, objective.value)

    def curves(self, scored: Scored) -> Curves:
        return of_scores(scored.y, scored.score)

    def performance(self) -> Performance:
        from evidently import BinaryClassification, DataDefinition
        from evidently.presets import ClassificationPreset

        roles = BinaryClassification(target="outcome", prediction_labels="decision", pos_label=1)
        return Performance(DataDefinition(classification=[roles]), ClassificationPreset(), _as_int)

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


def _as_int(codes: pd.Series) -> pd.Series:
    return codes.astype(int)


def _decides_by_probability(model: Any) -> bool:
    from sklearn.model_selection import FixedThresholdClassifier

    if not isinstance(model, FixedThresholdClassifier):
        return False
    # With other settings, the model compares another score with its threshold, so it has to decide.
    ordered = list(model.classes_) == [0, 1] and model.pos_label in (None, 1)
    return bool(ordered and model.response_method in ("auto", "predict_proba"))
