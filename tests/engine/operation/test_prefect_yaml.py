"""The deployments in prefect.yaml: their flows, parameters, schedules, triggers and names."""

from importlib import import_module
from typing import Any

import pytest
import yaml
from mlproduct.tasks import events
from mlproduct.tasks.notifications import _occasions, flow_names
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.events import DeploymentEventTrigger
from prefect.utilities.callables import parameter_schema
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


def deployment_name(deployment: dict[str, Any]) -> str:
    return f"{flow_of(deployment).name}/{deployment['name']}"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=deployment_name)
def test_a_deployment_names_a_flow_that_accepts_its_parameters(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    schema = flow.parameters
    parameters = deployment.get("parameters", {})
    assert set(parameters) <= set(schema.properties)
    if "schedules" in deployment:  # a scheduled run cannot ask for a parameter
        assert set(schema.required) <= set(parameters)
        assert flow.validate_parameters(parameters) is not None
    assert deployment["work_pool"]["name"] == PRODUCT.name
    assert deployment["work_pool"]["work_queue_name"] == PRODUCT.name
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


@pytest.mark.parametrize(
    "schedule",
    [schedule for deployment in DEPLOYMENTS for schedule in deployment.get("schedules", [])],
    ids=lambda schedule: schedule["cron"],
)
def test_a_schedule_is_a_valid_cron_schedule(schedule: dict[str, str]) -> None:
    assert (
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).cron == schedule["cron"]
    )
    assert schedule["slug"] in ("daily", "weekly")


def test_the_file_schedules_the_routine_flows_and_leaves_decisions_unscheduled() -> None:
    scheduled = {
        deployment_name(each): [s["slug"] for s in each["schedules"]]
        for each in DEPLOYMENTS
        if "schedules" in each
    }
    assert scheduled == {
        f"{PRODUCT.name}-train/{PRODUCT.title}: train": ["weekly"],
        f"{PRODUCT.name}-score/{PRODUCT.title}: score the day": ["daily"],
        f"{PRODUCT.name}-label/{PRODUCT.title}: record labels": ["daily"],
        f"{PRODUCT.name}-monitor/{PRODUCT.title}: monitor": ["daily"],
        f"{PRODUCT.name}-expire/{PRODUCT.title}: delete expired data": ["weekly"],
    }
    unscheduled = {deployment_name(each) for each in DEPLOYMENTS} - set(scheduled)
    assert unscheduled == {
        f"{PRODUCT.name}-approve/{PRODUCT.title}: approve a version",
        f"{PRODUCT.name}-reject/{PRODUCT.title}: reject a version",
        f"{PRODUCT.name}-rollback/{PRODUCT.title}: roll back",
    }


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=deployment_name)
def test_a_flow_parameter_has_a_label_and_an_example(deployment: dict[str, Any]) -> None:
    """Checks the schema that ``prefect deploy`` sends to the server."""
    for name, field in parameter_schema(flow_of(deployment)).properties.items():
        assert field["title"] != name
        assert field["title"][0].isupper()
        (example,) = field["examples"]
        assert field["description"].endswith(f"Example: {example}")


def test_a_day_is_scored_and_labelled_before_it_is_monitored() -> None:
    daily = {
        flow_of(each).name: each["schedules"][0]["cron"]
        for each in DEPLOYMENTS
        if [schedule["slug"] for schedule in each.get("schedules", [])] == ["daily"]
    }
    minutes = {
        name: int(cron.split()[1]) * 60 + int(cron.split()[0]) for name, cron in daily.items()
    }
    assert (
        minutes[f"{PRODUCT.name}-score"]
        < minutes[f"{PRODUCT.name}-label"]
        < minutes[f"{PRODUCT.name}-monitor"]
    )


def test_the_training_trigger_expects_the_event_that_monitoring_emits() -> None:
    (trigger,) = (trigger for each in DEPLOYMENTS for trigger in each.get("triggers", []))
    read = DeploymentEventTrigger.model_validate(trigger)
    assert read.expect == {RETRAINING}
    assert trigger["match"] == {"prefect.resource.id": events.resource_id(PRODUCT)}
    (training,) = (each for each in DEPLOYMENTS if each.get("triggers"))
    assert set(trigger["parameters"]) <= set(flow_of(training).parameters.properties)


def test_every_flow_with_notifications_has_a_deployment() -> None:
    assert {flow_of(each).name for each in DEPLOYMENTS} == set(FLOWS)


def test_notifications_match_only_events_of_this_product() -> None:
    """Each trigger matches a name of the product: its resource or its flows."""
    resource = {"prefect.resource.id": f"product.{PRODUCT.name}"}
    for what, trigger, _, _ in _occasions(PRODUCT, FLOWS):
        of_flows = trigger.match_related.root if not isinstance(trigger.match_related, list) else {}
        assert trigger.match.root == resource or of_flows["prefect.resource.name"] == list(FLOWS), (
            what
        )
    shown = {event for _, trigger, _, _ in _occasions(PRODUCT, FLOWS) for event in trigger.expect}
    assert {RETRAINING, WAITING} <= shown


def test_every_name_on_the_server_starts_with_the_products_name() -> None:
    """A server finds a deployment by its flow's name and its own, and two products may share a
    server.
    """
    triggers = [trigger for each in DEPLOYMENTS for trigger in each.get("triggers", [])]
    names = {flow_of(each).name for each in DEPLOYMENTS}
    names |= {event for trigger in triggers for event in trigger["expect"]}
    names |= {RETRAINING, MONITORED, WAITING}
    assert [name for name in names if not name.startswith(PRODUCT.name)] == []
    titled = [each["name"] for each in (*DEPLOYMENTS, *triggers)]
    assert [name for name in titled if not name.startswith(f"{PRODUCT.title}: ")] == []
    assert (
        events.slug(PRODUCT).replace("-", "").isalnum()
    )  # the characters that Prefect allows in the name of an artifact or a block
