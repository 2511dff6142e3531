"""Training: from rows to a judged model, and to a registered one if it is good enough.

The flow is the diagram of the README, one call per line. A refused model is an answer: the run ends
completed, in a state named *Blocked*, with the reasons. *Failed* is kept for what broke.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed

from .. import PRODUCT
from ..criteria import Decision
from ..escaping import escaped
from ..stores.release_checks import doubts
from . import flow_name
from .orders import Registered, opened
from .redacting import redacting
from .tasks import evaluate, ingest, judge, judge_data, record, register, search, split

__all__ = ["WAITING", "train"]

WAITING = f"{PRODUCT}.version.waiting"
"""The event: a version was registered that only a person can make the champion. Automations can notify on it."""


@flow(name=flow_name("train"), flow_run_name="train, {cause}")
@redacting
def train(cause: str = "by hand", source: str | None = None) -> State:
    """A completed state named after the decision, whose data is a ``Registered``.

    ``source`` is a path that takes the place of the configured one.
    """
    with opened(cause, source) as order:
        validated = ingest(order)
        parts = split(order, validated)
        document = judge_data(order, validated, parts)
        saved = None
        if document.data_verdict.decision is not Decision.BLOCKED:
            found = search(order, parts)
            saved, measured = evaluate(order, parts, found)
            document = judge(order, document, found, saved, measured)
        record(order, document, validated)
        registered = register(order, document, saved)
        _tell(registered)
        return _answer(registered)


def _answer(registered: Registered) -> State:
    decision = registered.document.decision
    message = "; ".join(registered.document.verdict.reasons) or "every criterion is met"
    return Completed(name=decision.value.capitalize(), message=escaped(message), data=registered)


def _tell(registered: Registered) -> None:
    """The event, once for each version: here and not in the task, which may be tried again."""
    if registered.version is None or registered.promoted:
        return
    decision, unsure = registered.document.decision, doubts(registered.document)
    named, open_points = f"Version {registered.version}", ", ".join(unsure)
    ready = f"{named} is {decision.value} and waits for approval."
    emit_event(
        WAITING,
        {"prefect.resource.id": f"product.{PRODUCT}", "prefect.resource.name": PRODUCT},
        payload={
            "version": registered.version,
            "decision": decision.value,
            "sentence": f"{named} waits for a person who takes on what is open: {open_points}." if unsure else ready,
            "open": list(unsure),
        },
    )
