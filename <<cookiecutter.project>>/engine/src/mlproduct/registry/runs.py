"""Runs of MLflow: the criteria and configuration of a training, its results, and the verdict.

A run is started before the training, with the criteria that will be used for the verdict. A bar can
therefore not be adjusted to the result. Everything else comes from the verdict document. The trials
of the search are nested runs. A blocked model ends in a finished run, because blocked is a result
and not a failure.
"""

import json
import math
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..config.settings import Pipeline, Settings
from ..errors import Refused
from ..escaping import escaped
from ..gate.criteria import Criteria, Measurement, criteria_digest
from ..gate.document import CandidateRow, Document
from ..plain_text import REASON_LIMIT
from ..processes import process_tags
from ..redaction import redacted
from .tracking import answering, attach, connect, experiment, fetched, first_line

__all__ = ["DOCUMENT", "GIVEN_UP", "Run", "Runs", "commit_of", "metrics_of", "safe", "shortened"]

DOCUMENT = "decision.json"
NOTE_LIMIT = 8000  # MLflow's limit of a tag of a run
DATASET_DIGEST_LIMIT = 36  # MLflow's limit; the tag data_digest contains the whole digest
# Below MLflow's limit of 250 characters, so that "_low", "_high" or a number still fits.
NAME_LIMIT = 240
# The tag with the reason why a run was closed as killed; stale_runs.py sets it.
GIVEN_UP = "given_up"
BATCH = 1000  # MLflow's limit of metrics, params and tags together in one request


@dataclass(frozen=True)
class Run:
    """A started run: its id, the minute of its start (local time) and its criteria's digest."""

    id: str
    started: str
    criteria_digest: str


