"""Criteria that are a draft: their models are registered and never become champion."""

import pytest
from mlproduct.errors import Refused
from mlproduct.gate.criteria import Decision, criteria_digest

from .trial_releases import Trial, criteria

DRAFT = r"version 1 was judged by a draft of the criteria – .* remove draft: true there, and train"


@pytest.mark.parametrize("despite", [(), ("review",)])
def test_a_version_judged_by_a_draft_is_not_approved(trial: Trial, despite: tuple[str]) -> None:
    version = trial.trained(criteria=criteria(draft=True))
    with pytest.raises(Refused, match=DRAFT):
        trial.approve(version, despite=despite)
    assert trial.champion is None
    assert trial.trail.entries == ()


def test_a_draft_is_not_promoted_automatically(trial: Trial) -> None:
    version = trial.trained(criteria=criteria(draft=True, approval="automatic"))
    with pytest.raises(Refused, match=DRAFT):
        trial.releases.promote_automatically(version)
    assert trial.champion is None


def test_the_verdict_says_that_the_criteria_are_a_draft(trial: Trial) -> None:
    trial.trained(criteria=criteria(draft=True))
    document = trial.releases.models.load("1").document
    assert document.decision is Decision.REVIEW
    assert document.verdict.reasons[-1].startswith("The criteria are a draft.")
    assert trial.releases.verify("1") == ()


def test_without_draft_the_digest_of_the_criteria_is_another_one() -> None:
    assert criteria_digest(criteria(draft=True)) != criteria_digest(criteria())
    assert criteria_digest(criteria(draft=False)) == criteria_digest(criteria())


def test_a_version_judged_by_a_draft_can_be_rejected(trial: Trial) -> None:
    version = trial.trained(criteria=criteria(draft=True))
    assert trial.releases.reject(version, by="Ada", because="Only an attempt.")
