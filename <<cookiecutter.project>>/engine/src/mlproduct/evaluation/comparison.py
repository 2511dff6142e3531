"""The models to compare, their predictions and the rows to compare them on.

All of this is determined before any metric is computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..data.columns import Columns
from ..gate.criteria import BY_CLASS, Criteria, Versus
from ..problems import Metric, Predict, Scored
from .bootstrap import Key, Sample, in_words
from .slices import Slices, sliced_metrics, slices_of

__all__ = ["CHALLENGER", "Baseline", "Challenger", "Comparison", "comparison_of"]

CHALLENGER = "challenger"


@dataclass(frozen=True)
class Challenger:
    """The model to evaluate; ``trained_on`` are the identities of all rows it was fitted on."""

    model: Any
    trained_on: np.ndarray
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Baseline:
    """A baseline of the challenger; ``trained_on`` are the identities of its training rows."""

    predict: Predict
    trained_on: np.ndarray | None = None


@dataclass(frozen=True)
class Comparison:
    """The holdout, ordered by the challenger's score, and the predictions of all models for it.

    A model whose prediction failed has an entry in ``problems`` instead of ``views``. ``unseen``
    has an entry for each baseline that was trained on holdout rows: the positions of the rows
    that it has not seen.
    """

    holdout: pd.DataFrame
    columns: Columns
    criteria: Criteria
    baselines: tuple[Versus, ...]
    views: dict[str, Scored]
    problems: dict[str, str]
    unseen: dict[str, np.ndarray]
    slices: dict[str, Slices]

    def metrics(self, versus: Versus | None = None) -> tuple[Metric, ...]:
        """The metrics that the predictions allow, plus those that a criterion names.

        A named metric that cannot be computed is included so that its problem is reported.
        """
        asked = {
            c.metric for c in self.criteria.criteria if c.versus == versus and c.sliced_by is None
        }
        views = [self.views[name] for name in {CHALLENGER, versus or CHALLENGER} & set(self.views)]
        possible = self.columns.of_target.metrics.values()
        return tuple(
            m for m in possible if m.name in asked or all(_can_be_had(m, view) for view in views)
        )

    def sample_of(self, baseline: Versus) -> Key:
        """The key in ``samples`` of the rows on which ``baseline`` is compared."""
        return ("unseen by", baseline) if baseline in self.unseen else ("all",)

    @cached_property
    def samples(self) -> dict[Key, Sample]:
        """The sets of rows to resample: all rows, the rows unseen by a baseline, each slice."""
        if CHALLENGER not in self.views:
            return {}
        baselines = [name for name in self.baselines if name in self.views]
        everywhere = [name for name in baselines if name not in self.unseen]
        found: dict[Key, Sample] = {("all",): self._sample(everywhere, None)}
        for name in baselines:
            if name in self.unseen:
                found[self.sample_of(name)] = self._sample([name], self.unseen[name])
        problem, challenger = self.columns.of_target, self.views[CHALLENGER]
        for by, slices in self.slices.items():
            asked = {c.metric for c in self.criteria.criteria if c.sliced_by == by}
            metrics = [m for m in problem.metrics.values() if m.name in asked]
            for label, rows in slices.items():
                found["slice", by, label] = Sample(
                    {CHALLENGER: challenger.take(rows)}, {CHALLENGER: metrics}, rows
                )
        # A class is no set of rows: each row counts for its own class and for the decided one.
        for each, scored in self.classes.items():
            found["slice", BY_CLASS, each] = Sample(
                {CHALLENGER: scored}, {CHALLENGER: tuple(problem.class_metrics.values())}
            )
        return found

    @cached_property
    def classes(self) -> dict[str, Scored]:
        """The challenger's predictions as those of each class against all others."""
        if CHALLENGER not in self.views:
            return {}
        try:
            return self.columns.of_target.by_class(self.views[CHALLENGER])
        except ValueError:  # of decisions that are no classes; every metric reports this
            return {}

    def _sample(self, baselines: list[Versus], rows: np.ndarray | None) -> Sample:
        metrics: dict[str, tuple[Metric, ...]] = {name: self.metrics(name) for name in baselines}
        own = {m.name: m for chosen in (self.metrics(), *metrics.values()) for m in chosen}
        views = {name: self.views[name] for name in (CHALLENGER, *baselines)}
        if rows is not None:
            views = {name: scored.take(rows) for name, scored in views.items()}
        return Sample(views, {CHALLENGER: tuple(own.values()), **metrics}, rows)


def comparison_of(
    challenger: Predict,
    baselines: Mapping[Versus, Baseline],
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    identities: np.ndarray,
    columns: Columns,
    criteria: Criteria,
) -> Comparison:
    """The predictions of the challenger and of all baselines for every row of ``holdout``.

    ``training`` is used only to find the slices that occur in it.
    """
    y = columns.encoded_target(holdout)
    features = holdout[list(columns.inputs)]
    predictors: dict[str, Predict] = {
        CHALLENGER: challenger,
        **{name: baseline.predict for name, baseline in baselines.items()},
    }
    views, problems = {}, {}
    for name, predict in predictors.items():
        try:
            views[name] = columns.of_target.scored(y, predict(features), criteria.value)
        except Exception as error:  # a model that cannot predict is a result of the evaluation
            problems[name] = f"{name.replace('_', ' ')} cannot predict: {in_words(error)}"
    order = _order(views.get(CHALLENGER), len(y))
    ordered = holdout.iloc[order]
    # A column that does not exist is reported by ``problem_of_slices``.
    asked = {sliced.by for sliced in sliced_metrics(criteria)} - {BY_CLASS}
    by = sorted(asked & set(holdout.columns))
    return Comparison(
        holdout=ordered,
        columns=columns,
        criteria=criteria,
        baselines=tuple(baselines),
        views={name: scored.take(order) for name, scored in views.items()},
        problems=problems,
        unseen=_unseen(baselines, identities[order]),
        slices={column: slices_of(column, training, ordered, columns) for column in by},
    )


def _order(scored: Scored | None, rows: int) -> np.ndarray:
    """The order of the rows by the challenger's score, so that no resample has to sort them."""
    score = None if scored is None else scored.predictions.score
    return np.arange(rows) if score is None else np.argsort(score, kind="stable")


def _unseen(baselines: Mapping[Versus, Baseline], identities: np.ndarray) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name, baseline in baselines.items():
        seen = (
            np.isin(identities, baseline.trained_on)
            if baseline.trained_on is not None
            else np.zeros(0, dtype=bool)
        )
        if seen.any():
            found[name] = np.flatnonzero(~seen)
    return found


def _can_be_had(metric: Metric, scored: Scored) -> bool:
    predictions = scored.predictions
    have = {
        "decision": True,
        "score": predictions.score is not None,
        "value": scored.value is not None,
        "interval": predictions.low is not None,
        "probabilities": predictions.probabilities is not None,
        "abstained": predictions.abstained is not None,
    }
    return all(have[need] for need in metric.needs)