class Runs:
    """The runs of one product: the MLflow experiment with its name."""

    def __init__(self, settings: Settings, product: str, *, only_read: bool = False) -> None:
        self.settings = settings
        self.product = product
        self.client = connect(settings, only_read=only_read)

    def open(self, criteria: Criteria, pipeline: Pipeline, *, cause: str = "by hand") -> Run:
        """A started run that already contains the criteria, their digest, the commit, the cause and
        the configuration.
        """
        from mlflow.entities import Param

        digest, started = criteria_digest(criteria), f"{datetime.now():%Y-%m-%d %H:%M}"
        # Escaped and cut instead of refused: the cause can be the sentence of an event, and a
        # retraining must not fail because of it.
        shown_cause = escaped(redacted(cause))[:REASON_LIMIT]
        tags = {
            "criteria_digest": digest,
            "commit": commit_of(self.settings.root) or "none",
            "cause": shown_cause,
        } | process_tags()
        with answering(self.settings):
            created = self.client.create_run(
                experiment(self.client, self.settings, self.product),
                tags=tags,
                run_name=f"training · {started}",
            )
            run = Run(created.info.run_id, started, digest)
            file = self.settings.criteria_file
            # As text, because MLflow would copy the file with the permissions of the team's file.
            attach(self.client, run.id, {file.name: file.read_text(encoding="utf-8")})
            self.client.log_batch(
                run.id, params=[Param(key, str(value)) for key, value in _flat(pipeline)]
            )
        return run

    def record(
        self,
        run: Run,
        document: Document,
        *,
        scorecard_html: str,
        scorecard_markdown: str,
        attachments: Mapping[str, str] | None = None,
    ) -> None:
        """Records the document in the run as name, tags, metrics, note and files, and ends the run.

        ``attachments`` are further texts by file name. Raises Refused if the criteria differ from
        those at the start of the run, or if the document belongs to another run.
        """
        _same_run(run, document)
        files = {
            DOCUMENT: document.to_json(),
            "scorecard.html": scorecard_html,
            **(attachments or {}),
        }
        with answering(self.settings):
            self._log(run, document)
            self._log_trials(run, document)
            attach(self.client, run.id, files)
            self.client.set_tag(
                run.id, "mlflow.note.content", shortened(scorecard_markdown, NOTE_LIMIT)
            )
            failed = document.problem is not None
            result = "failed" if failed else " · ".join([document.decision, *_candidate(document)])
            self.client.update_run(run.id, name=f"{result} · {run.started}")
            # Another command closed this run as killed, although it was still running.
            if GIVEN_UP in self.client.get_run(run.id).data.tags:
                self.client.delete_tag(run.id, GIVEN_UP)
            # Last: if the process is killed before, the run is open and close_stale_runs finds it.
            self.client.set_terminated(run.id, "FAILED" if failed else "FINISHED")

    def fail(self, run: Run, problem: str) -> None:
        """Ends the run as failed, without a verdict; ``problem`` becomes a tag."""
        with answering(self.settings):
            self.client.set_tag(run.id, "problem", shortened(redacted(problem), NOTE_LIMIT))
            self.client.update_run(run.id, name=f"failed · {run.started}")
            self.client.set_terminated(run.id, "FAILED")

    def document(self, run_id: str) -> Document:
        """The verdict document of the run, as it is now; ``tags`` contain the digest it had.

        Raises Refused if it is missing or cannot be read.
        """
        with answering(self.settings):
            folder = self.client.get_run(run_id).info.artifact_uri
        try:
            return Document.from_json(fetched(self.settings, folder, DOCUMENT).decode("utf-8"))
        except FileNotFoundError as problem:
            raise Refused(_no_document(run_id, "cannot be fetched", "it is missing")) from problem
        except (ValidationError, UnicodeDecodeError) as problem:
            raise Refused(
                _no_document(run_id, "is not a verdict document", first_line(problem))
            ) from problem

    def tags(self, run_id: str) -> dict[str, str]:
        """The tags of the run."""
        with answering(self.settings):
            return dict(self.client.get_run(run_id).data.tags)

    def _log(self, run: Run, document: Document) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag

        now = int(time.time() * 1000)
        measured = metrics_of((*document.data_measurements, *document.measurements))
        metrics = [Metric(name, value, now, 0) for name, value in measured.items()]
        tags = [RunTag(name, value) for name, value in _tags(document).items()]
        # "or 1", so that the tags are recorded even without metrics.
        for first in range(0, len(metrics) or 1, BATCH - len(tags)):
            self.client.log_batch(
                run.id, metrics=metrics[first : first + BATCH - len(tags)], tags=tags
            )
        # Not built with mlflow.data, which would read all rows but digest only the first ones.
        data = Dataset(
            # The end of a long address, because it names the file.
            name=document.data.source[-NAME_LIMIT:],
            digest=document.data.digest[:DATASET_DIGEST_LIMIT],
            source_type="code",
            source=json.dumps(
                {"tags": {"source": document.data.source, "sha256": document.data.digest}}
            ),
            profile=json.dumps(document.data.model_dump(exclude={"source", "digest"})),
        )
        self.client.log_inputs(
            run.id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])]
        )

    def _log_trials(self, run: Run, document: Document) -> None:
        trials = experiment(self.client, self.settings, self.product)
        for place, trial in enumerate(document.exhibits.candidates, start=1):
            self._log_trial(run, trials, place, trial, document.exhibits.primary or "score")

    def _log_trial(
        self, run: Run, experiment: str, place: int, trial: CandidateRow, score: str
    ) -> None:
        from mlflow.entities import Metric, Param

        # The trial has already ended: the two times only show how long it took.
        began = int(time.time() * 1000)
        tags = {"mlflow.parentRunId": run.id} | (
            {"problem": trial.problem[:500]} if trial.problem else {}
        )
        nested = self.client.create_run(
            experiment, start_time=began, tags=tags, run_name=f"{place}. {trial.candidate}"
        ).info.run_id
        found = (
            {}
            if trial.score is None or not math.isfinite(trial.score)
            else {safe(score): trial.score}
        )
        metrics = [
            Metric(name, value, began, 0)
            for name, value in (found | {"seconds": trial.seconds}).items()
        ]
        params = [
            Param(key, str(value))
            for key, value in ({"candidate": trial.candidate} | trial.parameters).items()
        ]
        self.client.log_batch(nested, metrics=metrics, params=params)
        ended = began + int(trial.seconds * 1000)
        self.client.set_terminated(nested, "FAILED" if trial.problem else "FINISHED", ended)


