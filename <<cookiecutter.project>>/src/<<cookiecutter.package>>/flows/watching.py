"""One look at what was predicted lately: alarms on all rows, the criteria where labels have come, a decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from .. import PRODUCT, candidates
from ..clock import now, today
from ..columns import Columns, columns_of
from ..config import Monitoring, Pipeline, Settings, read_criteria, read_monitoring, read_pipeline
from ..criteria import Outcome, Verdict
from ..errors import Refused
from ..judge import judge
from ..private import private_settings
from ..schemas import Labelled
from ..steps.bootstrap import in_words
from ..steps.drift import Finding, drift, volume
from ..steps.evidently_report import report_pages
from ..steps.fingerprint import row_identities
from ..steps.live import judged_live, measure_live
from ..steps.predict import Predictions, by_rule, do_nothing
from ..steps.profile import PREDICTION, Profile
from ..steps.reaction import Asked, Seen, Trust, react
from ..steps.study import Rival
from ..stores.labels import Labels
from ..stores.ledger import Decided, Ledger
from ..stores.metric_names import metrics_of, safe
from ..stores.monitoring_runs import MonitoringRuns
from ..stores.prediction_log import Coverage
from ..stores.releases import Releases
from ..stores.versions import Loaded
from .logged import Logbook, labelled, logbook, pieces
from .look_page import markdown, to_json

__all__ = ["Live", "Look", "Watch", "decide", "look", "record", "watch"]

EARLIER_WINDOWS = 4
A_MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Watch:
    """What is watched: the champion, what it was judged on, and the days from ``start`` to ``day``."""

    settings: Settings
    monitoring: Monitoring
    pipeline: Pipeline
    columns: Columns
    book: Logbook
    champion: Loaded
    reference: Profile
    reference_rows: pd.DataFrame
    start: date
    day: date


@dataclass(frozen=True)
class Live:
    """The criteria judged on what came true; ``drifted`` are columns in which the judged rows have drifted too."""

    verdict: Verdict
    trust: Trust
    rows: int
    days: tuple[date, ...]
    drifted: tuple[str, ...]
    metrics: dict[str, float]
    labelled: pd.DataFrame

    @property
    def failing(self) -> tuple[str, ...]:
        """The must-criteria that are measured and not met."""
        return tuple(
            result.criterion.id
            for result in self.verdict.results
            if result.criterion.level == "must"
            and result.outcome is Outcome.NOT_MET
            and not result.could_not_be_measured
        )


@dataclass(frozen=True)
class Look:
    """What was seen. ``findings`` are None where there were too few rows to say anything."""

    rows: int
    findings: tuple[Finding, ...] | None
    volume: Finding | None
    coverage: tuple[Coverage, ...]
    live: Live | None
    problem: str | None
    sample: pd.DataFrame

    @property
    def drifted(self) -> tuple[str, ...]:
        return _alarming(self.findings or ())


def watch(day: date) -> Watch:
    """What to watch on that day. Raises Refused where there is no champion, or nothing to compare it with.

    The aliases are made to say what the trail says, should a release have died between the two.
    """
    settings = private_settings()
    monitoring = read_monitoring(settings.monitoring_file)
    releases = Releases(settings, PRODUCT)
    releases.reconcile()
    champion = releases.load_champion()
    if champion is None:
        raise Refused("there is no champion – there is nothing to watch – train, and approve a version")
    profile, rows = releases.models.reference(releases.models.find(champion.version))
    return Watch(
        settings=settings,
        monitoring=monitoring,
        pipeline=read_pipeline(settings.pipeline_file),
        columns=columns_of(Labelled),
        book=logbook(settings),
        champion=champion,
        reference=Profile.model_validate_json(profile),
        reference_rows=rows,
        start=day - timedelta(days=monitoring.window_days - 1),
        day=day,
    )


def look(watch: Watch) -> Look:
    """All rows of the window counted against the reference, and the labelled days judged."""
    profile, sample = _counted(watch)
    limits, log = watch.monitoring.drift, watch.book.log
    rows = 0 if profile is None else profile.rows
    findings = None
    if profile is not None and rows >= watch.monitoring.rows_at_least:
        findings = drift(watch.reference, profile, limits)
    back = watch.day - timedelta(days=max(watch.monitoring.labels.days, 1) - 1)
    coverage = log.coverage(back, watch.day)
    problem = None
    live = None
    try:
        live = _live(watch, log.coverage(back, watch.day, version=watch.champion.version))
    except Exception as error:  # what cannot be judged is said, and is no reason to be silent about the rest
        problem = in_words(error)
    return Look(rows, findings, volume(rows, _usual(watch), limits), coverage, live, problem, sample)


def _counted(watch: Watch) -> tuple[Profile | None, pd.DataFrame]:
    """The counts of every row, and a sample: the rows whose identities come first in a seeded order."""
    total, sample = None, pd.DataFrame()
    size, seed = watch.monitoring.report.rows, np.uint64(watch.monitoring.report.seed)
    for rows in pieces(watch.book, watch.start, watch.day, watch.champion.version):
        counted = watch.reference.counted(rows)
        total = counted if total is None else total + counted
        lot = row_identities(rows, watch.book.columns) * (seed * np.uint64(2) + np.uint64(1))
        sample = pd.concat([sample, rows.assign(lot=lot)], ignore_index=True).nsmallest(size, "lot")
    return total, sample.drop(columns="lot", errors="ignore")


def _usual(watch: Watch) -> list[int]:
    """How many rows each of the last windows had, those without any left out."""
    length = timedelta(days=watch.monitoring.window_days)
    starts = [watch.start - number * length for number in range(1, EARLIER_WINDOWS + 1)]
    volumes = watch.book.log.volumes(starts[-1], watch.start - timedelta(days=1))
    sums = [sum(rows for day, rows in volumes.items() if start <= day < start + length) for start in starts]
    return [rows for rows in sums if rows]


def _live(watch: Watch, coverage: tuple[Coverage, ...]) -> Live | None:
    """The newest days whose labels have come, or else whatever labels there are; None where they are too few.

    What an earlier champion predicted says nothing about this one; ``coverage`` is of its own predictions.
    """
    rules = watch.monitoring.labels
    whole = [c for c in coverage if c.labelled and c.share >= rules.coverage_at_least]
    trust: Trust = "confirmed" if sum(c.labelled for c in whole) >= rules.rows_at_least else "partial"
    days = _newest(whole if trust == "confirmed" else [c for c in coverage if c.labelled], watch)
    rows = labelled(watch.book, days, watch.champion.version, rules.rows_at_most)
    if len(rows) < rules.rows_at_least:
        return None
    columns = watch.columns
    table = rows.assign(**{str(columns.target): rows["outcome"]})
    said = _said(rows, columns)
    criteria = judged_live(read_criteria(watch.settings.criteria_file))
    rivals = {"do_nothing": Rival(do_nothing(table, columns)), "rule": Rival(by_rule(candidates.rule))}
    measurements = measure_live(
        said,
        table,
        rows["identity"].to_numpy(),
        rivals,  # type: ignore[arg-type]  # the names are those of criteria.Versus
        columns=columns,
        criteria=criteria,
        settings=watch.pipeline.evaluation,
        seed=watch.pipeline.search.seed,
    )
    return Live(
        verdict=judge(measurements, criteria, on=watch.day, of="live"),
        trust=trust,
        rows=len(rows),
        days=tuple(days),
        drifted=_alarming(_drift_of(watch, rows, said)),
        metrics=metrics_of(measurements),
        labelled=rows[["decision", "outcome"]],
    )


def _newest(covered: list[Coverage], watch: Watch) -> list[date]:
    """The newest days, until together they have a window's worth of rows to judge by."""
    found: list[date] = []
    rows = 0
    for each in reversed(covered):
        if rows >= max(watch.monitoring.labels.rows_at_least, watch.monitoring.rows_at_least):
            break
        found.append(each.day)
        rows += each.labelled
    return found


