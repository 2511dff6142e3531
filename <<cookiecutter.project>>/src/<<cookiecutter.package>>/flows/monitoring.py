"""Monitoring: one look at the window that ends on a day, a decision, and what follows from it."""

from dataclasses import dataclass
from datetime import date

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed

from .. import PRODUCT
from ..clock import today
from ..stores.ledger import Decided
from . import KEY, flow_name
from .look_page import markdown
from .redacting import redacting
from .tasks import decide, look, open_watch, record_look
from .watching import Look, Watch

__all__ = ["ASKED", "LOOKED", "Monitored", "monitor"]

ASKED, LOOKED = f"{PRODUCT}.retraining.asked", f"{PRODUCT}.monitored"
"""The events. prefect.yaml starts a training on the first; automations can notify on either."""


@dataclass(frozen=True)
class Monitored:
    """What one run of monitoring came to; ``run`` is its run in MLflow."""

    watch: Watch
    seen: Look
    decided: Decided
    run: str


@flow(name=flow_name("monitor"), flow_run_name="monitor")
@redacting
def monitor(day: date | None = None) -> State:
    """A completed state named after the decision, whose data is a ``Monitored``; ``day`` is today if left out."""
    watched = open_watch(day or today())
    seen = look(watched)
    decided = decide(watched, seen)
    run = record_look(watched, seen, decided)
    create_markdown_artifact(markdown(watched, seen, decided), key=f"{KEY}-monitoring", description=decided.sentence)
    _tell(decided, seen)
    return Completed(
        name=decided.action.capitalize(), message=decided.sentence, data=Monitored(watched, seen, decided, run)
    )


def _tell(decided: Decided, seen: Look) -> None:
    """Events for whoever listens: that a look was taken, and, once per decision, that a retraining is asked for."""
    resource = {"prefect.resource.id": f"product.{PRODUCT}", "prefect.resource.name": PRODUCT}
    said = {
        "action": decided.action,
        "cause": decided.cause,
        "sentence": decided.sentence,
        "trust": decided.trust,
        "champion": decided.champion,
        "window": [str(decided.window_start), str(decided.window_end)],
        "drifted": list(seen.drifted),
    }
    emit_event(LOOKED, resource, payload=said)
    if decided.action == "retrain":
        emit_event(ASKED, resource, payload=said)
