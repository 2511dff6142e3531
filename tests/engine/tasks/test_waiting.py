"""The notification of a version that waits for approval."""

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
def emitted_events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, Any]]:
    """The events that trainings emit: name, resource and payload."""
    emitted: list[tuple[str, Any, Any]] = []
    monkeypatch.setattr(
        events, "emit_event", lambda *given, payload: emitted.append((*given, payload))
    )
    return emitted


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> TrialProduct:
    return stage(tmp_path_factory.mktemp("waiting"), margin=1e9)


def test_a_waiting_version_is_announced_once_and_a_blocked_one_is_not(
    product: TrialProduct, emitted_events: list[Any]
) -> None:
    assert product.train().version == "1"
    resource = {
        "prefect.resource.id": f"product.{PRODUCT.name}",
        "prefect.resource.name": PRODUCT.name,
    }
    sentence = "Version 1 is ready and waits for approval."
    payload = {"version": "1", "decision": "ready", "sentence": sentence, "open": []}
    assert emitted_events == [(f"{PRODUCT.name}.version.waiting", resource, payload)]

    blocked = product.train(product.save(rows(shuffle_labels=True), "data/shuffled.parquet"))
    assert blocked.document.decision is Decision.BLOCKED
    assert len(emitted_events) == 1


def test_the_event_of_a_version_to_review_lists_risks_and_a_promoted_one_has_no_event(
    tmp_path: Any, emitted_events: list[Any]
) -> None:
    product = stage(tmp_path)
    criteria = product.read("product/success_criteria.yaml")
    product.write("product/success_criteria.yaml", {**criteria, "approval": "automatic"})
    assert product.train().promoted
    assert emitted_events == []

    loosened = [criteria["criteria"][0], compared("champion", bar=1e9, if_none="met")]
    product.write("product/success_criteria.yaml", {**criteria, "criteria": loosened})
    registered = product.train()
    assert registered.document.decision is Decision.REVIEW
    ((_, _, payload),) = emitted_events
    assert (payload["version"], payload["decision"]) == (registered.version, "needs review")
    assert payload["open"] == ["review"]
    assert (
        payload["sentence"]
        == f"Version {registered.version} needs review; approving it accepts these risks: review."
    )


def test_a_notification_is_sent_for_a_waiting_version() -> None:
    occasions = {
        what: (trigger, subject, body) for what, trigger, subject, body in _occasions(PRODUCT, ())
    }
    trigger, subject, body = occasions["a version waits for approval"]
    assert trigger.expect == {events.waiting_event(PRODUCT)}
    assert trigger.match.root == {"prefect.resource.id": f"product.{PRODUCT.name}"}
    assert subject == f"{PRODUCT.name}: a version waits for approval"
    assert body == "{{ event.payload.sentence }}"
