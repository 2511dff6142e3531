"""Monitoring of a window of days: drift alarms on all rows, the criteria on labelled rows, and a
decision.
"""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ..clock import now, today
from ..config.settings import read_monitoring, read_pipeline
from ..data.fingerprint import row_identities
from ..errors import Refused
from ..evaluation.bootstrap import in_words
from ..evaluation.comparison import Baseline
from ..gate.criteria import read_criteria
from ..gate.judge import judge
from ..log.decision_log import Decided, DecisionLog
from ..log.label_log import Labels
from ..log.prediction_log import Coverage
from ..monitoring.drift import Finding, drift, unseen_classes, volume
from ..monitoring.evidently_report import report_pages
from ..monitoring.live_criteria import judged_live, measure_live
from ..monitoring.profile import PREDICTION, Profile
from ..monitoring.reaction import Asked, Seen, Trust, react
from ..permissions import private_settings
from ..problems import Predictions
from ..product import Product
from ..registry.monitoring_runs import MonitoringRuns
from ..registry.releases import Releases
from ..registry.runs import metrics_of, safe
from .logged_rows import chunks, labelled, logbook
from .monitoring_report import (
    LiveVerdict,
    MonitoringContext,
    MonitoringReport,
    alarming,
    markdown,
    to_json,
)

__all__ = ["decide", "monitoring_context", "monitoring_report", "record"]

EARLIER_WINDOWS = 4  # the usual number of rows is the median of these
# The longest a request for a retraining may be dated ahead of today and still count.
A_MONTH = timedelta(days=30)


def monitoring_context(product: Product, day: date | None = None) -> MonitoringContext:
    """The context for monitoring the window that ends on ``day`` (default today).

    Raises Refused if there is no champion, or no reference of the champion to compare with.
    Corrects MLflow's aliases first if a release was interrupted after its decision was recorded.
    """
    settings, day = private_settings(), day or today()
    monitoring = read_monitoring(settings.monitoring_file)
    releases = Releases(settings, product.name)
    releases.reconcile()
    champion = releases.load_champion()
    if champion is None:
        raise Refused(
            "there is no champion – monitoring needs a released model – train a model and approve"
            " a version"
        )
    profile, rows = releases.models.reference(releases.models.find(champion.version))
    return MonitoringContext(
        product=product,
        settings=settings,
        monitoring=monitoring,
        pipeline=read_pipeline(settings.pipeline_file),
        columns=product.columns,
        book=logbook(product, settings),
        champion=champion,
        reference=Profile.model_validate_json(profile),
        reference_rows=rows,
        start=day - timedelta(days=monitoring.window_days - 1),
        day=day,
    )


def monitoring_report(context: MonitoringContext) -> MonitoringReport:
    """The report: all rows of the window compared with the reference, and the criteria judged on
    the labelled days.
    """
    profile, sample = _counted(context)
    limits, log = context.monitoring.drift, context.book.log
    rows = 0 if profile is None else profile.rows
    findings = None
    if profile is not None and rows >= context.monitoring.rows_at_least:
        findings = drift(context.reference, profile, limits)
    back = context.day - timedelta(days=max(context.monitoring.labels.days, 1) - 1)
    coverage = log.coverage(back, context.day)
    problem = None
    live = None
    try:
        live = _live(context, log.coverage(back, context.day, version=context.champion.version))
    except Exception as error:
        # The alarms have to be reported even if the criteria cannot be judged.
        problem = in_words(error)
    return MonitoringReport(
        rows,
        findings,
        volume(rows, _usual(context), limits),
        coverage,
        live,
        problem,
        sample,
        _unseen(context),
    )


def _unseen(context: MonitoringContext) -> Finding | None:
    """The labels that were delivered in the window for classes that are not in the schema yet."""
    labels = Labels(context.settings.database_url)
    classes, total = labels.unseen(context.start, context.day)
    known = context.columns.of_target.class_names
    new = {name: rows for name, rows in classes.items() if name not in known}
    return unseen_classes(
        str(context.columns.target), new, total, context.monitoring.labels.unseen_at_most
    )


