"""The search for the best candidate within a budget; it sees the training side and nothing else.

Every candidate first competes as it is built, then with settings drawn from its space, in turn. A
trial is a cross-validation; what counts is the primary metric on the rows left out, at the operating
threshold that serves it best. The winner is fitted on the whole training side.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import joblib
import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, ParameterSampler
from threadpoolctl import threadpool_limits

from ..columns import Columns
from ..config import Search
from ..errors import ConfigError, ProductError
from .bootstrap import in_words
from .calibration import calibrated
from .folds import Folds, folds
from .objective import Objective
from .predict import Predictions
from .prediction_intervals import PredictionIntervals, conformal_half_width

__all__ = ["Candidate", "Found", "Trial", "search"]


@dataclass(frozen=True)
class Candidate:
    """A model that may compete: how it is built, and what may be varied (parameter: choices or distribution)."""

    name: str
    says: str
    build: Callable[[Columns, int], Any]
    space: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One cross-validation; ``score`` is None where it broke, for the ``problem``."""

    number: int
    candidate: str
    params: dict[str, Any]
    score: float | None
    seconds: float
    problem: str | None = None


@dataclass(frozen=True)
class Found:
    """The best model, fitted on all training rows, and how it was found; ``trials`` in their order."""

    model: Any
    candidate: str
    params: dict[str, Any]
    trials: tuple[Trial, ...]
    threshold: float | None
    calibration: str
    seconds: float
    stopped_early: bool
    ranked: tuple[Trial, ...]
    """The trials, best first."""


@dataclass(frozen=True)
class _Table:
    """The training side in the order of its folds."""

    features: pd.DataFrame
    y: np.ndarray
    cuts: Folds
    columns: Columns
    seed: int

    @property
    def is_classification(self) -> bool:
        return self.columns.task == "classification"


@dataclass(frozen=True)
class _Draw:
    number: int
    candidate: Candidate
    params: dict[str, Any]

    def build(self, table: _Table) -> Any:
        return self.candidate.build(table.columns, table.seed).set_params(**self.params)


def search(
    training: pd.DataFrame,
    columns: Columns,
    candidates: Sequence[Candidate],
    objective: Objective,
    budget: Search,
    *,
    by: Literal["time", "group", "hash"],
    progress: Callable[[Trial], None] = lambda trial: None,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """The best of ``budget.trials`` trials; the same rows and seed give the same one for any number of workers.

    ``budget.seconds`` ends the search early, after the first trial at the soonest. A trial that
    breaks is out, with its problem. Raises ConfigError for a candidate that the kit does not have
    and ProductError where every trial broke.
    """
    began = clock()
    table = _table(training, columns, by, budget)
    draws = list(_draws(_chosen(candidates, budget.candidates), budget))
    scored: dict[int, np.ndarray] = {}
    trials: list[Trial] = []

    def attempt(draw: _Draw) -> tuple[Trial, np.ndarray] | None:
        if draw.number and clock() - began > budget.seconds:
            return None
        return _attempt(draw, table, objective, clock)

    # Threads: the work is done in compiled code that lets go of the interpreter, and processes would
    # each import everything anew. One thread within each trial, so that the cores are not fought over.
    with threadpool_limits(1):
        work = joblib.Parallel(n_jobs=budget.workers, backend="threading", return_as="generator_unordered")
        for outcome in work(joblib.delayed(attempt)(draw) for draw in draws):
            if outcome is not None:
                trial, left_out = outcome
                trials.append(trial)
                scored[trial.number] = left_out
                progress(trial)
    trials.sort(key=lambda trial: trial.number)
    ranked = _ranked(trials, objective)
    best = draws[ranked[0].number]
    model, threshold, calibration = _fitted(best, table, scored[best.number], objective)
    return Found(
        model=model,
        candidate=best.candidate.name,
        params=best.params,
        trials=tuple(trials),
        threshold=threshold,
        calibration=calibration,
        seconds=clock() - began,
        stopped_early=len(trials) < len(draws),
        ranked=ranked,
    )


def _table(training: pd.DataFrame, columns: Columns, by: Literal["time", "group", "hash"], budget: Search) -> _Table:
    cuts = folds(training, columns, by, budget.folds, budget.seed)
    y = training[columns.target].to_numpy(dtype=float)[cuts.order]
    features = training[list(columns.features)].iloc[cuts.order].reset_index(drop=True)
    return _Table(features, y, cuts, columns, budget.seed)


def _chosen(candidates: Sequence[Candidate], names: Sequence[str]) -> list[Candidate]:
    known = {candidate.name: candidate for candidate in candidates}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"config/pipeline.yaml: search.candidates: there is no candidate {name!r} – expected some of"
                f" {', '.join(known)} – see candidates.py"
            )
    return [known[name] for name in names] or list(candidates)


