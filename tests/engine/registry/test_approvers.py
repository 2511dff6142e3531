"""Who may decide on a version: the people whom its own criteria name."""

from collections.abc import Callable

import pytest
from mlproduct.errors import Refused
from mlproduct.gate.criteria import criteria_digest
from mlproduct.gate.judge import judge
from mlproduct.registry.runs import Run

from .test_releases import artifact, edit
from .trial_releases import Trial, criteria

ANN = criteria(approvers=["Ann Lee", "Bo Berg"])
EVE = r"Eve may not decide on version {} .* name the approvers Ann Lee, Bo Berg – ask one of them"


@pytest.fixture
def released(trial: Trial) -> Trial:
    """A trial with the champions 1 and 2, the second of which is present, and a version 3."""
    for _ in range(2):
        trial.approve(trial.trained(criteria=ANN), by="Ann Lee")
    trial.trained(criteria=ANN)
    return trial


def test_a_decision_of_another_person_is_refused(released: Trial) -> None:
    releases = released.releases
    tried: list[tuple[str, Callable[[], object]]] = [
        ("3", lambda: releases.approve("3", by="Eve", because="Mine.")),
        ("3", lambda: releases.reject("3", by="Eve", because="Not mine.")),
        ("1", lambda: releases.rollback(by="Eve", because="Mine.")),
    ]
    before = released.trail
    for version, decide in tried:
        with pytest.raises(Refused, match=EVE.format(version)):
            decide()
    assert (released.champion, released.trail) == ("2", before)
    assert releases.models.alias("challenger") == "3"


def test_a_name_is_compared_without_case_and_blanks_and_recorded_as_typed(released: Trial) -> None:
    released.approve("3", by="ann  LEE")
    assert (released.champion, released.trail.entries[-1].by) == ("3", "ann  LEE")
    assert released.releases.rollback(by="BO BERG", because="Complaints.").version == "2"


def test_the_criteria_of_the_version_name_the_approvers_and_not_the_file(released: Trial) -> None:
    file = released.settings.criteria_file
    assert "approvers" not in file.read_text(encoding="utf-8")
    with pytest.raises(Refused, match=EVE.format("3")):
        released.approve("3", by="Eve")
    assert released.champion == "2"


def test_a_version_whose_criteria_add_an_approver_needs_review(released: Trial) -> None:
    wider = criteria(approvers=["Ann Lee", "Bo Berg", "Eve"])
    document = released.document(Run("r", "now", criteria_digest(wider)), criteria=wider)
    verdict = judge(document.measurements, wider, on=document.judged_on, previous=ANN)
    version = released.trained(criteria=wider, previous_criteria=ANN, verdict=verdict)
    with pytest.raises(Refused, match="--despite review"):
        released.approve(version, by="Eve")
    assert released.champion == "2"
    released.approve(version, by="Ann Lee", despite=["review"])
    assert released.trail.entries[-1].concerns == "The approvers now include Eve."


def test_approvers_removed_from_the_document_are_found(released: Trial) -> None:
    path = artifact(released, "3", "decision.json")
    edit(path, '"Bo Berg"', '"Eve"')
    with pytest.raises(Refused, match="it was changed since"):
        released.approve("3", by="Eve")
    assert released.champion == "2"
    # A changed document must not prevent that the version is excluded.
    assert released.releases.reject("3", by="Eve", because="It was changed.").action == "reject"
    assert released.champion == "2"


def test_the_gate_promotes_without_an_approver(trial: Trial) -> None:
    automatic = criteria(approvers=["Ann Lee"], approval="automatic")
    assert trial.releases.promote_automatically(trial.trained(criteria=automatic)).version == "1"
    assert trial.champion == "1"
