"""Multi-class classification: the target is one of several classes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from ..errors import ConfigError
from ..gate.criteria import AnyValue, ClassValue
from .classification import Classification
from .curves import Curves, of_classes
from .metric import Metric
from .multiclass_metrics import CLASS_METRICS, METRICS
from .objective import Objective
from .predictions import Predictions
from .problem import Chance, Fitted, OutOfFold, Performance, Target
from .weighted_sums import Scored

__all__ = ["MulticlassClassification"]


@dataclass(frozen=True)
class MulticlassClassification(Classification):
    """The target is one of K classes; a prediction is a probability of each and a decision.

    A person decides the rows with a low probability. ``most_abstained`` is the largest share of
    rows for which this may happen; the search chooses the probability.
    """

    most_abstained: float = 0.0

    task: ClassVar[str] = "multiclass"
    metrics: ClassVar[Mapping[str, Metric]] = METRICS
    class_metrics: ClassVar[Mapping[str, Metric]] = CLASS_METRICS
    # It is 0 for any constant decision and does not depend on the value of the decisions.
    chance: ClassVar[Chance] = Chance("matthews_correlation", 0.0, 1.0)
    importance: ClassVar[str] = "log_loss"
    slice_metric: ClassVar[str] = "accuracy"
    adopts_classes: ClassVar[bool] = True
    finds_sums: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.most_abstained < 1:
            raise ConfigError(
                f"product.py: most_abstained is {self.most_abstained!r} – expected a share from 0"
                " up to, and without, 1"
            )

    def of(self, target: Target) -> Self:
        if len(target.values) < 3:
            listed = ", ".join(map(str, target.values)) or "no list of values"
            raise ConfigError(
                f"schemas.py: {target.name} has {listed} – expected at least three classes for"
                " MulticlassClassification – list them with isin; for two, use"
                " BinaryClassification"
            )
        names = [str(value) for value in target.values]
        if len(set(names)) < len(names):
            raise ConfigError(
                f"schemas.py: {target.name} lists a class twice: {', '.join(names)} – expected"
                " each once – correct isin"
            )
        return super().of(target)

    @property
    def classes(self) -> tuple[Any, ...]:
        """The values of the target in the order of the schema."""
        return self.target.values if self.target else ()

    def recoded(self, codes: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
        """The codes by the names of their classes; -1 for one that the schema no longer lists."""
        return self._places(classes)[np.asarray(codes, dtype=int)].astype(float)

    def _places(self, classes: tuple[str, ...]) -> np.ndarray:
        known = {name: code for code, name in enumerate(self.class_names)}
        return np.array([known.get(name, -1) for name in classes or self.class_names])

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(map(str, self.classes))

    def of_version(self, classes: tuple[str, ...]) -> Self:
        if self.target is None or not classes or classes == self.class_names:
            return self
        # A class that the schema no longer lists is known by its name only.
        values = dict(zip(self.class_names, self.classes, strict=True))
        found = tuple(values.get(name, name) for name in classes)
        return replace(self, target=replace(self.target, values=found))

    def generated(self, score: np.ndarray, cells: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A class per equal part of the scores."""
        edges = np.quantile(score, np.linspace(0, 1, len(self.classes) + 1)[1:-1])
        return self.decode(np.searchsorted(edges, score))

    def predict(self, model: Any, features: pd.DataFrame) -> Predictions:
        """The probabilities, the decisions, and which rows a person decides.

        A model that was trained with other classes keeps its probabilities by the name of the
        class; a class that it does not know has the probability 0.
        """
        found = np.asarray(model.predict_proba(features), dtype=float)
        labels = getattr(model, "labels", None)
        own = self.decode(np.asarray(model.classes_)).tolist() if labels is None else list(labels)
        if own != list(self.classes):
            found = pd.DataFrame(found, columns=pd.Index(own, dtype=object))
            found = found.reindex(columns=list(self.classes), fill_value=0.0).to_numpy()
        return self._decided(found, float(getattr(model, "threshold", 0.0)))

    def _decided(self, probabilities: np.ndarray, threshold: float) -> Predictions:
        score = probabilities.max(axis=1)
        return Predictions(
            probabilities.argmax(axis=1).astype(float),
            score,
            probabilities=probabilities,
            abstained=score < threshold,
        )

    def from_log(
        self, rows: pd.DataFrame, classes: tuple[str, ...], threshold: float | None
    ) -> Predictions:
        logged = Predictions.from_log(rows)
        if len(logged) == 0 or logged.probabilities is None or logged.score is None:
            return logged
        places = self._places(classes)
        found = np.zeros((len(logged), len(self.classes)))
        found[:, places[places >= 0]] = logged.probabilities[:, places >= 0]
        return replace(
            logged,
            decision=self.recoded(logged.decision, classes),
            probabilities=found,
            abstained=logged.score < (threshold or 0.0),
        )

    def response(self, predictions: Predictions) -> dict[str, list[Any]]:
        """The class, or None and ``needs_person``; the probability of each class by name."""
        abstained = predictions.abstained
        person = np.zeros(len(predictions), bool) if abstained is None else abstained
        names = self.decode(predictions.decision).tolist()
        found: dict[str, list[Any]] = {
            "decision": [
                None if ask else name for name, ask in zip(names, person.tolist(), strict=True)
            ],
            "needs_person": person.tolist(),
        }
        if predictions.score is not None:
            found["score"] = predictions.score.tolist()
        if predictions.probabilities is not None:
            found["probabilities"] = [
                dict(zip(self.class_names, row, strict=True))
                for row in predictions.probabilities.tolist()
            ]
        return found

    def response_schema(self) -> dict[str, Any]:
        chance = {"type": "number", "minimum": 0, "maximum": 1}
        named = {"type": "object", "properties": dict.fromkeys(self.class_names, chance)}
        return {
            "decision": {"enum": [*self.classes, None]},
            "needs_person": {"type": "boolean"},
            "score": chance,
            "probabilities": named,
        }

    def constant(self, target: np.ndarray) -> Predictions:
        """Always the most frequent class, with the shares of the classes as probabilities."""
        shares = np.bincount(target.astype(int), minlength=len(self.classes)) / len(target)
        return self._decided(shares[None, :], 0.0)

    def out_of_fold(self, model: Any, features: pd.DataFrame) -> np.ndarray:
        """The probability of each class; 0 for one that the rows of the fold do not contain."""
        return np.asarray(self.predict(model, features).probabilities)

    def trial_score(self, left_out: OutOfFold, objective: Objective) -> float:
        """The metric with the most probable class as the decision of every row."""
        return objective.score(left_out.y, self._decided(left_out.predicted, 0.0))

    def fit(
        self,
        model: Any,
        features: pd.DataFrame,
        target: np.ndarray,
        left_out: OutOfFold,
        objective: Objective,
        seed: int,
    ) -> Fitted:
        """The model with calibrated probabilities and the best threshold for a person's decision.

        The metric is computed on the rows that the model decides. The value of the decisions is
        computed on all rows, because a row that a person decides has a value as well.
        """
        from ..estimators import SelectiveClassifier, tempered
        from .abstention import best_abstention, temperature

        heat = temperature(left_out.y, left_out.predicted)
        sure = self._decided(tempered(left_out.predicted, heat), 0.0)
        counts_all = "value" in objective.metric.needs

        def value(abstained: np.ndarray) -> float:
            if counts_all:
                return objective.score(left_out.y, replace(sure, abstained=abstained))
            return objective.score(left_out.y[~abstained], sure.take(~abstained))

        threshold = 0.0
        if self.most_abstained and sure.score is not None:
            threshold = best_abstention(sure.score, self.most_abstained, value, objective.better)
        selective = SelectiveClassifier(model, list(self.classes), heat, threshold)
        method = "none" if heat == 1.0 else "temperature"
        return Fitted(selective.fit(features, target), threshold, method)

    def by_class(self, scored: Scored) -> dict[str, Scored]:
        """Each class against all others, for the metrics of one class."""
        actual, decided = scored.codes
        chances = scored.predictions.probabilities
        return {
            str(name): Scored(
                (actual == code).astype(float),
                Predictions(
                    (decided == code).astype(float), None if chances is None else chances[:, code]
                ),
            )
            for code, name in enumerate(self.classes)
        }

    def complaint_about(self, value: AnyValue) -> tuple[tuple[str, ...], str, str] | None:
        names = self.class_names
        listed = f"expected one of {', '.join(names)}"
        if not isinstance(value, ClassValue):
            return (), value.currency, "expected right and wrong, and the exceptions in matrix"
        for actual, decisions in value.matrix.items():
            for name in (actual, *decisions):
                if name not in names:
                    at = ("matrix", actual, *([] if name == actual else [name]))
                    return at, name, f"no class of {self.named} – {listed}"
        return None

    def curves(self, scored: Scored) -> Curves:
        return of_classes(scored)

    def confusion(self, scored: Scored) -> tuple[tuple[int, ...], ...]:
        actual, decided = (codes.astype(int) for codes in scored.codes)
        size = len(self.classes)
        counts = np.bincount(actual * size + decided, minlength=size * size)
        return tuple(tuple(row) for row in counts.reshape(size, size).tolist())

    def performance(self) -> Performance:
        from evidently import DataDefinition
        from evidently import MulticlassClassification as Roles
        from evidently.presets import ClassificationPreset

        roles = Roles(target="outcome", prediction_labels="decision")

        def named(codes: pd.Series) -> list[str]:
            # -1 is a class that the schema does not list any more.
            return [self.class_names[int(code)] if code >= 0 else "(removed)" for code in codes]

        return Performance(DataDefinition(classification=[roles]), ClassificationPreset(), named)

    def leak_target(self, target: np.ndarray) -> np.ndarray:
        """A column per class, 1 in the rows of the class (n × K)."""
        return (target[:, None] == np.arange(len(self.classes))).astype(float)

    def leak_strength(self, target: np.ndarray, guess: np.ndarray) -> float:
        """The mean over the classes of the share of their rows for which the class is guessed."""
        right = target * (guess.argmax(axis=1)[:, None] == np.arange(target.shape[1]))
        rows = target.sum(axis=0)
        return float((right.sum(axis=0)[rows > 0] / rows[rows > 0]).mean())

    def tree(self, values: np.ndarray, target: np.ndarray, leaves: int) -> Callable[..., Any]:
        from sklearn.tree import DecisionTreeRegressor

        # A regression of the columns is a tree of all classes, whose leaves are their shares.
        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0)
        return tree.fit(values, target).predict
