"""Search for the best candidate within a budget; only the training side is used.

Each candidate is first tried with its own parameters, then with parameters that are drawn from its
space, in turn. A trial is a cross-validation. It is scored by the primary metric of the out-of-fold
predictions, at the best operating threshold. The winner is fitted on the whole training side.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import joblib
import numpy as np
import pandas as pd
from sklearn.model_selection import ParameterSampler
from threadpoolctl import ThreadpoolController

from ..config.settings import Search
from ..data.columns import Columns
from ..data.split_policies import POLICIES, Folds
from ..errors import ConfigError, InvalidData, ProductError
from ..evaluation.bootstrap import in_words
from ..problems import Objective, OutOfFold, Problem
from ..product import Candidate

__all__ = ["Found", "Trial", "search"]


@dataclass(frozen=True)
class Trial:
    """One cross-validation; if it failed, ``score`` is None and ``problem`` is the reason."""

    number: int
    candidate: str
    params: dict[str, Any]
    score: float | None
    seconds: float
    problem: str | None = None


@dataclass(frozen=True)
class Found:
    """The best model, fitted on all training rows, and the ``trials`` by number.

    ``threshold`` is None if the problem has none.
    """

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
    def problem(self) -> Problem:
        return self.columns.of_target

    def left_out(self, predicted: np.ndarray) -> OutOfFold:
        """The targets and predictions of the rows that a fold left out."""
        rows = self.cuts.left_out
        return OutOfFold(self.y[rows], predicted[rows])


@dataclass(frozen=True)
class _Draw:
    number: int
    candidate: Candidate
    params: dict[str, Any]

    def build(self, table: _Table) -> Any:
        return self.candidate.build(table.columns, table.seed).set_params(**self.params)


@contextmanager
def _without_noise() -> Iterator[None]:
    """Suppresses scikit-learn's warning on a network with fewer rows than its batch.

    The warning is irrelevant: the network then uses all rows as one batch. The filter is set in the
    thread that starts the others, because all threads share Python's list of filters.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Got `batch_size` less than 1 or larger than sample size", UserWarning
        )
        yield


@_without_noise()
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
    """The best of ``budget.trials`` trials.

    The same rows and seed result in the same model for any number of workers, unless
    ``budget.seconds`` ends the search early. The first trial is always run. A trial that fails is
    recorded with its problem and cannot win. Raises ConfigError for a candidate that the kit does
    not have, InvalidData if the target has only one value, and ProductError if every trial failed.
    """
    began = clock()
    table = _table(training, columns, by, budget)
    draws = list(_draws(_chosen(candidates, budget.candidates), budget))
    trials: list[Trial] = []
    # Only the best trial's out-of-fold predictions are kept.
    ahead: tuple[Trial, np.ndarray] | None = None

    def attempt(draw: _Draw) -> tuple[Trial, np.ndarray] | None:
        # Checked when a trial starts, because joblib takes the next draws before they are needed.
        late = draw.number > 0 and clock() - began > budget.seconds
        return None if late else _attempt(draw, table, objective, clock)

    for trial, left_out in _finished(attempt, draws, budget.workers):
        trials.append(trial)
        if ahead is None or _place(trial, objective) < _place(ahead[0], objective):
            ahead = trial, left_out
        progress(trial)
    trials.sort(key=lambda trial: trial.number)
    ranked = _ranked(trials, objective)
    assert ahead is not None  # _ranked raises if every trial failed
    best = draws[ahead[0].number]
    fitted = table.problem.fit(
        best.build(table),
        table.features,
        table.y,
        table.left_out(ahead[1]),
        objective,
        table.seed,
    )
    return Found(
        model=fitted.model,
        candidate=best.candidate.name,
        params=best.params,
        trials=tuple(trials),
        threshold=fitted.threshold,
        calibration=fitted.calibration,
        seconds=clock() - began,
        stopped_early=len(trials) < len(draws),
        ranked=ranked,
    )


def _table(
    training: pd.DataFrame, columns: Columns, by: Literal["time", "group", "hash"], budget: Search
) -> _Table:
    cuts = POLICIES[by].folds(training, columns, budget.folds, budget.seed)
    y = columns.encoded_target(training)[cuts.order]
    if complaint := columns.of_target.complaint(y):
        raise InvalidData(complaint)
    features = training[list(columns.inputs)].iloc[cuts.order].reset_index(drop=True)
    return _Table(features, y, cuts, columns, budget.seed)


