"""The verdict document: its JSON form and the detection of changes."""

import hashlib
import json
import sqlite3
import tarfile
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlproduct.gate.criteria import ALWAYS, Decision, Measurement, Outcome, Verdict, criteria_digest
from mlproduct.gate.document import ChampionReference, Document
from mlproduct.gate.judge import judge

from ..scorecard.documents import CHURN, churn_measurements, document, price_document

FIXTURES = Path(__file__).parents[1] / "fixtures"
JUDGED = document(measurements=churn_measurements())
BLOCKED = document(measurements=churn_measurements()[1:])
CLOSE = document(measurements=churn_measurements(gain=300.0))


@pytest.mark.parametrize("found", [JUDGED, BLOCKED, price_document()])
def test_a_document_is_unchanged_by_json_and_has_no_contradictions(found: Document) -> None:
    again = Document.from_json(found.to_json())
    assert again.digest == found.digest
    assert again.contradictions() == ()


def test_nan_is_unchanged_by_json() -> None:
    broken = JUDGED.model_copy(update={"measurements": (Measurement(metric="recall"),)})
    (read,) = Document.from_json(broken.to_json()).measurements
    assert read.value != read.value


def test_a_verdict_that_does_not_follow_from_the_document_is_detected() -> None:
    forged = BLOCKED.verdict.model_copy(update={"decision": Decision.READY, "reasons": ()})
    assert (
        "computed again it is blocked"
        in BLOCKED.model_copy(update={"verdict": forged}).contradictions()[0]
    )


def test_a_changed_measurement_and_changed_criteria_are_detected() -> None:
    first = JUDGED.measurements[0]
    lower = tuple(interval.model_copy(update={"low": 0.0}) for interval in first.intervals)
    changed = first.model_copy(update={"value": 0.1, "intervals": lower})
    assert JUDGED.model_copy(
        update={"measurements": (changed, *JUDGED.measurements[1:])}
    ).contradictions()
    easier = JUDGED.criteria.model_copy(update={"smallest": JUDGED.criteria.smallest - 1})
    assert (
        "the criteria do not match their digest"
        in JUDGED.model_copy(update={"criteria": easier}).contradictions()[0]
    )


def test_a_verdict_with_the_wording_of_another_release_has_no_contradictions() -> None:
    """Another release may word built-in criteria, reasons and results differently."""
    worded = json.loads(JUDGED.verdict.model_dump_json())
    worded["reasons"] = ["Earlier: " + reason for reason in worded["reasons"]]
    for result in worded["results"]:
        result["because"] = "Earlier words."
        for each in result["slices"]:
            each["because"] = "Earlier words."
        if result["criterion"]["id"] in {criterion.id for criterion in ALWAYS}:
            result["criterion"] |= {"says": "Earlier words.", "why": "Earlier words."}
    earlier = JUDGED.model_copy(update={"verdict": Verdict.model_validate(worded)})
    assert earlier.verdict != JUDGED.verdict
    assert earlier.contradictions() == ()


def test_a_verdict_with_the_estimates_of_another_release_has_no_contradictions() -> None:
    """Until 0.4.0 one number of missing rows, by another formula, was stored."""
    stored = json.loads(CLOSE.verdict.model_dump_json())
    close = next(each for each in stored["results"] if each["outcome"] == Outcome.UNDECIDED)
    assert close.pop("more_rows_at_most") > close["more_rows"]
    close["more_rows"] = 96_000
    earlier = CLOSE.model_copy(update={"verdict": Verdict.model_validate(stored)})
    assert "more_rows_at_most" not in earlier.to_json()
    assert earlier.contradictions() == ()


@pytest.mark.parametrize("change", [{"says": "Anything will do."}, {"level": "info"}])
def test_a_criterion_that_is_changed_in_the_verdict_is_detected(
    change: dict[str, str],
) -> None:
    first, *others = JUDGED.verdict.results
    changed = first.model_copy(update={"criterion": first.criterion.model_copy(update=change)})
    verdict = JUDGED.verdict.model_copy(update={"results": (changed, *others)})
    assert JUDGED.model_copy(update={"verdict": verdict}).contradictions() != ()


def test_a_removed_reason_is_detected() -> None:
    assert BLOCKED.verdict.reasons
    verdict = BLOCKED.verdict.model_copy(update={"reasons": BLOCKED.verdict.reasons[1:]})
    assert BLOCKED.model_copy(update={"verdict": verdict}).contradictions() != ()


def test_a_document_without_a_model_or_with_a_problem_is_blocked() -> None:
    assert JUDGED.model_copy(update={"model": None}).decision is Decision.BLOCKED
    assert JUDGED.model_copy(update={"problem": "it broke"}).decision is Decision.BLOCKED


