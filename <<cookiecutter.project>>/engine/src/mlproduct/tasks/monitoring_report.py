"""The results of monitoring a window, as Markdown for people and as JSON for programs."""

import json
from dataclasses import asdict, dataclass
from datetime import date

import pandas as pd

from ..config.settings import Monitoring, Pipeline, Settings
from ..data.columns import Columns
from ..escaping import escaped, in_markdown
from ..gate.bars import measured_with_bar
from ..gate.criteria import Outcome, Verdict
from ..log.decision_log import Decided
from ..log.prediction_log import Coverage
from ..monitoring.drift import Finding
from ..monitoring.profile import Profile
from ..monitoring.reaction import Trust
from ..product import Product
from ..registry.versions import Loaded
from .logged_rows import Logbook

__all__ = [
    "LiveVerdict",
    "Monitored",
    "MonitoringContext",
    "MonitoringReport",
    "alarming",
    "markdown",
    "statements",
    "to_json",
]


@dataclass(frozen=True)
class MonitoringContext:
    """The champion, its reference data, and the window of days from ``start`` to ``day``."""

    product: Product
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
class LiveVerdict:
    """The criteria judged on labelled rows. ``drifted`` are the columns in which these rows have
    drifted as well. ``labelled`` has the columns decision and outcome of these rows.
    """

    verdict: Verdict
    trust: Trust
    rows: int
    days: tuple[date, ...]
    drifted: tuple[str, ...]
    metrics: dict[str, float]
    labelled: pd.DataFrame

    @property
    def failing(self) -> tuple[str, ...]:
        """The ids of the must-criteria that were measured and are not met."""
        return tuple(
            result.criterion.id
            for result in self.verdict.results
            if result.criterion.level == "must"
            and result.outcome is Outcome.NOT_MET
            and not result.could_not_be_measured
        )


@dataclass(frozen=True)
class MonitoringReport:
    """The results of one window. ``findings`` are None if there were too few rows to test for
    drift.
    """

    rows: int
    findings: tuple[Finding, ...] | None
    volume: Finding | None
    coverage: tuple[Coverage, ...]
    live: LiveVerdict | None
    problem: str | None
    sample: pd.DataFrame
    unseen: Finding | None = None
    """Labels of classes that the schema does not list."""

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns with a drift alarm."""
        return alarming(self.findings or ())


@dataclass(frozen=True)
class Monitored:
    """The results of one monitoring run; ``run`` is the id of its run in MLflow."""

    context: MonitoringContext
    report: MonitoringReport
    decision: Decided
    run: str


def alarming(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """The columns with an alarm, each once."""
    return tuple(dict.fromkeys(finding.column for finding in findings if finding.alarm))


def statements(report: MonitoringReport) -> list[tuple[str, str, str]]:
    """Every statement as (trust, alarm or outcome, sentence), the most important first."""
    found: list[tuple[str, str, str]] = []
    for result in report.live.verdict.results if report.live else ():
        value = f"{result.criterion.id}: {measured_with_bar(result)}"
        trust = report.live.trust if report.live else ""
        found.append((trust, result.outcome.value, f"{value}. {result.criterion.says}"))
    if report.problem:
        found.append(("partial", "problem", f"the criteria could not be judged: {report.problem}"))
    if report.findings is None:
        found.append(
            (
                "proxy",
                "too few",
                f"{report.rows:,} rows are too few to test for drift",
            )
        )
    if report.volume is not None:
        found.append(
            ("proxy", "alarm" if report.volume.alarm else "as usual", report.volume.sentence)
        )
    if report.unseen is not None:
        found.append(
            (
                "confirmed",
                "alarm" if report.unseen.alarm else "as usual",
                f"{report.unseen.column}: {report.unseen.sentence}",
            )
        )
    alarms = [finding for finding in report.findings or () if finding.alarm]
    found += [("proxy", "alarm", f"{finding.column}: {finding.sentence}") for finding in alarms]
    quiet = len(
        {finding.column for finding in report.findings or ()}
        - {finding.column for finding in alarms}
    )
    if report.findings is not None:
        found.append(("proxy", "as usual", f"{quiet} columns"))
    return found


def markdown(context: MonitoringContext, report: MonitoringReport, decision: Decided) -> str:
    """The report as a Markdown page: the decision, then its reasons."""
    lines = [
        f"**{decision.action}** – {in_markdown(decision.sentence, 2_000)}",
        "",
        f"Version {context.champion.version}, {context.start} to {context.day}, {report.rows:,}"
        f" rows. Trust: {decision.trust}.",
        "",
        "| trust | | |",
        "|---|---|---|",
        *(
            # A sentence may contain a value of the data, which may contain any character.
            f"| {trust} | {outcome} | {in_markdown(sentence, 2_000)} |"
            for trust, outcome, sentence in statements(report)
        ),
        "",
        "*proxy*: without labels · *partial*: on the labels so far · *confirmed*: on days with"
        " enough labels",
    ]
    if report.live:
        days = (
            f"{min(report.live.days)} to {max(report.live.days)}"
            if len(report.live.days) > 1
            else f"{report.live.days[0]}"
        )
        lines += ["", f"Criteria judged on {report.live.rows:,} labelled rows of {days}."]
    return "\n".join(map(escaped, lines)) + "\n"


def to_json(context: MonitoringContext, report: MonitoringReport, decision: Decided) -> str:
    """The report and the decision as JSON, without rows of data."""
    payload = {
        "champion": context.champion.version,
        "window": [str(context.start), str(context.day)],
        "rows": report.rows,
        "decision": {**asdict(decision), "details": dict(decision.details)},
        "findings": [asdict(finding) for finding in report.findings or ()],
        "volume": asdict(report.volume) if report.volume else None,
        "unseen_classes": asdict(report.unseen) if report.unseen else None,
        "coverage": [asdict(covered) | {"share": covered.share} for covered in report.coverage],
        "live": None
        if report.live is None
        else {
            "trust": report.live.trust,
            "rows": report.live.rows,
            "days": list(report.live.days),
            "drifted": list(report.live.drifted),
            "verdict": report.live.verdict.model_dump(mode="json"),
        },
        "problem": report.problem,
    }
    return json.dumps(payload, indent=1, default=str)