def _said(rows: pd.DataFrame, columns: Columns) -> Predictions:
    def numbers(name: str) -> np.ndarray | None:
        return rows[name].to_numpy(dtype=float) if rows[name].notna().all() else None

    decision = rows["decision"].to_numpy(dtype=float)
    return Predictions(decision, numbers("score"), numbers("low"), numbers("high"))


def _drift_of(watch: Watch, rows: pd.DataFrame, said: Predictions) -> tuple[Finding, ...]:
    if len(rows) < watch.monitoring.rows_at_least:
        return ()
    table = rows.assign(**{PREDICTION: said.decision if said.score is None else said.score})
    return drift(watch.reference, watch.reference.counted(table), watch.monitoring.drift)


def _alarming(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.column for finding in findings if finding.alarm))


def decide(watch: Watch, seen: Look) -> Decided:
    """The decision as it stands in the ledger now; two monitors at once ask for one retraining."""
    champion = watch.champion
    inputs = Seen(
        day=watch.day,
        champion=champion.version,
        drifted=seen.drifted,
        drift_labelled=seen.live is not None and set(seen.drifted) <= set(seen.live.drifted),
        failing=seen.live.failing if seen.live else (),
        judged=seen.live.trust if seen.live else None,
        other=(seen.volume.sentence,) if seen.volume and seen.volume.alarm else (),
        new_labels=Labels(watch.settings.database_url).since(champion.document.created),
    )

    def how(before: tuple[Decided, ...]) -> Decided:
        retrained = [one for one in before if one.action == "retrain"]
        # What was asked for on a day far to come, by a clock that was ahead, must not hold everything back until then.
        latest = max(watch.day, today()) + A_MONTH
        asked = [Asked(one.window_end, one.cause) for one in retrained if one.window_end <= latest]
        answer = react(inputs, asked, watch.monitoring.reaction)
        details = {"drifted": list(inputs.drifted), "failing": list(inputs.failing), "rows": seen.rows}
        details["new_labels"] = inputs.new_labels
        return Decided(
            action=answer.action,
            cause=answer.cause,
            sentence=answer.sentence,
            trust=answer.trust,
            window_start=watch.start,
            window_end=watch.day,
            champion=champion.version,
            details=details,
            at=now(),
        )

    return Ledger(watch.settings.database_url).decide(how)


