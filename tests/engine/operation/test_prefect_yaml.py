"""Everything that prefect.yaml promises: each deployment leads to a flow that takes its
parameters.
"""

from importlib import import_module
from typing import Any

import pytest
import yaml
from mlproduct.tasks import events
from mlproduct.tasks.notifications import _occasions, flow_names
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.events import DeploymentEventTrigger
from trial_radar import flows

from ..team import PRODUCT, PROJECT

FILE = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS: list[dict[str, Any]] = FILE["deployments"]
FLOWS = flow_names(flows)
RETRAINING, MONITORED, WAITING = (
    event(PRODUCT)
    for event in (events.retraining_event, events.monitored_event, events.waiting_event)
)


def flow_of(deployment: dict[str, Any]) -> Flow[Any, Any]:
    module, _, name = deployment["entrypoint"].rpartition(".")
    found = getattr(import_module(module), name)
    assert isinstance(found, Flow)
    return found


def called(deployment: dict[str, Any]) -> str:
    return f"{flow_of(deployment).name}/{deployment['name']}"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=called)
def test_a_deployment_leads_to_a_flow_that_takes_its_parameters(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    schema = flow.parameters
    asked = deployment.get("parameters", {})
    assert set(asked) <= set(schema.properties)
    if "schedules" in deployment:  # nobody is there to be asked
        assert set(schema.required) <= set(asked)
        assert flow.validate_parameters(asked) is not None
    assert deployment["work_pool"]["name"] == PRODUCT.name
    assert deployment["work_pool"]["work_queue_name"] == PRODUCT.name
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


@pytest.mark.parametrize(
    "schedule",
    [schedule for deployment in DEPLOYMENTS for schedule in deployment.get("schedules", [])],
    ids=lambda schedule: schedule["cron"],
)
def test_a_schedule_is_one(schedule: dict[str, str]) -> None:
    assert (
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).cron == schedule["cron"]
    )
    assert schedule["slug"] in ("daily", "weekly")


def test_what_runs_by_itself_and_what_people_run() -> None:
    scheduled = {
        called(each): [s["slug"] for s in each["schedules"]]
        for each in DEPLOYMENTS
        if "schedules" in each
    }
    assert scheduled == {
        f"{PRODUCT.name}-train/{PRODUCT.name}-train-weekly": ["weekly"],
        f"{PRODUCT.name}-score/{PRODUCT.name}-score-daily": ["daily"],
        f"{PRODUCT.name}-label/{PRODUCT.name}-label-daily": ["daily"],
        f"{PRODUCT.name}-monitor/{PRODUCT.name}-monitor-daily": ["daily"],
        f"{PRODUCT.name}-expire/{PRODUCT.name}-expire-weekly": ["weekly"],
    }
    by_hand = {called(each) for each in DEPLOYMENTS} - set(scheduled)
    assert by_hand == {
        f"{PRODUCT.name}-{what}/{PRODUCT.name}-{what}" for what in ("approve", "reject", "rollback")
    }


def test_a_day_is_scored_and_labelled_before_it_is_looked_at() -> None:
    daily = {
        flow_of(each).name: each["schedules"][0]["cron"]
        for each in DEPLOYMENTS
        if each["name"].endswith("-daily")
    }
    minutes = {
        name: int(cron.split()[1]) * 60 + int(cron.split()[0]) for name, cron in daily.items()
    }
    assert (
        minutes[f"{PRODUCT.name}-score"]
        < minutes[f"{PRODUCT.name}-label"]
        < minutes[f"{PRODUCT.name}-monitor"]
    )


def test_the_trigger_hears_what_monitoring_says() -> None:
    (trigger,) = (trigger for each in DEPLOYMENTS for trigger in each.get("triggers", []))
    read = DeploymentEventTrigger.model_validate(trigger)
    assert read.expect == {RETRAINING}
    assert trigger["match"] == {"prefect.resource.id": events.resource_id(PRODUCT)}
    (training,) = (each for each in DEPLOYMENTS if each.get("triggers"))
    assert set(trigger["parameters"]) <= set(flow_of(training).parameters.properties)


def test_people_are_told_about_every_flow() -> None:
    assert {flow_of(each).name for each in DEPLOYMENTS} == set(FLOWS)


def test_people_are_told_of_this_product_only() -> None:
    """Each occasion goes by a name of the product: that of its resource, or those of its flows."""
    resource = {"prefect.resource.id": f"product.{PRODUCT.name}"}
    for what, trigger, _, _ in _occasions(PRODUCT, FLOWS):
        of_flows = trigger.match_related.root if not isinstance(trigger.match_related, list) else {}
        assert trigger.match.root == resource or of_flows["prefect.resource.name"] == list(FLOWS), (
            what
        )
    told = {event for _, trigger, _, _ in _occasions(PRODUCT, FLOWS) for event in trigger.expect}
    assert {RETRAINING, WAITING} <= told


def test_every_name_on_a_server_carries_the_products() -> None:
    """Two products on one server: a deployment is found by its flow's name and its own."""
    names = {flow_of(each).name for each in DEPLOYMENTS} | {each["name"] for each in DEPLOYMENTS}
    triggers = [trigger for each in DEPLOYMENTS for trigger in each.get("triggers", [])]
    names |= {trigger["name"] for trigger in triggers} | {
        event for trigger in triggers for event in trigger["expect"]
    }
    names |= {RETRAINING, MONITORED, WAITING}
    assert [name for name in names if not name.startswith(PRODUCT.name)] == []
    assert (
        events.slug(PRODUCT).replace("-", "").isalnum()
    )  # what Prefect takes in the name of an artifact or a block
