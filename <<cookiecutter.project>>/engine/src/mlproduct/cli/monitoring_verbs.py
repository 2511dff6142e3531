"""``monitor`` and ``decisions``: the findings of monitoring and its decisions."""

from argparse import Namespace
from datetime import date
from typing import TYPE_CHECKING

from ..console import coloured, heading, say, table
from ..escaping import escaped
from .prediction_verbs import as_date
from .project import Project

if TYPE_CHECKING:
    from ..tasks.monitoring_report import Monitored

__all__ = ["decisions", "monitor", "run_monitoring", "show_report"]

# The text and the colour of each decision.
SHOWN = {"retrain": ("RETRAIN", "red"), "wait": ("WAIT", "yellow"), "nothing": ("OK", "green")}


def monitor(options: Namespace, project: Project) -> int:
    """Runs the monitoring flow for the window that ends on ``--day`` and prints its report."""
    monitored = run_monitoring(project, as_date(options.day))
    show_report(monitored)
    say(f"  reports     {project.call} review   experiment {project.product.name} monitoring")
    say(f"  decisions   {project.call} decisions")
    return 0


def run_monitoring(project: Project, day: date | None) -> "Monitored":
    """The result of the monitoring flow for the window that ends on ``day``, by default today."""
    from ..tasks.local_runner import run_locally

    monitored: Monitored = run_locally(project.flows.monitor, day=day).result()
    return monitored


def show_report(monitored: "Monitored") -> None:
    """Prints each statement with its trust, then the decision."""
    from ..tasks.monitoring_report import statements

    context, report, decision = monitored.context, monitored.report, monitored.decision
    named = f"{context.product.name} version {context.champion.version}"
    heading(f"{named}, {context.start} to {context.day}, {report.rows:,} rows")
    # The lines are coloured after table(), which would escape the codes in its cells.
    for text in table(statements(report)):
        say(coloured(text, "red") if "  alarm  " in text or "  not met  " in text else text)
    say()
    say(f"{coloured(*SHOWN[decision.action])}  {escaped(decision.sentence)}")


def decisions(options: Namespace, project: Project) -> int:
    """Prints the last decisions of monitoring, oldest first."""
    from ..log.decision_log import DecisionLog

    found = DecisionLog(project.settings.database_url).decisions()
    rows = [
        (str(one.sequence), f"{one.at:%Y-%m-%d %H:%M}", one.action, one.trust, one.sentence)
        for one in found
    ]
    for text in table(rows[-options.last :]):
        say(text)
    if not found:
        say("Monitoring has made no decision yet.")
    return 0