def record(watch: Watch, seen: Look, decided: Decided) -> str:
    """The id of the MLflow run that shows the look: the numbers, Evidently's pages, the sentences."""
    files = {"look.md": markdown(watch, seen, decided), "look.json": to_json(watch, seen, decided)}
    if len(seen.sample):
        performance = seen.live.labelled if seen.live else None
        files |= _pages(watch, seen.sample, performance)
    title = decided.action if not seen.drifted else f"{decided.action} · {', '.join(seen.drifted)}"
    return MonitoringRuns(watch.settings, PRODUCT).record(
        watch.day,
        watch.champion.version,
        title=title,
        tags={"decision": decided.action, "cause": decided.cause, "trust": decided.trust},
        metrics=_metrics(seen),
        note=files["look.md"],
        files=files,
    )


def _pages(watch: Watch, sample: pd.DataFrame, performance: pd.DataFrame | None) -> dict[str, str]:
    pages: Callable[..., dict[str, str]] = report_pages
    try:
        return pages(watch.reference_rows, sample, watch.columns, performance)
    except Exception as error:  # a picture that cannot be drawn must not keep the alarm from being told
        return {"report-failed.txt": in_words(error)}


def _metrics(seen: Look) -> dict[str, float]:
    found = {"rows": float(seen.rows), "alarms": float(len(seen.drifted))}
    for finding in seen.findings or ():
        if finding.what == "values":
            found[f"psi.{safe(finding.column)}"] = finding.size
        elif finding.what == "missing":
            found[f"missing_moved.{safe(finding.column)}"] = finding.size
    predictions = sum(covered.predictions for covered in seen.coverage)
    if predictions:
        found["coverage"] = sum(covered.labelled for covered in seen.coverage) / predictions
    if seen.live:
        found |= {f"live.{name}": value for name, value in seen.live.metrics.items()}
    return found
