"""``monitor`` and ``ledger``: what was seen, and what was decided about it."""

from argparse import Namespace
from datetime import date
from typing import TYPE_CHECKING

from .. import PRODUCT
from ..config import Settings
from ..console import coloured, heading, say, table
from ..escaping import escaped
from . import CALL
from .predictions import as_date

if TYPE_CHECKING:
    from ..flows.monitoring import Monitored

__all__ = ["ledger", "monitor", "run_monitoring", "show_look"]

COLOURS = {"retrain": "red", "wait": "yellow", "nothing": "green"}


def monitor(options: Namespace, settings: Settings) -> int:
    monitored = run_monitoring(as_date(options.day))
    show_look(monitored)
    say(f"  reports     {CALL} review   experiment {PRODUCT} monitoring")
    say(f"  decisions   {CALL} ledger")
    return 0


def run_monitoring(day: date | None) -> "Monitored":
    from ..flows.here import run_here
    from ..flows.monitoring import monitor as flow

    monitored: Monitored = run_here(flow, day=day).result()
    return monitored


def show_look(monitored: "Monitored") -> None:
    """The statements with their trust, and the decision."""
    from ..flows.look_page import statements

    watch, decided = monitored.watch, monitored.decided
    heading(f"{PRODUCT} version {watch.champion.version}, {watch.start} to {watch.day}, {monitored.seen.rows:,} rows")
    for text in table(statements(monitored.seen)):
        say(coloured(text, "red") if "  alarm  " in text or "  not met  " in text else text)
    say()
    say(f"{coloured(decided.action.upper(), COLOURS[decided.action])}  {escaped(decided.sentence)}")


def ledger(options: Namespace, settings: Settings) -> int:
    from ..stores.ledger import Ledger

    decisions = Ledger(settings.database_url).decisions()
    rows = [(str(one.sequence), f"{one.at:%Y-%m-%d %H:%M}", one.action, one.trust, one.sentence) for one in decisions]
    for text in table(rows[-options.last :]):
        say(text)
    if not decisions:
        say("Nothing was decided yet.")
    return 0
