"""The functions behind the tasks of a training. Each connects computation that uses no store with
the registry, the log or the quarantine.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .. import console
from ..clock import now
from ..data.broken_rules import example_table
from ..data.fingerprint import fingerprint, row_identities
from ..data.quarantine import Quarantine
from ..data.sources import read
from ..data.split import HoldoutSplit
from ..data.split import split as split_rows
from ..data.validation import validate, validation_report
from ..errors import InvalidData, Refused
from ..evaluation.bootstrap import in_words
from ..evaluation.comparison import Challenger
from ..evaluation.measure import Evaluation
from ..gate.criteria import RULES, Decision, Measurement, Verdict, criteria_digest
from ..gate.document import (
    CandidateRow,
    ChampionReference,
    DataSummary,
    Document,
    ModelSummary,
    Plots,
)
from ..gate.judge import judge as judge_measurements
from ..monitoring.profile import profile_of, with_prediction
from ..registry.model_files import RecordedRows, keep_reference, packages_of, reopen, save
from ..registry.runs import commit_of
from ..registry.versions import Saved
from ..scorecard import scorecard
from ..tables import Batch, Validated
from ..training.search import Found, Trial
from ..training.search import search as search_candidates
from .logged_rows import labelled_batches, logbook
from .measuring import Configuration, evaluation_of_model, measurements_of_data
from .progress import trials
from .training_state import Evaluated, TrainingRun

__all__ = [
    "Registered",
    "evaluate",
    "ingest",
    "judge",
    "judge_data",
    "record",
    "register",
    "search",
    "split",
]

# Holdout rows that are stored with a model, for comparison by people.
SAMPLE_ROWS = 5_000


@dataclass(frozen=True)
class Registered:
    """The result of a training; ``version`` is None if the model was blocked."""

    document: Document
    version: str | None = None
    promoted: bool = False


def ingest(run: TrainingRun) -> Validated:
    """The valid rows of the source, the repaired quarantine and, if configured, the labelled
    predictions.

    Invalid rows are quarantined, even if there are too many of them and the run stops.

    Raises InvalidData for too many invalid rows.
    """
    quarantine = Quarantine(run.settings.var / "quarantine")
    source = run.pipeline.source

    counts: dict[str, int] = {}

    def counted(origin: str, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            counts[origin] = counts.get(origin, 0) + len(batch.rows)
            yield batch

    def batches() -> Iterator[Batch]:
        # The source first: of two rows with one identity, validate() keeps the first.
        yield from read(source, run.columns.read, root=run.settings.root, environ=os.environ)
        yield from counted("the repaired quarantine", quarantine.repaired())
        if run.pipeline.labelled_log:
            yield from counted(
                "the labelled log", labelled_batches(logbook(run.product, run.settings))
            )

    limit = run.pipeline.checks.rejected_share_at_most
    try:
        validated = validate(batches(), run.product.labelled, limit=limit)
    except InvalidData as error:
        if error.rejected is not None:
            quarantine.keep(run.mlflow_run.id, error.rejected)
        raise
    quarantine.keep(run.mlflow_run.id, validated.rejected)
    rejected = len(validated.rejected.rows)
    share = f", {rejected:,} quarantined ({validated.rejected_share:.1%})" if rejected else ""
    columns = len(run.columns.read)
    # The verdict names every origin: rows from elsewhere must not pass as rows of the source.
    others = [f"{origin} ({rows:,})" for origin, rows in counts.items()]
    run.evidence.described = " + ".join((source.described, *others))
    console.line("ingest", f"{run.evidence.described}: {validated.seen:,} rows × {columns} columns")
    console.line("validate", f"{len(validated.rows):,} accepted{share}")
    if rejected:
        console.say(example_table(validated.rejected.failures))
    return validated


def split(run: TrainingRun, validated: Validated) -> HoldoutSplit:
    """The training side and the holdout side, by the policy of config/pipeline.yaml."""
    sides = split_rows(validated.rows, run.columns, run.pipeline.split)
    run.evidence.keep_split(validated, sides)
    counts = f"{len(sides.training):,} to train on, {len(sides.holdout):,} held out"
    console.line("split", f"{sides.described}: {counts}")
    return sides


def judge_data(run: TrainingRun, validated: Validated, split: HoldoutSplit) -> Document:
    """The document before the training; its verdict is that of the data criteria.

    Raises Refused if ``split`` is not the split of this run.
    """
    run.evidence.expect_side("training", split.training)
    measurements = measurements_of_data(
        validated.rows,
        split.training,
        run.columns,
        Configuration.of(run.pipeline),
        rejected_share=validated.rejected_share,
        today=run.today,
    )
    verdict = judge_measurements(measurements, run.criteria, on=run.today, of="data")
    document = _document(run, validated, split, measurements, verdict)
    run.evidence.document = document
    return document


def _document(
    run: TrainingRun,
    validated: Validated,
    split: HoldoutSplit,
    measurements: tuple[Measurement, ...],
    verdict: Verdict,
) -> Document:
    champion = run.champion
    reference = None
    if champion is not None:
        reference = ChampionReference(version=champion.version, digest=champion.digest)
    loaded = champion.loaded if champion else None
    return Document(
        product=run.product.name,
        run_id=run.mlflow_run.id,
        created=now(),
        judged_on=run.today,
        commit=commit_of(run.settings.root),
        criteria=run.criteria,
        criteria_digest=criteria_digest(run.criteria),
        # For the judge, which reports bars that were loosened since.
        previous_criteria=loaded.document.criteria if loaded else None,
        data=DataSummary(
            source=run.evidence.described or run.pipeline.source.described,
            digest=fingerprint(validated.rows),
            rows=len(validated.rows),
            rejected=len(validated.rejected.rows),
            split=split.described,
            training_rows=len(split.training),
            holdout_rows=len(split.holdout),
        ),
        model=None,
        champion=reference,
        data_measurements=measurements,
        measurements=(),
        data_verdict=verdict,
        verdict=verdict,
        metrics=run.columns.of_target.summaries,
        rules=RULES,
        configuration=Configuration.of(run.pipeline).model_dump(mode="json"),
        previous_configuration=loaded.document.configuration if loaded else {},
    )


def search(run: TrainingRun, training: pd.DataFrame) -> Found:
    """The best candidate within the budget, fitted on the training side only.

    Raises Refused if ``training`` are not the training rows of this run's split.
    """
    run.evidence.expect_side("training", training)
    budget = run.pipeline.search
    goal = run.columns.of_target.objective(run.criteria.primary, run.criteria.value)
    with trials(budget.trials) as advance:

        def progress(trial: Trial) -> None:
            result = trial.problem or f"{goal.name} {trial.score:.4g}"
            advance(f"{trial.candidate}, {result}, {trial.seconds:.1f} s")

        found = search_candidates(
            training,
            run.columns,
            run.product.candidates,
            goal,
            budget,
            by=run.pipeline.split.by,
            progress=progress,
        )
    console.line(
        "search",
        f"{found.candidate} is the best of {len(found.trials)} trials in {found.seconds:.0f} s",
    )
    if found.stopped_early:
        limit = f"search.seconds: {budget.seconds:g}"
        console.line("search", f"stopped at {limit}, before trial {budget.trials} was reached")
    seen = row_identities(training, run.columns)
    features = training[list(run.columns.inputs)]
    # Saved at once: this file is evaluated and registered, even if the flow changes the object.
    run.evidence.saved = save(
        found.model,
        run.workdir / "model",
        features=features,
        training_rows=seen,
        columns=run.columns,
    )
    run.evidence.found = found
    return found


def evaluate(run: TrainingRun, found: Found, holdout: pd.DataFrame) -> Evaluated:
    """The measurements of the model that ``search`` found, loaded from its file.

    An error in the evaluation is part of the result and blocks the model. Raises Refused if the
    model or the rows are not those of this run.
    """
    evidence = run.evidence
    evidence.expect_side("holdout", holdout)
    if found is not evidence.found or evidence.saved is None or evidence.split is None:
        raise Refused(
            "the model is not the one that this run's search found – expected what tasks.search"
            " returned, unchanged – add your own models to candidates.py"
        )
    training, saved = evidence.split.training, evidence.saved
    # Again after the search, because the flow can change the table in place.
    evidence.expect_side("training", training)
    try:
        model = reopen(saved)  # the file and not the object, because the file is deployed
        evaluation = evaluation_of_model(
            Challenger(
                model=model,
                trained_on=row_identities(training, run.columns),
                bytes=saved.bytes,
                seconds=found.seconds,
            ),
            run.champion,
            training,
            holdout,
            product=run.product,
            columns=run.columns,
            criteria=run.criteria,
            configuration=Configuration.of(run.pipeline),
        )
    except Exception as error:  # fail closed: any error in the evaluation blocks the model
        console.line("evaluate", f"failed: {in_words(error)}")
        evidence.evaluated = Evaluated(Evaluation(()), in_words(error))
        return evidence.evaluated
    _keep_reference(run, training, holdout, saved, model)
    console.line(
        "evaluate", f"{len(evaluation.measurements)} measurements on {len(holdout):,} rows"
    )
    evidence.evaluated = Evaluated(evaluation)
    return evidence.evaluated


def _keep_reference(
    run: TrainingRun, training: pd.DataFrame, holdout: pd.DataFrame, saved: Saved, model: Any
) -> None:
    """Stores with the model what monitoring compares with, a profile of the holdout rows and their
    predictions and a sample of them, and which rows were used.
    """
    # Only the features, so that the sample contains no keys.
    features = holdout[list(run.columns.inputs)]
    predictions = run.columns.of_target.predict(model, features)
    table = with_prediction(features, predictions)
    outcome = run.columns.encoded_target(holdout)
    rows = table.assign(decision=predictions.decision, outcome=outcome)
    sample = rows.sample(min(SAMPLE_ROWS, len(rows)), random_state=run.pipeline.search.seed)
    keep_reference(
        saved,
        profile_of(table, run.columns).model_dump_json(),
        sample,
        RecordedRows.of(training, holdout, run.columns),
    )


def judge(run: TrainingRun, document: Document, evaluated: Evaluated) -> Document:
    """The complete document, with the measurements of this run judged by the criteria.

    Raises Refused if the document or the measurements are not those of this run.
    """
    evidence = run.evidence
    evidence.expect_document(document)
    found, saved = evidence.found, evidence.saved
    if found is None or saved is None or evaluated is not evidence.evaluated:
        raise Refused(
            "the measurements are not those of this run – expected the result of tasks.evaluate,"
            " unchanged – pass it to judge without changes"
        )
    evaluation = evaluated.evaluation
    verdict = judge_measurements(
        evaluation.measurements,
        run.criteria,
        on=run.today,
        previous=document.previous_criteria,
        further=document.further_concerns,
    )
    judged = document.model_copy(
        update={
            "model": ModelSummary(
                candidate=found.candidate,
                parameters=found.params,
                digest=saved.digest,
                task=run.product.problem.task,
                classes=run.columns.of_target.class_names,
                threshold=found.threshold,
                calibration=found.calibration,
                packages=packages_of(saved),
            ),
            "measurements": evaluation.measurements,
            "verdict": verdict,
            "exhibits": _plots(run, found, evaluation),
            "problem": evaluated.problem,
        }
    )
    evidence.document = judged
    return judged


def _plots(run: TrainingRun, found: Found, evaluation: Evaluation) -> Plots:
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
    return Plots(
        primary=run.criteria.primary,
        candidates=tuple(rows),
        importance=evaluation.importance,
        curves=evaluation.curves,
        confusion=evaluation.confusion,
    )


def record(run: TrainingRun, document: Document) -> None:
    """Records the document, the scorecard and the validation report in MLflow and ends the run."""
    run.evidence.expect_document(document)
    validated = run.evidence.validated
    run.releases.models.runs.record(
        run.mlflow_run,
        document,
        scorecard_html=scorecard.html(document),
        scorecard_markdown=scorecard.markdown(document),
        attachments={"validation.md": validation_report(validated)} if validated else {},
    )


def register(run: TrainingRun, document: Document) -> Registered:
    """The registered version, which is None for a blocked model. With ``approval: automatic``, a
    version that is ready becomes the champion.
    """
    run.evidence.expect_document(document)
    saved = run.evidence.saved
    if saved is None or document.decision is Decision.BLOCKED:
        return Registered(document)
    version = run.releases.models.register(
        document, saved, scorecard_markdown=scorecard.markdown(document)
    )
    if run.criteria.approval == "automatic" and document.decision is Decision.READY:
        run.releases.promote_automatically(version)
        return Registered(document, version, promoted=True)
    return Registered(document, version)