def _draws(candidates: Sequence[Candidate], budget: Search) -> Iterator[_Draw]:
    """Each candidate as it is built, then each that can be varied in turn, until the trials are used up."""
    varied = [c for c in candidates if c.space]
    waiting = [iter(ParameterSampler(dict(c.space), budget.trials, random_state=budget.seed)) for c in varied]
    number = 0
    for candidate in candidates[: budget.trials]:
        yield _Draw(number, candidate, {})
        number += 1
    while waiting and number < budget.trials:
        for candidate, space in list(zip(varied, waiting, strict=True)):
            params = next(space, None)
            if params is None:
                waiting.remove(space)
                varied.remove(candidate)
            elif number < budget.trials:
                yield _Draw(number, candidate, params)
                number += 1


def _attempt(draw: _Draw, table: _Table, objective: Objective, clock: Callable[[], float]) -> tuple[Trial, np.ndarray]:
    began = clock()
    left_out = np.full(len(table.y), np.nan)
    try:
        for fitted, left in table.cuts.forward:
            model = draw.build(table).fit(table.features.iloc[fitted], table.y[fitted])
            left_out[left] = _answers(model, table.features.iloc[left], table)
        score = _score(table, left_out, objective)
        problem = None if np.isfinite(score) else f"{objective.name} is {score}"
    except Exception as error:  # whatever breaks in one trial must not end the others
        score, problem = np.nan, in_words(error)
    name, seconds = draw.candidate.name, clock() - began
    return Trial(draw.number, name, draw.params, None if problem else score, seconds, problem), left_out


def _answers(model: Any, features: pd.DataFrame, table: _Table) -> np.ndarray:
    return model.predict_proba(features)[:, 1] if table.is_classification else model.predict(features)


def _score(table: _Table, left_out: np.ndarray, objective: Objective) -> float:
    there = ~np.isnan(left_out)
    if table.is_classification:
        return objective.threshold(table.y[there], left_out[there])[1]
    return objective.score(table.y[there], Predictions(left_out[there]))


def _ranked(trials: Sequence[Trial], objective: Objective) -> tuple[Trial, ...]:
    """Best first, of equals the earlier; what broke comes last."""
    sound = [trial for trial in trials if trial.score is not None]
    if not sound:
        problems = "; ".join(dict.fromkeys(f"{trial.candidate}: {trial.problem}" for trial in trials))
        raise ProductError(f"every trial of the search broke: {problems} – see candidates.py")
    sign = -1.0 if objective.metric.better == "higher" else 1.0
    sound.sort(key=lambda trial: (sign * (trial.score or 0.0), trial.number))
    return (*sound, *(trial for trial in trials if trial.score is None))


def _fitted(draw: _Draw, table: _Table, left_out: np.ndarray, objective: Objective) -> tuple[Any, float | None, str]:
    """The model on the whole training side, its threshold and its calibration."""
    there = ~np.isnan(left_out)
    y, answers = table.y[there], left_out[there]
    if not table.is_classification:
        reach = conformal_half_width(y, answers)
        return PredictionIntervals(draw.build(table), half_width=reach).fit(table.features, table.y), None, "none"
    method, mended = calibrated(y, answers, table.seed)
    model = draw.build(table)
    if method != "none":
        model = CalibratedClassifierCV(model, method=method, cv=list(table.cuts.partition), ensemble=False)
    threshold = objective.threshold(y, mended)[0]
    frozen = FrozenEstimator(model.fit(table.features, table.y))
    decides = FixedThresholdClassifier(frozen, threshold=threshold, response_method="predict_proba", pos_label=1)
    return decides.fit(table.features, table.y), float(threshold), method
