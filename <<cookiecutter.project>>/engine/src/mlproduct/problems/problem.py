"""What every problem has to state; the other modules of the engine call nothing else of it."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from ..errors import ConfigError
from ..gate.criteria import AnyValue, Criterion, Value
from ..gate.document import MetricSummary
from .curves import Curves
from .metric import COMMON, Metric
from .objective import Objective
from .predictions import Predict, Predictions, numbers
from .weighted_sums import Scored

__all__ = ["Chance", "Fitted", "OutOfFold", "Performance", "Problem", "Target"]


@dataclass(frozen=True)
class Chance:
    """The metric from which the skill is computed: ``scale`` × (metric − ``value``).

    ``value`` is the metric of a constant prediction. The skill of a perfect model is 1.
    """

    metric: str
    value: float
    scale: float


@dataclass(frozen=True)
class Target:
    """The target column as the schema describes it.

    ``values`` are its allowed values, empty if they are not listed. ``positive`` is the value that
    the schema names as the positive one.
    """

    name: str
    is_text: bool = False
    values: tuple[Any, ...] = ()
    positive: Any = None


@dataclass(frozen=True)
class Performance:
    """What Evidently needs for its report on labelled rows.

    ``shown`` returns the outcomes or decisions of the rows as the report shows them.
    """

    definition: Any
    preset: Any
    shown: Callable[[pd.Series], Any]


@dataclass(frozen=True)
class OutOfFold:
    """The targets ``y`` of the rows that a fold left out, and what was predicted for them."""

    y: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """A model that is fitted on the whole training side, with its operating point.

    ``threshold`` is None if the problem has none.
    """

    model: Any
    threshold: float | None = None
    calibration: str = "none"


@dataclass(frozen=True)
class Problem(ABC):
    """One kind of ML task; use one of its subclasses.

    The product makes it without a target. ``of`` returns it with the target of the schema.
    """

    target: Target | None = None

    task: ClassVar[str]
    """The name that is stored with verdicts."""
    metrics: ClassVar[Mapping[str, Metric]]
    """The metrics that are computed from the target and the predictions, by name."""
    class_metrics: ClassVar[Mapping[str, Metric]] = {}
    """The metrics of one class, for criteria with ``by_class``."""
    chance: ClassVar[Chance]
    plausible_skill: ClassVar[float] = 0.99
    """From this skill on, a result is nearly perfect, and a person has to accept it."""
    importance: ClassVar[str]
    """The metric whose loss is the importance of a feature."""
    slice_metric: ClassVar[str]
    """A metric that is defined for every slice with rows, for the tests of the gate."""
    adopts_classes: ClassVar[bool] = False
    """Whether a label that the schema does not list can be a new class."""
    finds_sums: ClassVar[bool]
    """Whether a weighted sum or a product of numbers can be the target."""

    @property
    def all_metrics(self) -> Mapping[str, Metric]:
        """The metrics of the problem, then those of every problem: speed, size, data."""
        return {**self.metrics, **COMMON}

    def metrics_for(self, criterion: Criterion) -> Mapping[str, Metric]:
        """The metrics that can be named in a criterion: those of a class, or all others."""
        return self.class_metrics if criterion.by_class else self.all_metrics

    @property
    def summaries(self) -> dict[str, MetricSummary]:
        """What the verdict document stores of each metric."""
        return {name: metric.summary for name, metric in self.all_metrics.items()}

    def metric(self, name: str) -> Metric:
        """The metric ``name``. Raises ConfigError with the most similar name if there is none."""
        known = self.all_metrics
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
        raise ConfigError(f"{name!r} is not a metric of {self.task} – {hint}")

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """The names of the metrics by which candidates can be compared."""
        return tuple(
            name for name, metric in self.metrics.items() if "abstained" not in metric.needs
        )

    def objective(self, name: str, value: AnyValue | None) -> Objective:
        """The objective with the metric ``name``.

        Raises ConfigError for a name that is not a metric of the predictions, and for a metric that
        needs the value of the outcomes if there is none.
        """
        metric = self.metric(name)
        if name not in self.primary_metrics:
            raise ConfigError(
                f"primary: {name!r} cannot be used to compare models – expected one of"
                f" {', '.join(self.primary_metrics)} – correct success_criteria.yaml"
            )
        if "value" in metric.needs and value is None:
            raise ConfigError(
                f"primary: {name!r} needs the value of the outcomes – expected value: in"
                " success_criteria.yaml – add it"
            )
        return Objective(metric, value, self.class_names)

    def complaint_about(self, value: AnyValue) -> tuple[tuple[str, ...], str, str] | None:
        """What is wrong with ``value`` of the criteria: its keys, the value, what was expected.

        None if it is a value of this problem's decisions.
        """
        if isinstance(value, Value):
            return None
        return (), value.currency, "expected the value of the four outcomes, as true_positive"

    # --- the target -------------------------------------------------------------------------

    def of(self, target: Target) -> Self:
        """This problem with the target column of the schema.

        Raises ConfigError if the column cannot be the target of this problem.
        """
        self._check_metrics()
        return replace(self, target=target)

    def _check_metrics(self) -> None:
        """Raises ConfigError if a subclass lacks a metric that the engine uses, or misnames one."""
        kind = type(self).__name__
        for name in (self.chance.metric, self.importance, self.slice_metric):
            if name not in self.metrics:
                raise ConfigError(
                    f"{kind}.metrics has no {name!r}, which every verdict needs – expected the"
                    f" metrics of {kind}'s base class and your own – add them to a copy:"
                    " {**BinaryClassification.metrics, …}"
                )
        for name, metric in self.metrics.items():
            if metric.name != name:
                raise ConfigError(
                    f"{kind}.metrics has {metric.name!r} under the name {name!r} – expected the"
                    " same name twice – correct one of them"
                )

    def of_version(self, classes: tuple[str, ...]) -> Self:
        """This problem with the classes of a model version, whose codes its predictions contain."""
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes whose codes are stored; empty if nothing depends on them."""
        return ()

    def recoded(self, codes: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
        """Codes of a model version with these ``classes`` as codes of this problem."""
        return codes

    @property
    def holds_text(self) -> bool:
        """Whether the values of the target are texts."""
        return self.target is not None and self.target.is_text

    @abstractmethod
    def encode(self, values: Any) -> np.ndarray:
        """The values of the target as floats: the numbers, or the codes of the classes."""

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The values of the target for the floats of ``encode``."""

    @abstractmethod
    def complaint(self, target: np.ndarray) -> str | None:
        """Why no model can be trained on this encoded target, None if one can."""

    @abstractmethod
    def strata(self, target: np.ndarray) -> np.ndarray | None:
        """The groups that every fold has in the same proportions; None for random folds."""

    @abstractmethod
    def generated(self, score: np.ndarray, cells: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Values of the target that follow ``score``; ``cells`` returns cells at shares of the
        range that the rules allow.
        """

    # --- predictions ------------------------------------------------------------------------

    @abstractmethod
    def predict(self, model: Any, features: pd.DataFrame) -> Predictions:
        """The predictions of ``model`` for each row of ``features``."""

    @abstractmethod
    def constant(self, target: np.ndarray) -> Predictions:
        """The single prediction that the do-nothing baseline repeats, from the training rows."""

    def do_nothing(self, target: np.ndarray) -> Predict:
        """The baseline that uses no features, from the ``target`` of the training rows."""
        always = self.constant(target)
        return lambda features: always.take(np.zeros(len(features), dtype=int))

    def by_rule(self, rule: Callable[[pd.DataFrame], Any]) -> Predict:
        """The predictions of the kit's rule of thumb; they have decisions and no scores."""
        return lambda features: Predictions(numbers(rule(features)))

    def from_log(
        self, rows: pd.DataFrame, classes: tuple[str, ...], threshold: float | None
    ) -> Predictions:
        """The logged predictions of a version with these classes and this threshold."""
        return Predictions.from_log(rows)

    def response(self, predictions: Predictions) -> dict[str, list[Any]]:
        """The fields of each prediction, for the programs that use it."""
        found = {name: values.tolist() for name, values in predictions.parts.items()}
        return {**found, "decision": self.decode(predictions.decision).tolist()}

    def response_schema(self) -> dict[str, Any]:
        """The JSON schema of each field of ``response``; the decision is always there."""
        number = {"type": "number"}
        return {"decision": number, "score": number, "low": number, "high": number}

    # --- the search: how out-of-fold predictions are used -----------------------------------

    @abstractmethod
    def out_of_fold(self, model: Any, features: pd.DataFrame) -> np.ndarray:
        """What is stored per row for the operating point: a number, or one per class."""

    @abstractmethod
    def trial_score(self, left_out: OutOfFold, objective: Objective) -> float:
        """The primary metric of a trial at its best operating point."""

    @abstractmethod
    def fit(
        self,
        model: Any,
        features: pd.DataFrame,
        target: np.ndarray,
        left_out: OutOfFold,
        objective: Objective,
        seed: int,
    ) -> Fitted:
        """The model of the search on the whole training side, at its best operating point."""

    # --- evaluation -------------------------------------------------------------------------

    def scored(
        self, target: np.ndarray, predictions: Predictions, value: AnyValue | None = None
    ) -> Scored:
        """The encoded targets with their predictions."""
        return Scored(target, predictions, value, self.class_names)

    def by_class(self, scored: Scored) -> dict[str, Scored]:
        """Each class against all others, by name; empty for a problem without ``class_metrics``."""
        return {}

    def confusion(self, scored: Scored) -> tuple[tuple[int, ...], ...]:
        """The rows of each actual class (row) per decision (column); empty without classes."""
        return ()

    @abstractmethod
    def curves(self, scored: Scored) -> Curves:
        """The named curves of the scorecard, at most 60 points each."""

    @abstractmethod
    def performance(self) -> Performance:
        """Evidently's roles and preset for rows with the columns outcome and decision."""

    # --- leaks ------------------------------------------------------------------------------

    @abstractmethod
    def leak_target(self, target: np.ndarray) -> np.ndarray:
        """The target as the check for leaks compares it."""

    @abstractmethod
    def leak_strength(self, target: np.ndarray, guess: np.ndarray) -> float:
        """How well ``guess`` predicts the target; 1 is perfect, 0 or below is nothing."""

    def usual_rows(self, target: np.ndarray, guess: np.ndarray) -> np.ndarray:
        """A mask of the rows without those in which a copy of the target may be wrong.

        All rows, unless a few wrong ones decide about ``leak_strength``.
        """
        return np.ones(len(target), dtype=bool)

    @abstractmethod
    def tree(self, values: np.ndarray, target: np.ndarray, leaves: int) -> Callable[..., Any]:
        """The predictions of a small tree, fitted on ``values``, as a function of other values."""