def _counted(context: MonitoringContext) -> tuple[Profile | None, pd.DataFrame]:
    """The profile of all rows, and a sample: the first rows in an order by identity and seed."""
    total, sample = None, pd.DataFrame()
    size, seed = context.monitoring.report.rows, np.uint64(context.monitoring.report.seed)
    for rows in chunks(context.book, context.start, context.day, context.champion.version):
        counted = context.reference.counted(rows)
        total = counted if total is None else total + counted
        # Multiplying by an odd number permutes the uint64 identities: no two ranks collide. The
        # sample is cut after each piece, so that memory does not grow with the window.
        rank = row_identities(rows, context.book.columns) * (seed * np.uint64(2) + np.uint64(1))
        sample = pd.concat([sample, rows.assign(rank=rank)], ignore_index=True).nsmallest(
            size, "rank"
        )
    return total, sample.drop(columns="rank", errors="ignore")


def _usual(context: MonitoringContext) -> list[int]:
    """The numbers of rows of the previous windows, without empty windows."""
    length = timedelta(days=context.monitoring.window_days)
    starts = [context.start - number * length for number in range(1, EARLIER_WINDOWS + 1)]
    volumes = context.book.log.volumes(starts[-1], context.start - timedelta(days=1))
    sums = [
        sum(rows for day, rows in volumes.items() if start <= day < start + length)
        for start in starts
    ]
    # With those before the first scored day, the median could be 0, and every window an alarm.
    return [rows for rows in sums if rows]


def _live(context: MonitoringContext, coverage: tuple[Coverage, ...]) -> LiveVerdict | None:
    """The criteria judged on the newest days with enough labels, or else on all labelled days; None
    if there are too few labels.

    ``coverage`` counts only predictions of the current champion, because those of an earlier
    champion are no evidence about it.
    """
    rules = context.monitoring.labels
    whole = [c for c in coverage if c.labelled and c.share >= rules.coverage_at_least]
    trust: Trust = (
        "confirmed" if sum(c.labelled for c in whole) >= rules.rows_at_least else "partial"
    )
    days = _newest(whole if trust == "confirmed" else [c for c in coverage if c.labelled], context)
    rows = labelled(context.book, days, context.champion.version, rules.rows_at_most)
    if len(rows) < rules.rows_at_least:
        return None
    columns, problem = context.columns, context.columns.of_target
    table = rows.assign(**{str(columns.target): rows["outcome"]})
    model = context.champion.document.model
    predictions = problem.from_log(
        rows, model.classes if model else (), model.threshold if model else None
    )
    criteria = judged_live(read_criteria(context.settings.criteria_file), problem)
    baselines = {
        "do_nothing": Baseline(problem.do_nothing(columns.encoded_target(table))),
        "rule": Baseline(problem.by_rule(context.product.rule)),
    }
    measurements = measure_live(
        predictions,
        table,
        rows["identity"].to_numpy(),
        baselines,  # type: ignore[arg-type]  # the names are those of criteria.Versus
        columns=columns,
        criteria=criteria,
        settings=context.pipeline.evaluation,
        seed=context.pipeline.search.seed,
    )
    return LiveVerdict(
        verdict=judge(measurements, criteria, on=context.day, of="live"),
        trust=trust,
        rows=len(rows),
        days=tuple(days),
        drifted=alarming(_drift_of(context, rows, predictions)),
        metrics=metrics_of(measurements),
        labelled=pd.DataFrame(
            {"decision": predictions.decision, "outcome": columns.encoded_target(table)}
        ),
    )


def _newest(covered: list[Coverage], context: MonitoringContext) -> list[date]:
    """The newest days, as many as are needed for enough labelled rows."""
    found: list[date] = []
    rows = 0
    for each in reversed(covered):
        # The second limit is that of the drift test, which _drift_of runs on these rows.
        if rows >= max(context.monitoring.labels.rows_at_least, context.monitoring.rows_at_least):
            break
        found.append(each.day)
        rows += each.labelled
    return found


def _drift_of(
    context: MonitoringContext, rows: pd.DataFrame, predictions: Predictions
) -> tuple[Finding, ...]:
    if len(rows) < context.monitoring.rows_at_least:
        return ()
    table = rows.assign(
        **{PREDICTION: predictions.decision if predictions.score is None else predictions.score}
    )
    return drift(context.reference, context.reference.counted(table), context.monitoring.drift)


