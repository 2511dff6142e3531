"""What the tasks of the training flow do: each joins a step, which knows no store, to a store, which knows no step."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .. import PRODUCT, candidates, console
from ..clock import now
from ..config import criteria_digest
from ..criteria import Decision, Verdict
from ..document import CandidateRow, ChampionReference, DataSummary, Document, Exhibits, ModelSummary
from ..errors import InvalidData
from ..judge import judge as judged
from ..steps import evaluate as evaluating
from ..steps import scorecard
from ..steps.bootstrap import in_words
from ..steps.fingerprint import fingerprint, row_identities
from ..steps.leaks import leaking_features
from ..steps.objective import objective
from ..steps.predict import Predictions, by_rule, do_nothing, predict
from ..steps.profile import profile_of, with_prediction
from ..steps.search import Found, Trial
from ..steps.search import search as searched
from ..steps.split import Parts
from ..steps.split import split as parted
from ..steps.study import Challenger, Rival
from ..steps.validate import validate
from ..steps.validation_report import validation_report
from ..stores.models import keep_reference, save
from ..stores.quarantine import Quarantine
from ..stores.runs import commit_of
from ..stores.sources import read
from ..stores.trusted import opened
from ..stores.versions import Saved
from ..tables import Batch, Validated
from .logged import labelled_batches, logbook
from .orders import Order, Registered
from .progress import trials

__all__ = ["Measured", "evaluate", "ingest", "judge", "judge_data", "record", "register", "search", "split"]

SAMPLE_ROWS = 5_000
"""Of the rows a model was judged on, kept for people to compare with."""


def ingest(order: Order) -> Validated:
    """The accepted rows of the source, of the repaired quarantine and of the labelled predictions.

    What is not accepted is kept aside.
    Too many bad rows stop the run; they are kept aside all the same.
    """
    quarantine = Quarantine(order.settings.var / "quarantine")
    source = order.pipeline.source

    def batches() -> Iterator[Batch]:
        yield from read(source, order.columns.read, root=order.settings.root, environ=os.environ)
        yield from quarantine.repaired()
        if order.pipeline.labelled_log:
            yield from labelled_batches(logbook(order.settings))

    try:
        validated = validate(batches(), order.schema, limit=order.pipeline.checks.rejected_share_at_most)
    except InvalidData as error:
        if error.rejected is not None:
            quarantine.keep(order.run.id, error.rejected)
        raise
    quarantine.keep(order.run.id, validated.rejected)
    aside = len(validated.rejected.rows)
    kept = f", {aside:,} in quarantine ({validated.rejected_share:.1%})" if aside else ""
    console.line("ingest", f"{source.described}: {validated.seen:,} rows × {len(order.columns.read)} columns")
    console.line("validate", f"{len(validated.rows):,} accepted{kept}")
    return validated


def split(order: Order, validated: Validated) -> Parts:
    parts = parted(validated.rows, order.columns, order.pipeline.split)
    console.line("split", f"{parts.described}: {len(parts.training):,} to train on, {len(parts.holdout):,} held out")
    return parts


def judge_data(order: Order, validated: Validated, parts: Parts) -> Document:
    """The document as far as it goes before anything is trained; its verdict is the data's."""
    checks = order.pipeline.checks
    accepted = {leak.feature: leak.because for leak in checks.accepted_leaks}
    leaks = leaking_features(parts.training, order.columns, at=checks.leak_at, accepted=accepted)
    time = order.columns.time
    measurements = evaluating.measure_data(
        rows=len(validated.rows),
        rejected_share=validated.rejected_share,
        newest=validated.rows[time].max() if time else None,
        leaking=[f"{leak.feature} ({leak.strength:.3f})" for leak in leaks],
        today=order.today,
    )
    verdict = judged(measurements, order.criteria, on=order.today, of="data")
    return _document(order, validated, parts, measurements, verdict)


def _document(order: Order, validated: Validated, parts: Parts, measurements: Any, verdict: Verdict) -> Document:
    champion = order.champion
    reference = None
    if champion is not None:
        reference = ChampionReference(version=champion.version, digest=champion.digest)
    return Document(
        product=PRODUCT,
        run_id=order.run.id,
        created=now(),
        judged_on=order.today,
        commit=commit_of(order.settings.root),
        criteria=order.criteria,
        criteria_digest=criteria_digest(order.criteria),
        previous_criteria=champion.loaded.document.criteria if champion and champion.loaded else None,
        data=DataSummary(
            source=order.pipeline.source.described,
            digest=fingerprint(validated.rows),
            rows=len(validated.rows),
            rejected=len(validated.rejected.rows),
            split=parts.described,
            training_rows=len(parts.training),
            holdout_rows=len(parts.holdout),
        ),
        model=None,
        champion=reference,
        data_measurements=measurements,
        measurements=(),
        data_verdict=verdict,
        verdict=verdict,
    )


