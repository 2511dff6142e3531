"""Notifications: automations of Prefect, set up from environment variables.

    NOTIFY_SLACK_URL                       a Slack webhook
    NOTIFY_WEBHOOK_URL                     another webhook: receives subject and body as JSON
    NOTIFY_EMAIL_TO, NOTIFY_EMAIL_FROM,
    NOTIFY_SENDGRID_KEY                    e-mail, sent by SendGrid

A notification is sent when a flow has failed, a model was blocked, a version waits for approval or
a retraining is requested.
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any

from prefect import Flow
from prefect.automations import Automation
from prefect.blocks.notifications import CustomWebhookNotificationBlock, SendgridEmail, SlackWebhook
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

from ..errors import ConfigError
from ..product import Product
from .events import resource_id, retraining_event, slug, waiting_event

__all__ = ["arrange", "flow_names"]


def arrange(
    product: Product, flows: ModuleType, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """The names of the created automations. Existing automations of the same names are replaced.

    They cover the product and every flow in ``flows``, the team's module, including flows that the
    team added.

    Raises ConfigError if the environment sets no channel or no Prefect server.
    """
    if not environ.get("PREFECT_API_URL"):
        raise ConfigError(
            "PREFECT_API_URL is not set – expected the address of a Prefect server, which sends the"
            " notifications – run make up"
        )
    blocks = {name: block for name, block in _blocks(product, environ).items() if block is not None}
    if not blocks:
        raise ConfigError(
            "no channel is set – expected NOTIFY_SLACK_URL, NOTIFY_WEBHOOK_URL or NOTIFY_EMAIL_TO –"
            " see .env.example"
        )
    arranged = []
    for way, block in blocks.items():
        number = block.save(f"{slug(product)}-{way}", overwrite=True)
        for what, trigger, subject, body in _occasions(product, flow_names(flows)):
            arranged.append(
                _arranged(f"{product.name}: {what}, by {way}", trigger, number, subject, body)
            )
    return tuple(arranged)


def _blocks(product: Product, environ: Mapping[str, str]) -> dict[str, Any]:
    slack, webhook, mail = (
        environ.get(f"NOTIFY_{name}") for name in ("SLACK_URL", "WEBHOOK_URL", "EMAIL_TO")
    )
    json = {"subject": "{{subject}}", "body": "{{body}}"}
    return {
        "slack": SlackWebhook(url=slack) if slack else None,
        "webhook": CustomWebhookNotificationBlock(name=product.name, url=webhook, json_data=json)
        if webhook
        else None,
        "e-mail": SendgridEmail(
            api_key=_needed(environ, "NOTIFY_SENDGRID_KEY"),
            sender_email=_needed(environ, "NOTIFY_EMAIL_FROM"),
            to_emails=[each.strip() for each in mail.split(",")],
        )
        if mail
        else None,
    }


def _needed(environ: Mapping[str, str], name: str) -> Any:
    if not environ.get(name):
        raise ConfigError(
            f"{name} is not set – expected it together with NOTIFY_EMAIL_TO – see .env.example"
        )
    return environ[name]


def _occasions(product: Product, flows: Sequence[str]) -> list[tuple[str, EventTrigger, str, str]]:
    ours = {"prefect.resource.role": "flow", "prefect.resource.name": list(flows)}
    run, resource = (
        "{{ flow.name }}: {{ flow_run.state.message }}",
        {"prefect.resource.id": resource_id(product)},
    )
    return [
        (
            "a flow failed",
            _on(
                {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
                {"prefect.resource.id": "prefect.flow-run.*"},
                ours,
            ),
            "{{ flow.name }} failed",
            run,
        ),
        (
            "a model was blocked",
            _on({"prefect.flow-run.Blocked"}, {"prefect.resource.id": "prefect.flow-run.*"}, ours),
            f"{product.name}: a model was blocked",
            run,
        ),
        (
            "a version waits for approval",
            _on({waiting_event(product)}, resource, {}),
            f"{product.name}: a version waits for approval",
            "{{ event.payload.sentence }}",
        ),
        (
            "a retraining is requested",
            _on({retraining_event(product)}, resource, {}),
            f"{product.name}: a retraining is requested",
            "{{ event.payload.sentence }}",
        ),
    ]


def _on(events: set[str], match: dict[str, Any], related: dict[str, Any]) -> EventTrigger:
    # One event within no time at all: every single event sends a notification.
    return EventTrigger(
        expect=events,
        match=match,
        match_related=related,
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )


def _arranged(name: str, trigger: EventTrigger, block: Any, subject: str, body: str) -> str:
    # Deleted first, because Prefect accepts several automations of one name.
    with contextlib.suppress(ValueError):  # there is no automation of this name yet
        Automation.read(name=name).delete()
    Automation(
        name=name,
        trigger=trigger,
        actions=[SendNotification(block_document_id=block, subject=subject, body=body)],
    ).create()
    return name


def flow_names(flows: ModuleType) -> tuple[str, ...]:
    """The names on the Prefect server of the flows in the team's module, sorted."""
    return tuple(sorted(found.name for found in vars(flows).values() if isinstance(found, Flow)))
