"""Decisions on releases: a faulty one is refused for its reason, and the champion stays."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from mlproduct.errors import ConfigError, ProductError, Refused
from mlproduct.gate.criteria import Criteria, criteria_digest
from mlproduct.gate.judge import judge
from mlproduct.registry import models, releases
from mlproduct.registry.release_checks import doubts
from mlproduct.registry.releases import Releases
from mlproduct.registry.runs import Run
from mlproduct.registry.versions import Version

from .trial_releases import Trial, criteria


@pytest.fixture
def released(trial: Trial) -> Trial:
    """A trial whose champion is version 1."""
    trial.approve(trial.trained())
    return trial


def artifact(trial: Trial, version: str, name: str) -> Path:
    registry = trial.releases.models
    found = registry.find(version)
    folder = (
        registry.client.get_run(found.run_id).info.artifact_uri
        if name == "decision.json"
        else found.source
    )
    return Path(folder.removeprefix("file://")) / name


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


# --- approve --------------------------------------------------------------------------------


def test_approve_makes_a_ready_version_the_champion_and_records_who_decided(trial: Trial) -> None:
    version = trial.trained()
    entry = trial.releases.approve(version, by=" Ada ", because="It pays.", role="product owner")
    assert trial.champion == version
    assert (entry.by, entry.because, entry.role, entry.previous_version) == (
        "Ada",
        "It pays.",
        "product owner",
        None,
    )
    assert (entry.model_digest, entry.decision) == (trial.saved.digest, "ready")
    assert trial.releases.models.find(version).tags["decided_by"] == "Ada"
    assert trial.releases.models.alias("challenger") is None
    loaded = trial.releases.load_champion()
    assert loaded is not None
    assert loaded.version == version


@pytest.mark.parametrize("texts", [{"by": " "}, {"because": ""}])
def test_a_decision_without_a_name_or_a_reason_is_refused(
    trial: Trial, texts: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="a decision needs a name and a reason"):
        trial.approve(trial.trained(), **texts)
    assert trial.champion is None


@pytest.mark.parametrize("decision", ["approve", "reject", "rollback"])
@pytest.mark.parametrize(
    "texts", [{"by": "Ada\n2026 approve"}, {"because": "Fine.\x1b[2K"}, {"role": "\u202eadmin"}]
)
def test_a_decision_whose_texts_contain_invisible_characters_is_refused(
    trial: Trial, decision: str, texts: dict[str, str]
) -> None:
    decide = getattr(trial.releases, decision)
    with pytest.raises(ConfigError, match="expected visible characters on one line"):
        decide(
            **({} if decision == "rollback" else {"version": "1"}),
            **{"by": "Ada", "because": "Fine."} | texts,
        )
    assert trial.trail.entries == ()


@pytest.mark.parametrize("texts", [{"by": "a" * 201}, {"because": "a" * 2_001}])
def test_the_length_of_a_name_and_a_reason_is_limited(trial: Trial, texts: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="expected at most 2"):
        trial.releases.reject("1", **{"by": "Ada", "because": "Fine."} | texts)


def test_a_version_with_invisible_characters_is_refused(trial: Trial) -> None:
    with pytest.raises(ConfigError, match=r"the version is 1\\x1b\[2K – expected visible"):
        trial.approve("1\x1b[2K")


def test_invisible_characters_recorded_by_an_earlier_release_are_escaped(released: Trial) -> None:
    forged = replace(
        released.trail.entries[0], action="reject", version="2", by="Eve\n2026", because="\u202eok"
    )
    released.trained()
    released.releases._decide(forged, released.trail)
    with pytest.raises(Refused, match=r"rejected by Eve\\x0a2026 \(\\u202eok\)"):
        released.approve("2")


def test_the_champion_cannot_be_approved_again(released: Trial) -> None:
    with pytest.raises(Refused, match="already the champion"):
        released.approve("1")
    assert len(released.trail.entries) == 1


def test_a_version_that_needs_review_is_approved_only_despite_each_named_criterion(
    released: Trial,
) -> None:
    version = released.trained("needs review")
    with pytest.raises(Refused, match="--despite catch"):
        released.approve(version)
    with pytest.raises(ConfigError, match="quick: not an open risk"):
        released.approve(version, despite=["catch", "quick"])
    assert released.champion == "1"
    released.approve(version, despite=["catch"])
    assert released.champion == version
    assert released.trail.entries[-1].despite == "catch"


def test_overdue_criteria_must_be_accepted_as_review(trial: Trial) -> None:
    overdue = criteria(review_by="2026-01-31")
    version = trial.trained("needs review", criteria=overdue)
    assert doubts(trial.releases.models.document(trial.releases.models.find(version))) == (
        "review",
        "catch",
    )
    with pytest.raises(Refused, match="needs review: review"):
        trial.approve(version, despite=["catch"])
    trial.approve(version, despite=["catch", "review"])
    assert trial.champion == version


@pytest.mark.parametrize("approval", ["required", "automatic"])
def test_a_version_without_a_deciding_must_is_refused_until_a_person_accepts_it(
    released: Trial, approval: str
) -> None:
    usual = criteria()
    shoulds = [{**each.model_dump(), "level": "should"} for each in usual.criteria]
    version = released.trained(criteria=criteria(criteria=shoulds, approval=approval))
    with pytest.raises(Refused, match="needs review: review"):
        released.approve(version)
    with pytest.raises(Refused, match="needs"):
        released.releases.promote_automatically(version)
    assert released.champion == "1"
    released.approve(version, despite=["review"])
    assert released.champion == version
    assert "No must criterion decides" in released.trail.entries[-1].concerns


def version_with_loosened_criteria(trial: Trial) -> str:
    """A version that was judged by a lower bar than the champion."""
    lower = criteria()
    catch = lower.criteria[0].model_copy(update={"at_least": 0.5})
    lower = lower.model_copy(update={"criteria": (catch, *lower.criteria[1:])})
    document = trial.document(Run("r", "now", criteria_digest(lower)), criteria=lower)
    verdict = judge(document.measurements, lower, on=document.judged_on, previous=criteria())
    return trial.trained(criteria=lower, previous_criteria=criteria(), verdict=verdict)


BAR = "The bar of catch was loosened from at_least 0.6 to 0.5."


def test_accepted_risks_are_recorded_with_the_version(released: Trial) -> None:
    version = released.trained("needs review")
    released.approve(version, despite=["catch"])
    tags = released.releases.models.find(version).tags
    assert (tags["despite"], "concerns" in tags) == ("catch", False)
    assert (released.trail.entries[-1].taken_on, released.trail.entries[-1].concerns) == (
        ("catch",),
        "",
    )
    assert "despite" not in released.releases.models.find("1").tags


def test_a_loosened_bar_is_recorded_with_the_decision_and_the_version(
    released: Trial,
) -> None:
    version = version_with_loosened_criteria(released)
    with pytest.raises(Refused, match="--despite review"):
        released.approve(version)
    released.approve(version, despite=["review"])
    entry = released.trail.entries[-1]
    assert (entry.taken_on, entry.concerns) == (("review",), BAR)
    found = released.releases.models.find(version)
    assert (found.tags["despite"], found.tags["concerns"]) == ("review", BAR)
    assert released.releases.verify(version) == ()
    released.approve(released.trained(criteria=criteria_of(released, version)), because="Better.")
    released.releases.rollback(by="Ada", because="Complaints.")
    assert released.releases.models.find(version).tags["concerns"] == BAR
    assert released.trail.entries[1].concerns == BAR


def criteria_of(trial: Trial, version: str) -> Criteria:
    return trial.releases.models.document(trial.releases.models.find(version)).criteria


def test_a_blocked_version_is_refused_even_if_it_is_registered(
    released: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "registrable", lambda *_: None)
    version = released.trained("blocked")
    for despite in ((), ("catch",)):
        with pytest.raises(Refused, match="is blocked"):
            released.approve(version, despite=despite)
    assert released.champion == "1"


def test_a_stale_version_is_refused(released: Trial) -> None:
    stale, newer = released.trained(), released.trained()
    released.approve(newer)
    with pytest.raises(
        Refused,
        match=f"compared with version 1, but the champion is now version {newer} – train again",
    ):
        released.approve(stale)
    assert released.champion == newer


def test_a_version_compared_with_no_champion_is_stale_once_there_is_one(
    trial: Trial,
) -> None:
    first, second = trial.trained(), trial.trained()
    trial.approve(first)
    with pytest.raises(
        Refused, match="compared with no champion, but the champion is now version 1"
    ):
        trial.approve(second)
    assert trial.champion == first


def test_a_tampered_decision_is_refused(released: Trial) -> None:
    version = released.trained("needs review")
    edit(artifact(released, version, "decision.json"), '"needs review"', '"ready"')
    with pytest.raises(Refused, match="it was changed since"):
        released.approve(version)
    assert released.champion == "1"


def test_a_decision_tampered_with_together_with_its_tag_is_refused(
    released: Trial,
) -> None:
    version = released.trained("needs review")
    registry = released.releases.models
    edit(artifact(released, version, "decision.json"), '"needs review"', '"ready"')
    digest = registry.runs.document(registry.find(version).run_id).digest
    registry.tag(version, {"decision_digest": digest})
    with pytest.raises(Refused, match="the verdict is ready, computed again it is needs review"):
        released.approve(version)
    assert released.champion == "1"


def test_criteria_that_differ_from_those_at_the_start_of_the_training_are_refused(
    released: Trial,
) -> None:
    version = released.trained()
    registry = released.releases.models
    registry.client.set_tag(registry.find(version).run_id, "criteria_digest", "c" * 64)
    with pytest.raises(Refused, match="its run started with"):
        released.approve(version)
    assert released.champion == "1"


def test_a_tampered_model_file_is_refused(released: Trial) -> None:
    version = released.trained()
    artifact(released, version, "model.skops").write_bytes(b"other")
    with pytest.raises(Refused, match=f"expected {released.saved.digest}, as judged"):
        released.approve(version)
    assert released.champion == "1"


def test_an_unknown_version_is_refused(released: Trial) -> None:
    with pytest.raises(ConfigError, match="no version 9"):
        released.approve("9")
    assert released.champion == "1"


def test_one_of_two_concurrent_approvals_is_refused(
    released: Trial, new_trial: Callable[[], Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [released.trained(), released.trained()]
    both_checked = Barrier(2)
    monkeypatch.setattr(releases, "still_compared", lambda *_: both_checked.wait(timeout=30))

    def approve(trial: Trial, version: str) -> str:
        try:
            trial.approve(version)
        except Refused as problem:
            return str(problem)
        return version

    with ThreadPoolExecutor(2) as threads:
        outcomes = set(threads.map(approve, [new_trial(), new_trial()], versions))
    assert any("at the same time" in each for each in outcomes)
    assert {released.champion} == outcomes & set(versions)
    assert len(released.trail.entries) == 2


# --- automatic ------------------------------------------------------------------------------


def test_a_ready_version_is_promoted_automatically_when_the_criteria_allow_it(trial: Trial) -> None:
    version = trial.trained(criteria=criteria(approval="automatic"))
    entry = trial.releases.promote_automatically(version)
    assert trial.champion == version
    assert (entry.action, entry.by) == ("automatic", "the gate")


def test_a_version_that_is_not_ready_is_not_promoted_automatically(trial: Trial) -> None:
    automatic = criteria(approval="automatic")
    warned, doubtful = (
        trial.trained(latency=90, criteria=automatic),
        trial.trained("needs review", criteria=automatic),
    )
    for version, decision in ((warned, "ready with warnings"), (doubtful, "needs review")):
        with pytest.raises(Refused, match=f"is {decision} – only a ready version"):
            trial.releases.promote_automatically(version)
    assert trial.champion is None


def test_no_version_is_promoted_automatically_when_approval_is_required(trial: Trial) -> None:
    with pytest.raises(Refused, match="approval: required"):
        trial.releases.promote_automatically(trial.trained())
    assert trial.champion is None


# --- reject, rollback -----------------------------------------------------------------------


def test_a_rejected_version_cannot_be_approved(released: Trial) -> None:
    version = released.trained()
    released.releases.reject(version, by="Ada", because="Unfair.")
    assert released.releases.models.alias("challenger") is None
    with pytest.raises(Refused, match=r"rejected by Ada \(Unfair\.\)"):
        released.approve(version)
    assert released.champion == "1"


def test_the_champion_cannot_be_rejected(released: Trial) -> None:
    with pytest.raises(Refused, match="roll back instead"):
        released.releases.reject("1", by="Ada", because="Unfair.")
    assert released.champion == "1"


def test_a_rollback_restores_the_previous_champion(released: Trial) -> None:
    released.approve(released.trained())
    entry = released.releases.rollback(by="Ada", because="Complaints.")
    assert released.champion == "1"
    assert (entry.action, entry.version, entry.previous_version) == ("rollback", "1", "2")
    with pytest.raises(Refused, match="no earlier champion"):
        released.releases.rollback(by="Ada", because="Again.")
    released.releases.rollback(by="Ada", because="It was the data.", to="2")
    assert released.champion == "2"


def test_a_rollback_accepts_only_an_earlier_champion(released: Trial) -> None:
    never = released.trained()
    with pytest.raises(Refused, match="was never champion"):
        released.releases.rollback(by="Ada", because="Complaints.", to=never)
    with pytest.raises(Refused, match="already the champion"):
        released.releases.rollback(by="Ada", because="Complaints.", to="1")
    assert released.champion == "1"


def test_a_rollback_without_an_earlier_champion_is_refused(trial: Trial) -> None:
    trial.trained()
    with pytest.raises(Refused, match="no earlier champion"):
        trial.releases.rollback(by="Ada", because="Complaints.")


def test_a_rollback_to_a_tampered_model_is_refused(released: Trial) -> None:
    released.approve(released.trained())
    artifact(released, "1", "model.skops").write_bytes(b"other")
    with pytest.raises(Refused, match="model file of version 1"):
        released.releases.rollback(by="Ada", because="Complaints.")
    assert released.champion == "2"


# --- failures, verify -----------------------------------------------------------------------


def test_reconcile_mirrors_a_decision_that_did_not_reach_mlflow(
    released: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = released.trained()
    with monkeypatch.context() as outage:
        outage.setattr(type(released.releases), "_mirror", fails_after_recording(released, version))
        with pytest.raises(ProductError, match="is recorded, but MLflow does not show it yet"):
            released.approve(version)
    assert released.releases.champion() == version
    assert released.releases.models.alias("champion") == "1"
    assert any("but 1 by MLflow's alias" in each for each in released.releases.verify(version))
    released.releases.reconcile()
    assert released.champion == version


def fails_after_recording(trial: Trial, version: str) -> Callable[..., None]:
    def mirror(*_: object) -> None:
        if trial.releases.champion() == version:
            raise ConnectionError("gone")

    return mirror


def test_reconcile_restores_an_alias_that_was_moved_by_hand(released: Trial) -> None:
    released.trained("needs review")
    released.releases.models.point("champion", "2")
    assert any("but 2 by MLflow's alias" in each for each in released.releases.verify("1"))
    loaded = released.releases.load_champion()
    assert loaded is not None
    assert loaded.version == "1"
    released.releases.reconcile()
    assert released.champion == "1"


def test_a_champion_replaced_with_its_tags_and_document_is_refused(
    released: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = released.trained(latency=20)
    registry = released.releases.models
    found = registry.find(other)
    replaced = Version("1", found.run_id, found.source, found.tags)
    monkeypatch.setattr(registry, "find", lambda _: replaced)
    with pytest.raises(Refused, match="is not what Ada decided on"):
        released.releases.load_champion()


def test_verify_reports_nothing_when_everything_is_consistent(released: Trial) -> None:
    file = artifact(released, "1", "decision.json")
    run = released.releases.models.find("1").run_id
    assert [released.releases.verify(what) for what in ("1", "champion", run, str(file))] == [
        ()
    ] * 4


def test_verify_reports_changes_to_the_decision_document(released: Trial) -> None:
    file = artifact(released, "1", "decision.json")
    run = released.releases.models.find("1").run_id
    edit(file, '"decision": "ready"', '"decision": "ready with warnings"')
    assert "computed again it is ready" in released.releases.verify(str(file))[0]
    assert "it was changed since" in released.releases.verify("1")[0]
    assert any("decision_digest" in each for each in released.releases.verify(run))
    file.write_text("[]", encoding="utf-8")
    assert "is not a verdict document" in released.releases.verify(str(file))[0]
    assert "is not a verdict document" in released.releases.verify(run)[0]


def test_verify_reports_a_tampered_model(released: Trial) -> None:
    artifact(released, "1", "model.skops").write_bytes(b"other")
    assert "model file of version 1" in released.releases.verify("1")[0]


# --- a lost audit log -----------------------------------------------------------------------


def without_audit_log(trial: Trial) -> Releases:
    """The same registry, with a database that contains no decisions."""
    url = f"{trial.settings.database_url}.lost"
    return Trial(replace(trial.settings, database_url=url), trial.product, trial.saved).releases


def test_an_empty_audit_log_with_a_champion_alias_is_refused_and_changes_nothing(
    released: Trial,
) -> None:
    version, lost = released.trained(), without_audit_log(released)
    tried: list[Callable[[], object]] = [
        lost.reconcile,
        lost.load_champion,
        lambda: lost.approve(version, by="Ada", because="It pays."),
        lambda: lost.promote_automatically(version),
        lambda: lost.reject(version, by="Ada", because="It does not."),
        lambda: lost.rollback(by="Ada", because="Complaints."),
    ]
    for each in tried:
        with pytest.raises(Refused, match=r"alias champion is on version 1 .*restore"):
            each()
    assert lost.audit_log.read().entries == ()
    assert released.champion == "1"


def test_a_product_restarts_without_a_champion_after_its_alias_is_deleted_by_hand(
    released: Trial,
) -> None:
    version, lost = released.trained(), without_audit_log(released)
    with pytest.raises(Refused) as problem:
        lost.reconcile()
    command = (
        str(problem.value).rpartition("by hand: ")[2].replace("python -c", f"{sys.executable} -c")
    )
    assert subprocess.run(command, shell=True, check=False).returncode == 0
    assert lost.reconcile().champion is None
    with pytest.raises(Refused, match="there is no champion now"):
        lost.approve(version, by="Ada", because="It pays.")  # it was compared with a champion
    assert lost.models.alias("champion") is None