def search(order: Order, parts: Parts) -> Found:
    """The best candidate within the budget, fitted on the training side, and nothing else."""
    budget = order.pipeline.search
    goal = objective(order.criteria.primary, order.criteria.value)
    with trials(budget.trials) as advance:

        def progress(trial: Trial) -> None:
            came_of_it = trial.problem or f"{goal.name} {trial.score:.4g}"
            advance(f"{trial.candidate}, {came_of_it}, {trial.seconds:.1f} s")

        found = searched(
            parts.training,
            order.columns,
            candidates.CANDIDATES,
            goal,
            budget,
            by=order.pipeline.split.by,
            progress=progress,
        )
    console.line("search", f"{found.candidate} is the best of {len(found.trials)} trials in {found.seconds:.0f} s")
    if found.stopped_early:
        console.line(
            "search", f"stopped at search.seconds: {budget.seconds:g}, before trial {budget.trials} was reached"
        )
    return found


@dataclass(frozen=True)
class Measured:
    """An evaluation, and the ``problem`` where it broke off."""

    evaluation: evaluating.Evaluation
    problem: str | None = None


def evaluate(order: Order, parts: Parts, found: Found) -> tuple[Saved, Measured]:
    """The model as a file, and what was measured of it as that file gives it back."""
    features = parts.training[list(order.columns.features)]
    seen = row_identities(parts.training, order.columns)
    saved = save(found.model, order.workshop / "model", features=features, training_rows=seen)
    try:
        model = opened((saved.path / "model.skops").read_bytes(), "the model that was just saved")
        measured = evaluating.evaluate(
            Challenger(model=model, trained_on=seen, bytes=saved.bytes, seconds=found.seconds),
            _rivals(order, parts),
            parts.training,
            parts.holdout,
            row_identities(parts.holdout, order.columns),
            columns=order.columns,
            criteria=order.criteria,
            settings=order.pipeline.evaluation,
            seed=order.pipeline.search.seed,
        )
    except Exception as error:  # fail closed: what breaks in the evaluation refuses the model, by name
        console.line("evaluate", f"broke off: {in_words(error)}")
        return saved, Measured(evaluating.Evaluation(()), in_words(error))
    _keep_reference(order, parts, saved, model)
    console.line("evaluate", f"{len(measured.measurements)} measurements on {len(parts.holdout):,} rows")
    return saved, Measured(measured)


def _keep_reference(order: Order, parts: Parts, saved: Saved, model: Any) -> None:
    """Keeps what monitoring will compare with: the held out rows, which the verdict is about, and their predictions."""
    features = parts.holdout[list(order.columns.features)]
    said = predict(model, features)
    table = with_prediction(features, said)
    told = {"decision": said.decision, "outcome": parts.holdout[order.columns.target].to_numpy(dtype=float)}
    rows = table.assign(**told).sample(min(SAMPLE_ROWS, len(table)), random_state=order.pipeline.search.seed)
    keep_reference(saved, profile_of(table, order.columns).model_dump_json(), rows)


def _rivals(order: Order, parts: Parts) -> dict[Any, Rival]:
    rivals: dict[Any, Rival] = {
        "do_nothing": Rival(do_nothing(parts.training, order.columns)),
        "rule": Rival(by_rule(candidates.rule)),
    }
    if order.champion is not None:
        loaded, problem = order.champion.loaded, order.champion.problem

        def champion(features: pd.DataFrame) -> Predictions:
            if loaded is None:
                raise RuntimeError(problem)
            return predict(loaded.model, features)

        rivals["champion"] = Rival(champion, loaded.training_rows if loaded else None)
    return rivals


def judge(order: Order, document: Document, found: Found, saved: Saved, measured: Measured) -> Document:
    """The whole document: the measurements held against the criteria."""
    evaluation = measured.evaluation
    verdict = judged(evaluation.measurements, order.criteria, on=order.today, previous=document.previous_criteria)
    return document.model_copy(
        update={
            "model": ModelSummary(
                candidate=found.candidate,
                parameters=found.params,
                digest=saved.digest,
                task=order.columns.task or "classification",
                threshold=found.threshold,
                calibration=found.calibration,
            ),
            "measurements": evaluation.measurements,
            "verdict": verdict,
            "exhibits": _exhibits(order, found, evaluation),
            "problem": measured.problem,
        }
    )


def _exhibits(order: Order, found: Found, evaluation: evaluating.Evaluation) -> Exhibits:
    rows = [
        CandidateRow(
            candidate=trial.candidate,
            parameters=trial.params,
            score=trial.score,
            seconds=trial.seconds,
            problem=trial.problem,
        )
        for trial in found.ranked
    ]
    return Exhibits(
        primary=order.criteria.primary,
        candidates=tuple(rows),
        importance=evaluation.importance,
        curves=evaluation.curves,
    )


def record(order: Order, document: Document, validated: Validated) -> None:
    """Everything a reviewer will look for, in MLflow; ends the run."""
    order.releases.models.runs.record(
        order.run,
        document,
        scorecard_html=scorecard.html(document),
        scorecard_markdown=scorecard.markdown(document),
        attachments={"validation.md": validation_report(validated)},
    )


def register(order: Order, document: Document, saved: Saved | None) -> Registered:
    """The version of a model that was not blocked; the champion too, where the criteria leave it to the gate."""
    if saved is None or document.decision is Decision.BLOCKED:
        return Registered(document)
    version = order.releases.models.register(document, saved, scorecard_markdown=scorecard.markdown(document))
    if order.criteria.approval == "automatic" and document.decision is Decision.READY:
        order.releases.promote_automatically(version)
        return Registered(document, version, promoted=True)
    return Registered(document, version)
