"""A version that waits for a person is told, once; one that does not wait is not."""

from typing import Any

import pytest
from mlproduct.gate.criteria import Decision
from mlproduct.tasks import events
from mlproduct.tasks.notifications import _occasions
from mlproduct.testing import TrialProduct

from ..gate_products import compared, rows, stage
from ..team import PRODUCT

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, Any]]:
    """The events of trainings: name, resource and payload."""
    heard: list[tuple[str, Any, Any]] = []
    monkeypatch.setattr(
        events, "emit_event", lambda *given, payload: heard.append((*given, payload))
    )
    return heard


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> TrialProduct:
    return stage(tmp_path_factory.mktemp("waiting"), margin=1e9)


def test_a_version_that_waits_is_told_once_and_a_blocked_one_is_not(
    product: TrialProduct, notices: list[Any]
) -> None:
    assert product.train().version == "1"
    resource = {
        "prefect.resource.id": f"product.{PRODUCT.name}",
        "prefect.resource.name": PRODUCT.name,
    }
    sentence = "Version 1 is ready and waits for approval."
    payload = {"version": "1", "decision": "ready", "sentence": sentence, "open": []}
    assert notices == [(f"{PRODUCT.name}.version.waiting", resource, payload)]

    blocked = product.train(product.save(rows(shuffle_labels=True), "data/shuffled.parquet"))
    assert blocked.document.decision is Decision.BLOCKED
    assert len(notices) == 1


def test_one_that_needs_review_says_what_is_open_and_one_that_the_gate_promotes_is_not_told(
    tmp_path: Any, notices: list[Any]
) -> None:
    product = stage(tmp_path)
    criteria = product.read("product/success_criteria.yaml")
    product.write("product/success_criteria.yaml", {**criteria, "approval": "automatic"})
    assert product.train().promoted
    assert notices == []

    loosened = [criteria["criteria"][0], compared("champion", bar=1e9, if_none="met")]
    product.write("product/success_criteria.yaml", {**criteria, "criteria": loosened})
    registered = product.train()
    assert registered.document.decision is Decision.REVIEW
    ((_, _, payload),) = notices
    assert (payload["version"], payload["decision"]) == (registered.version, "needs review")
    assert payload["open"] == ["review"]
    assert (
        payload["sentence"]
        == f"Version {registered.version} needs review; approving it accepts these risks: review."
    )


def test_people_are_told_of_it() -> None:
    occasions = {
        what: (trigger, subject, body) for what, trigger, subject, body in _occasions(PRODUCT, ())
    }
    trigger, subject, body = occasions["a version waits for approval"]
    assert trigger.expect == {events.waiting_event(PRODUCT)}
    assert trigger.match.root == {"prefect.resource.id": f"product.{PRODUCT.name}"}
    assert subject == f"{PRODUCT.name}: a version waits for approval"
    assert body == "{{ event.payload.sentence }}"
