"""The events that a product sends to Prefect. Every event name contains the product's name.

One server may run several products. Without the name, an event of one product would start a
training or a notification of another.
"""

from collections.abc import Mapping
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from ..product import Product
from ..registry.release_checks import doubts
from .monitoring_report import Monitored, markdown
from .training import Registered

__all__ = [
    "announce_monitored",
    "announce_waiting",
    "monitored_event",
    "resource_id",
    "retraining_event",
    "slug",
    "waiting_event",
]


def resource_id(product: Product) -> str:
    """The id of the Prefect resource that the product's events belong to."""
    return f"product.{product.name}"


def slug(product: Product) -> str:
    """The product's name for blocks and artifacts: Prefect allows only letters, digits and dashes
    there.
    """
    return product.name.replace("_", "-")


def monitored_event(product: Product) -> str:
    """The name of the event that monitoring has checked a window."""
    return f"{product.name}.monitored"


def retraining_event(product: Product) -> str:
    """The name of the event that monitoring requests a retraining. A trigger in prefect.yaml starts
    a training on it.
    """
    return f"{product.name}.retraining.asked"


def waiting_event(product: Product) -> str:
    """The name of the event that a registered version waits for the approval of a person."""
    return f"{product.name}.version.waiting"


def announce_waiting(product: Product, registered: Registered) -> None:
    """Sends the event that the version waits for approval, unless it is blocked, promoted, or
    judged by a draft of the criteria.
    """
    if registered.version is None or registered.promoted or registered.document.criteria.draft:
        return
    decision, unsure = registered.document.decision, doubts(registered.document)
    named, open_points = f"Version {registered.version}", ", ".join(unsure)
    ready = f"{named} is {decision.value} and waits for approval."
    payload = {
        "version": registered.version,
        "decision": decision.value,
        "sentence": f"{named} needs review; approving it accepts these risks: {open_points}."
        if unsure
        else ready,
        "open": list(unsure),
    }
    _emit(product, waiting_event(product), payload)


def announce_monitored(monitored: Monitored) -> None:
    """Creates the report as an artifact and sends the events: that monitoring has run and, if the
    decision is to retrain, that a retraining is requested.
    """
    context, report, decision = monitored.context, monitored.report, monitored.decision
    page = markdown(context, report, decision)
    create_markdown_artifact(
        page, key=f"{slug(context.product)}-monitoring", description=decision.sentence
    )
    payload = {
        "action": decision.action,
        "cause": decision.cause,
        "sentence": decision.sentence,
        "trust": decision.trust,
        "champion": decision.champion,
        "window": [str(decision.window_start), str(decision.window_end)],
        "drifted": list(report.drifted),
    }
    _emit(context.product, monitored_event(context.product), payload)
    if decision.action == "retrain":
        _emit(context.product, retraining_event(context.product), payload)


def _emit(product: Product, event: str, payload: Mapping[str, Any]) -> None:
    resource = {"prefect.resource.id": resource_id(product), "prefect.resource.name": product.name}
    emit_event(event, resource, payload=dict(payload))