def decide(context: MonitoringContext, report: MonitoringReport) -> Decided:
    """The decision, recorded in the decision log. Two monitoring runs at the same time request only
    one retraining.
    """
    champion = context.champion
    inputs = Seen(
        day=context.day,
        champion=champion.version,
        drifted=report.drifted,
        # Labels answer whether a drift matters only if their rows have drifted in the same columns.
        drift_labelled=report.live is not None and set(report.drifted) <= set(report.live.drifted),
        failing=report.live.failing if report.live else (),
        judged=report.live.trust if report.live else None,
        other=tuple(
            finding.sentence
            for finding in (report.volume, report.unseen)
            if finding is not None and finding.alarm
        ),
        new_labels=Labels(context.settings.database_url).since(champion.document.created),
    )

    def how(before: tuple[Decided, ...]) -> Decided:
        """The decision, given all earlier ones. The log is locked during the call."""
        retrained = [one for one in before if one.action == "retrain"]
        # A clock that was ahead may have recorded a request with a date far in the future. It must
        # not block all retrainings until that date.
        latest = max(context.day, today()) + A_MONTH
        asked = [Asked(one.window_end, one.cause) for one in retrained if one.window_end <= latest]
        answer = react(inputs, asked, context.monitoring.reaction)
        details = {
            "drifted": list(inputs.drifted),
            "failing": list(inputs.failing),
            "rows": report.rows,
        }
        details["new_labels"] = inputs.new_labels
        return Decided(
            action=answer.action,
            cause=answer.cause,
            sentence=answer.sentence,
            trust=answer.trust,
            window_start=context.start,
            window_end=context.day,
            champion=champion.version,
            details=details,
            at=now(),
        )

    return DecisionLog(context.settings.database_url).decide(how)


def record(context: MonitoringContext, report: MonitoringReport, decision: Decided) -> str:
    """The id of the MLflow run with the report: the metrics, the pages by Evidently and the
    sentences.
    """
    files = {
        "look.md": markdown(context, report, decision),
        "look.json": to_json(context, report, decision),
    }
    if len(report.sample):
        performance = report.live.labelled if report.live else None
        files |= _pages(context, report.sample, performance)
    title = (
        decision.action
        if not report.drifted
        else f"{decision.action} · {', '.join(report.drifted)}"
    )
    return MonitoringRuns(context.settings, context.product.name).record(
        context.day,
        context.champion.version,
        title=title,
        tags={"decision": decision.action, "cause": decision.cause, "trust": decision.trust},
        metrics=_metrics(report),
        note=files["look.md"],
        files=files,
    )


def _pages(
    context: MonitoringContext, sample: pd.DataFrame, performance: pd.DataFrame | None
) -> dict[str, str]:
    pages: Callable[..., dict[str, str]] = report_pages
    model, problem = context.champion.document.model, context.columns.of_target
    try:
        # The reference was stored with the classes of the champion.
        reference = context.reference_rows.assign(
            **{
                name: problem.recoded(
                    context.reference_rows[name].to_numpy(), model.classes if model else ()
                )
                for name in ("decision", "outcome")
            }
        )
        return pages(reference, sample, context.columns, performance)
    except Exception as error:  # an alarm has to be reported even if its plots cannot be drawn
        return {"report-failed.txt": in_words(error)}


def _metrics(report: MonitoringReport) -> dict[str, float]:
    found = {"rows": float(report.rows), "alarms": float(len(report.drifted))}
    for finding in report.findings or ():
        if finding.what == "values":
            found[f"psi.{safe(finding.column)}"] = finding.size
        elif finding.what == "missing":
            found[f"missing_moved.{safe(finding.column)}"] = finding.size
    predictions = sum(covered.predictions for covered in report.coverage)
    if predictions:
        found["coverage"] = sum(covered.labelled for covered in report.coverage) / predictions
    if report.unseen is not None:
        found["unseen_classes"] = report.unseen.size
    if report.live:
        found |= {f"live.{name}": value for name, value in report.live.metrics.items()}
    return found