def commit_of(root: Path) -> str | None:
    """The last commit that changed the product's folder, with ``+changes`` if files differ from it.

    None without git or a commit.
    """

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        last = git("log", "-1", "--format=%H", "--", ".")
        changed = bool(last) and bool(git("status", "--porcelain", "--", "."))
    except FileNotFoundError:
        return None
    return f"{last}+changes" if changed else last or None


def shortened(text: str, limit: int, file: str = "scorecard.html") -> str:
    """``text``, cut at the end of a line to ``limit`` characters; the rest is in ``file``."""
    if len(text) <= limit:
        return text
    rest = f"\n\n… the rest is in {file} of the run."
    return text[: limit - len(rest)].rpartition("\n")[0] + rest


def _same_run(run: Run, document: Document) -> None:
    if document.run_id != run.id:
        raise Refused(
            f"the document belongs to run {document.run_id}, not to run {run.id} – record it with"
            " its own run"
        )
    if document.criteria_digest != run.criteria_digest:
        raise Refused(
            f"the verdict uses the criteria {document.criteria_digest[:12]} – expected"
            f" {run.criteria_digest[:12]}, as at the start of the training; criteria are fixed"
            " before the result is known – train again"
        )


def _no_document(run_id: str, what: str, why: str) -> str:
    return (
        f"{DOCUMENT} of run {run_id} {what} ({why}) – no model is released without it – train again"
    )


def _tags(document: Document) -> dict[str, str]:
    tags = {
        "verdict": document.decision.value,
        "data_digest": document.data.digest,
        "decision_digest": document.digest,
    }
    if document.model is not None:
        tags["model_digest"] = document.model.digest
    if document.problem is not None:
        tags["problem"] = shortened(document.problem, NOTE_LIMIT)
    return tags


def _candidate(document: Document) -> tuple[str, ...]:
    return (document.model.candidate,) if document.model else ()


def _flat(pipeline: Pipeline) -> Iterator[tuple[str, Any]]:
    """The configuration as params; the source only by its description, never by its address."""
    yield "source", pipeline.source.described
    for part in ("split", "checks", "search", "evaluation"):
        for key, value in getattr(pipeline, part).model_dump(mode="json").items():
            yield f"{part}.{key}", value


def metrics_of(measurements: Sequence[Measurement]) -> dict[str, float]:
    """Value, low and high of every measurement under readable names that MLflow accepts.

    ``recall``, ``recall.region.north``, ``recall.region.north_minus_south``,
    ``recall.versus_champion``, each with ``_low`` and ``_high``. A measurement without a number is
    left out; the scorecard shows it.
    """
    found: dict[str, float] = {}
    for each in measurements:
        name = _free(_metric_name(each), found)
        numbers = {name: each.value}
        if each.intervals:
            numbers |= {f"{name}_low": each.interval.low, f"{name}_high": each.interval.high}
        if each.problem is None:
            found |= {key: value for key, value in numbers.items() if math.isfinite(value)}
    return found


def safe(part: str) -> str:
    """``part`` with every character that MLflow does not accept in a name replaced by ``_``."""
    return re.sub(r"[^\w\- ]", "_", part) or "_"


def _metric_name(found: Measurement) -> str:
    parts = [found.metric]
    if found.by is not None:
        parts += [
            found.by,
            f"{found.slice}_minus_{found.other}" if found.other is not None else str(found.slice),
        ]
    if found.versus is not None:
        parts.append(f"versus_{found.versus}")
    return ".".join(safe(part) for part in parts)[:NAME_LIMIT]


def _free(name: str, taken: Mapping[str, float]) -> str:
    """``name``, numbered if two slices differ only in characters that MLflow does not accept."""
    names = chain([name], (f"{name}_{number}" for number in count(2)))
    return next(each for each in names if each not in taken)
