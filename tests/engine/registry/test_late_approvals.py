"""Approvals that come late, again, or for criteria that have changed."""

import pytest
from mlproduct.errors import Refused

from .trial_releases import PIPELINE, Trial, criteria


@pytest.fixture
def released(trial: Trial) -> Trial:
    """A trial whose champion is version 1; version 2 is ready and was compared with it."""
    trial.approve(trial.trained())
    trial.trained()
    return trial


def test_an_approval_during_a_training_makes_the_new_version_stale(released: Trial) -> None:
    models = released.releases.models
    run = models.runs.open(criteria(), PIPELINE)
    document = released.document(run)  # compared with version 1
    released.approve("2")
    models.runs.record(run, document, scorecard_html="<p>seen</p>", scorecard_markdown="# seen")
    version = models.register(document, released.saved, scorecard_markdown="# seen")
    with pytest.raises(Refused, match="compared with version 1, but the champion is now version 2"):
        released.approve(version)
    assert (version, released.champion) == ("3", "2")


def test_the_same_approval_again_is_refused(released: Trial) -> None:
    released.approve("2")
    for version, reason in (("2", "already the champion"), ("1", "compared with no champion")):
        with pytest.raises(Refused, match=reason):
            released.approve(version)
    assert (released.champion, released.trail.last) == ("2", 2)


def test_the_same_approval_after_a_rollback_is_a_new_decision(released: Trial) -> None:
    released.approve("2")
    released.releases.rollback(by="Ada", because="Complaints.")
    released.approve("2", because="The complaints were about something else.")
    assert (released.champion, released.trail.succession) == ("2", ("1", "2"))
    assert [entry.action for entry in released.trail.entries] == [
        "approve",
        "approve",
        "rollback",
        "approve",
    ]


def test_the_same_approval_after_a_rollback_and_a_rejection_is_refused(released: Trial) -> None:
    released.approve("2")
    released.releases.rollback(by="Ada", because="Complaints.")
    released.releases.reject("2", by="Ada", because="Complaints.")
    with pytest.raises(Refused, match="a rejection is final"):
        released.approve("2")
    assert released.champion == "1"


def test_a_bar_that_is_loosened_after_the_training_changes_nothing(released: Trial) -> None:
    version = released.trained("needs review")
    file = released.settings.criteria_file
    before = file.read_text(encoding="utf-8")
    loose = criteria()
    catch = loose.criteria[0].model_copy(update={"at_least": 0.1})
    loose = loose.model_copy(update={"criteria": (catch, *loose.criteria[1:])})
    file.write_text(loose.model_dump_json(exclude_none=True), encoding="utf-8")
    try:
        with pytest.raises(Refused, match="needs review: catch"):
            released.approve(version)
        assert released.champion == "1"
        assert released.releases.verify(version) == ()
        released.approve(version, despite=["catch"])
    finally:
        file.write_text(before, encoding="utf-8")
    assert (released.champion, released.trail.entries[-1].taken_on) == (version, ("catch",))