def test_a_verdict_is_computed_again_for_its_own_date_and_not_for_today(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A waiver that has expired since, or a clock that was set back, does not change a verdict."""
    waiver = {
        "criterion": "answers-while-we-talk",
        "until": JUDGED.judged_on,
        "by": "Ada",
        "why": "In May.",
    }
    criteria = JUDGED.criteria.model_validate({**JUDGED.criteria.model_dump(), "waivers": [waiver]})
    verdict = judge(JUDGED.measurements, criteria, on=JUDGED.judged_on)
    assert verdict != judge(JUDGED.measurements, criteria, on=JUDGED.judged_on + timedelta(days=1))
    changes = {
        "criteria": criteria,
        "criteria_digest": criteria_digest(criteria),
        "verdict": verdict,
    }
    waived = JUDGED.model_copy(update=changes)
    for day in ("2000-01-01", "2099-01-01"):
        monkeypatch.setenv("PRODUCT_TODAY", day)
        assert waived.contradictions() == ()


def test_a_document_of_an_earlier_release_needs_no_must_criterion() -> None:
    shoulds = [{**each, "level": "should"} for each in CHURN["criteria"]]
    made = document({**CHURN, "criteria": shoulds}, churn_measurements())
    judged = partial(judge, criteria=made.criteria, on=made.judged_on, rules=1)
    verdicts = {
        "verdict": judged(made.measurements, previous=made.previous_criteria),
        "data_verdict": judged(made.data_measurements, of="data"),
    }
    earlier = made.model_copy(update={**verdicts, "rules": 1})
    assert (made.decision, earlier.decision.is_ready) == (Decision.REVIEW, True)
    assert earlier.contradictions() == ()
    assert '"rules"' not in earlier.to_json()
    # The mark cannot be removed from a later document, because the verdict then contradicts it.
    assert made.contradictions() == ()
    assert made.model_copy(update={"rules": 1}).contradictions()


CHECKS = {
    **{"leak_at": 0.98, "doubt_at": 0.94, "combined_leak_at": 0.999, "copied_at": 0.2},
    "accepted_leaks": [],
}


@pytest.mark.parametrize(
    ("change", "concern"),
    [
        ({}, None),
        ({"leak_at": 0.97}, None),
        ({"leak_at": 1.0}, "leak_at of the check for leaks was raised from 0.98 to 1"),
        ({"copied_at": 0.9}, "copied_at of the check for leaks was raised from 0.2 to 0.9"),
        ({"doubt_at": 0.99}, "doubt_at of the check for leaks was raised from 0.94 to 0.99"),
        ({"accepted_leaks": [{"feature": "tariff", "because": "-"}]}, "now leaves out tariff"),
    ],
)
def test_a_check_for_leaks_that_was_loosened_since_the_champion_needs_review(
    change: dict[str, Any], concern: str | None
) -> None:
    """Otherwise, the built-in criterion no-leak could be switched off without a trace."""
    configured = {
        "champion": ChampionReference(version="1", digest="d" * 64),
        "previous_criteria": JUDGED.criteria,
        "configuration": {"checks": CHECKS | change},
        "previous_configuration": {"checks": CHECKS},
    }
    made = JUDGED.model_copy(update=configured)
    verdict = judge(
        made.measurements,
        made.criteria,
        on=made.judged_on,
        previous=made.previous_criteria,
        further=made.further_concerns,
    )
    judged = made.model_copy(update={"verdict": verdict})
    assert judged.contradictions() == ()
    assert (judged.decision is Decision.REVIEW) == (concern is not None)
    assert concern is None or concern in verdict.reasons[-1]
    hidden = judged.model_copy(update={"previous_configuration": {}})
    assert bool(hidden.contradictions()) == (concern is not None)


def test_a_document_whose_champion_could_not_be_loaded_needs_review() -> None:
    """Otherwise, whoever damages the champion's file could loosen every bar without a trace."""
    champion = ChampionReference(version="1", digest="d" * 64)
    made = JUDGED.model_copy(update={"champion": champion, "previous_criteria": None})
    assert "not known which bars were loosened" in made.further_concerns[0]
    assert made.contradictions()  # its verdict is that of a first model
    assert made.model_copy(update={"rules": 1}).further_concerns == ()


def test_a_blocked_document_names_what_blocks() -> None:
    assert JUDGED.blocked_by == ()
    assert BLOCKED.blocked_by == ("catch-leavers",)
    failed = JUDGED.model_copy(update={"problem": "ValueError: no rows"})
    assert failed.blocked_by == ("the failed evaluation",)


@pytest.mark.parametrize("kit", ["churn", "price"])
def test_documents_and_criteria_of_0_2_have_the_digests_with_which_they_were_registered(
    kit: str, tmp_path: Path
) -> None:
    """Fields that were added since are left out where they are not used."""
    with tarfile.open(FIXTURES / f"product-0.2.0-{kit}.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    with sqlite3.connect(tmp_path / "var" / "mlflow.db") as database:
        tags = dict(
            database.execute(
                "SELECT run_uuid, value FROM tags WHERE key = 'decision_digest'"
            ).fetchall()
        )
    database.close()
    written = list(tmp_path.rglob("decision.json"))
    assert len(written) == 2
    for path in written:
        text = path.read_text(encoding="utf-8")
        found = Document.from_json(text)
        canonical = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
        assert found.schema_version == 1
        assert found.digest == tags[found.run_id]
        assert found.digest == hashlib.sha256(canonical.encode()).hexdigest()
        assert criteria_digest(found.criteria) == found.criteria_digest
        assert found.contradictions() == ()