def _chosen(candidates: Sequence[Candidate], names: Sequence[str]) -> list[Candidate]:
    known = {candidate.name: candidate for candidate in candidates}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"config/pipeline.yaml: search.candidates: there is no candidate {name!r} –"
                f" expected names from {', '.join(known)} – see candidates.py"
            )
    return [known[name] for name in names] or list(candidates)


def _draws(candidates: Sequence[Candidate], budget: Search) -> Iterator[_Draw]:
    """Each candidate with its own parameters, then drawn parameters of each candidate in turn.

    Ends after ``budget.trials`` trials, or when every space is exhausted.
    """
    # From lists of values, scikit-learn draws without replacement, so a space can be exhausted.
    varied = [c for c in candidates if c.space]
    waiting = [
        iter(ParameterSampler(dict(c.space), budget.trials, random_state=budget.seed))
        for c in varied
    ]
    number = 0
    for candidate in candidates[: budget.trials]:
        yield _Draw(number, candidate, {})
        number += 1
    while waiting and number < budget.trials:
        # A copy, because exhausted spaces are removed in the loop.
        for candidate, space in list(zip(varied, waiting, strict=True)):
            params = next(space, None)
            if params is None:
                waiting.remove(space)
                varied.remove(candidate)
            elif number < budget.trials:
                yield _Draw(number, candidate, params)
                number += 1


def _finished(
    attempt: Callable[[_Draw], tuple[Trial, np.ndarray] | None],
    draws: Sequence[_Draw],
    workers: int,
) -> Iterator[tuple[Trial, np.ndarray]]:
    """The trials as they finish; each one runs in a single thread.

    Threads are used because the work is done in compiled code that releases the interpreter lock,
    and each process would have to import all packages again.
    """
    pools = ThreadpoolController()

    def alone(draw: _Draw) -> tuple[Trial, np.ndarray] | None:
        # OpenMP has one limit per thread, so a limit that is set outside does not apply here.
        with pools.limit(limits=1, user_api="openmp"):
            return attempt(draw)

    with pools.limit(limits=1):
        # Unordered, so that a slow trial does not delay the progress of those that finish after it.
        parallel = joblib.Parallel(
            n_jobs=workers, backend="threading", return_as="generator_unordered"
        )
        yield from (
            done
            for done in parallel(joblib.delayed(alone)(draw) for draw in draws)
            if done is not None
        )


def _attempt(
    draw: _Draw, table: _Table, objective: Objective, clock: Callable[[], float]
) -> tuple[Trial, np.ndarray]:
    began = clock()
    predicted = np.full(len(table.y), np.nan)
    try:
        for fitted, left in table.cuts.cuts:
            model = draw.build(table).fit(table.features.iloc[fitted], table.y[fitted])
            found = table.problem.out_of_fold(model, table.features.iloc[left])
            if predicted.shape[1:] != found.shape[1:]:  # several numbers per row
                predicted = np.full((len(table.y), *found.shape[1:]), np.nan)
            predicted[left] = found
        score = _score(table, predicted, objective)
        problem = None if np.isfinite(score) else f"{objective.name} is {score}"
    except Exception as error:  # a failed trial must not stop the others
        score, problem = np.nan, in_words(error)
    name, seconds = draw.candidate.name, clock() - began
    return Trial(
        draw.number, name, draw.params, None if problem else score, seconds, problem
    ), predicted


def _score(table: _Table, predicted: np.ndarray, objective: Objective) -> float:
    left_out = table.left_out(predicted)
    finite = np.isfinite(left_out.predicted)
    if not finite.all():
        raise ValueError(f"{(~finite).sum():,} of {finite.size:,} predictions are not numbers")
    return table.problem.trial_score(left_out, objective)


def _place(trial: Trial, objective: Objective) -> tuple[float, int]:
    """A sort key: the best trial first, the earlier of equal ones first, failed ones last.

    With the number, the order does not depend on which trial finishes first.
    """
    if trial.score is None:
        return np.inf, trial.number
    return (-trial.score if objective.metric.better == "higher" else trial.score), trial.number


def _ranked(trials: Sequence[Trial], objective: Objective) -> tuple[Trial, ...]:
    """The trials in the order of ``_place``. Raises ProductError if every trial failed."""
    if all(trial.score is None for trial in trials):
        problems = "; ".join(
            dict.fromkeys(f"{trial.candidate}: {trial.problem}" for trial in trials)
        )
        raise ProductError(f"every trial of the search failed: {problems} – see candidates.py")
    return tuple(sorted(trials, key=lambda trial: _place(trial, objective)))
