"""A version that waits for a person is told, once; one that does not wait is not."""

from typing import Any

import pytest

from <<cookiecutter.package>> import PRODUCT
from <<cookiecutter.package>>.criteria import Decision
from <<cookiecutter.package>>.flows import training
from <<cookiecutter.package>>.flows.notifications import _occasions

from ..conftest import Stage
from .stages import compared, rows, stage

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, Any]]:
    """The events of trainings: name, resource and payload."""
    heard: list[tuple[str, Any, Any]] = []
    monkeypatch.setattr(training, "emit_event", lambda *given, payload: heard.append((*given, payload)))
    return heard


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return stage(tmp_path_factory.mktemp("waiting"), margin=1e9)


def test_a_version_that_waits_is_told_once_and_a_blocked_one_is_not(product: Stage, told: list[Any]) -> None:
    assert product.train().version == "1"
    resource = {"prefect.resource.id": f"product.{PRODUCT}", "prefect.resource.name": PRODUCT}
    sentence = "Version 1 is ready and waits for approval."
    payload = {"version": "1", "decision": "ready", "sentence": sentence, "open": []}
    assert told == [(f"{PRODUCT}.version.waiting", resource, payload)]

    blocked = product.train(product.save(rows(shuffle_labels=True), "data/shuffled.parquet"))
    assert blocked.document.decision is Decision.BLOCKED
    assert len(told) == 1


def test_one_that_needs_review_says_what_is_open_and_one_that_the_gate_promotes_is_not_told(
    tmp_path: Any, told: list[Any]
) -> None:
    product = stage(tmp_path)
    criteria = product.read("product/success_criteria.yaml")
    product.write("product/success_criteria.yaml", {**criteria, "approval": "automatic"})
    assert product.train().promoted
    assert told == []

    loosened = [criteria["criteria"][0], compared("champion", bar=1e9, if_none="met")]
    product.write("product/success_criteria.yaml", {**criteria, "criteria": loosened})
    registered = product.train()
    assert registered.document.decision is Decision.REVIEW
    ((_, _, payload),) = told
    assert (payload["version"], payload["decision"]) == (registered.version, "needs review")
    assert payload["open"] == ["review"]
    assert payload["sentence"] == f"Version {registered.version} waits for a person who takes on what is open: review."


def test_people_are_told_of_it() -> None:
    occasions = {what: (trigger, subject, body) for what, trigger, subject, body in _occasions()}
    trigger, subject, body = occasions["a version waits for approval"]
    assert trigger.expect == {training.WAITING}
    assert trigger.match.root == {"prefect.resource.id": f"product.{PRODUCT}"}
    assert subject == f"{PRODUCT}: a version waits for approval"
    assert body == "{{ event.payload.sentence }}"
