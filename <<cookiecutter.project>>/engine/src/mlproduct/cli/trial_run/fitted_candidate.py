"""The steps of a trial that build every candidate and fit the first one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...config.strict_yaml import nearest
from ...evaluation.bootstrap import in_words
from ...gate.criteria import Criteria
from ...problems import OutOfFold
from ...product import Candidate
from .state import Finding, Missing, State, given

__all__ = ["build_all", "first_of", "fit_first"]


def build_all(run: State) -> Iterator[Finding]:
    """Constructs every candidate."""
    product, roles = run.product, given(run.roles, "files")
    names = [each.name for each in product.candidates]
    if not names:
        yield Finding(
            "candidates",
            f"{run.code.of_name(run.code.folder / 'candidates.py', 'CANDIDATES')}: there is no"
            " candidate – expected at least one – add a Candidate",
        )
        return
    budget = run.pipeline.search if run.pipeline else None
    for at, name in enumerate(budget.candidates if budget else ()):
        if name not in names:
            place = run.code.of_setting(
                run.project.settings.pipeline_file, "search", "candidates", at
            )
            near = nearest(name, names)
            hint = f" – did you mean {near!r}?" if near else " – see candidates.py"
            yield Finding(
                "candidates",
                f"{place}: search.candidates: there is no candidate {name!r} – expected names"
                f" from {', '.join(names)}{hint}",
            )
    for candidate in product.candidates:
        try:
            model = candidate.build(run.with_problem or roles, budget.seed if budget else 0)
            if not hasattr(model, "get_params"):
                raise TypeError(f"its function returns {type(model).__name__}")
        except Exception as error:  # the team's code can raise anything
            yield _of_candidate(run, candidate, "cannot be built", error)
            continue
        run.models[candidate.name] = model
        yield from _unknown_parameters(run, candidate, model.get_params())


def _unknown_parameters(
    run: State, candidate: Candidate, known: dict[str, Any]
) -> Iterator[Finding]:
    path = run.code.folder / "candidates.py"
    for name in candidate.space:
        if name not in known:
            near = nearest(name, known)
            hint = f" – did you mean {near!r}?" if near else ""
            yield Finding(
                "candidates",
                f"{run.code.of_name(path, name)}: the space of candidate {candidate.name!r}"
                f" has {name!r} – expected a parameter of its model, as step__parameter –"
                f" correct the name{hint}",
            )


def fit_first(run: State) -> Iterator[Finding]:
    """Fits the first candidate, and predicts rows that it has not seen."""
    columns, rows = run.columns, run.rows
    if not run.target_is_valid:
        raise Missing("target")
    if not run.models:
        raise Missing("candidates")
    candidate = first_of(run)
    model = given(run.models.get(candidate.name), "candidates")
    sides = (run.sides.training, run.sides.holdout) if run.sides else (rows, rows)
    training, others = (run.few(side) for side in sides)
    problem, inputs = columns.of_target, list(columns.inputs)
    try:
        model.fit(training[inputs], columns.encoded_target(training))
    except Exception as error:  # the team's code can raise anything
        yield _of_candidate(run, candidate, f"cannot be fitted on {len(training)} rows", error)
        return
    try:
        predicted = problem.out_of_fold(model, others[inputs])
    except Exception as error:  # the team's code can raise anything
        yield _of_candidate(run, candidate, "cannot predict", error)
        return
    if wrong := int((~np.isfinite(predicted)).sum()):
        no_number = ValueError(f"{wrong:,} of {predicted.size:,} predictions are not numbers")
        yield _of_candidate(run, candidate, "cannot predict", no_number)
        return
    y = columns.encoded_target(others)
    if run.checked is not None and problem.complaint(y) is None:
        yield from _compared(run, run.checked.criteria, OutOfFold(y, predicted))


def _of_candidate(run: State, candidate: Candidate, what: str, error: Exception) -> Finding:
    place = run.code.of_error(error, candidate.build)
    if not place:
        place = run.code.of_name(run.code.folder / "candidates.py", candidate.name)
    return Finding(
        "candidates",
        f"{place}: candidate {candidate.name!r} {what}: {in_words(error)} – expected an"
        " estimator of scikit-learn for the features of the schema – correct this candidate",
    )


def _compared(run: State, criteria: Criteria, predicted: OutOfFold) -> Iterator[Finding]:
    """Computes the metric by which candidates are compared."""
    problem = run.columns.of_target
    try:
        problem.trial_score(predicted, problem.objective(criteria.primary, criteria.value))
    except Exception as error:  # a metric can be the team's code
        place = run.code.of_setting(run.project.settings.criteria_file, "primary")
        yield Finding(
            "criteria",
            f"{place}: primary: {criteria.primary} cannot be computed: {in_words(error)} –"
            " expected a number – choose another metric, or correct its function",
        )


def first_of(run: State) -> Candidate:
    """The first candidate that the search tries; only if there is one."""
    named = run.pipeline.search.candidates if run.pipeline else ()
    known = {each.name: each for each in run.product.candidates}
    chosen = [known[name] for name in named if name in known]
    return next(iter([*chosen, *run.product.candidates]))
