"""What the product tells Prefect's events about itself, by names that carry the product's.

One server may run several products: without its name in them, one would trigger and announce the
other.
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
    """The resource that the product's events are about."""
    return f"product.{product.name}"


def slug(product: Product) -> str:
    """The product in the names of blocks and artifacts, where Prefect takes letters, digits and
    dashes only.
    """
    return product.name.replace("_", "-")


def monitored_event(product: Product) -> str:
    """The event: monitoring has looked at a window."""
    return f"{product.name}.monitored"


def retraining_event(product: Product) -> str:
    """The event: monitoring asks for a retraining. prefect.yaml starts a training on it."""
    return f"{product.name}.retraining.asked"


def waiting_event(product: Product) -> str:
    """The event: a version was registered that only a person can make the champion."""
    return f"{product.name}.version.waiting"


def announce_waiting(product: Product, registered: Registered) -> None:
    """The event that the version waits, where it does."""
    if registered.version is None or registered.promoted:
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
    """The report as an artifact, and events: that there is one and, once per decision, that a
    retraining is asked for.
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
