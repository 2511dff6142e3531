"""The verdict document: read back as it was written, and computed again. Can run before anything
was trained.
"""

import json
from datetime import timedelta

import pytest
from mlproduct.gate.criteria import ALWAYS, Decision, Measurement, Verdict, criteria_digest
from mlproduct.gate.document import Document
from mlproduct.gate.judge import judge

from ..scorecard.documents import churn_measurements, document, price_document

JUDGED = document(measurements=churn_measurements())
BLOCKED = document(measurements=churn_measurements()[1:])


@pytest.mark.parametrize("found", [JUDGED, BLOCKED, price_document()])
def test_it_is_read_back_as_it_was_written_and_follows_from_itself(found: Document) -> None:
    again = Document.from_json(found.to_json())
    assert again.digest == found.digest
    assert again.contradictions() == ()


def test_nan_survives_being_written() -> None:
    broken = JUDGED.model_copy(update={"measurements": (Measurement(metric="recall"),)})
    (read,) = Document.from_json(broken.to_json()).measurements
    assert read.value != read.value


def test_a_verdict_that_does_not_follow_is_found() -> None:
    painted = BLOCKED.verdict.model_copy(update={"decision": Decision.READY, "reasons": ()})
    assert (
        "computed again it is blocked"
        in BLOCKED.model_copy(update={"verdict": painted}).contradictions()[0]
    )


def test_a_measurement_or_a_bar_that_was_moved_is_found() -> None:
    first = JUDGED.measurements[0]
    lower = tuple(interval.model_copy(update={"low": 0.0}) for interval in first.intervals)
    moved = first.model_copy(update={"value": 0.1, "intervals": lower})
    assert JUDGED.model_copy(
        update={"measurements": (moved, *JUDGED.measurements[1:])}
    ).contradictions()
    easier = JUDGED.criteria.model_copy(update={"smallest": JUDGED.criteria.smallest - 1})
    assert (
        "the criteria do not match their digest"
        in JUDGED.model_copy(update={"criteria": easier}).contradictions()[0]
    )


def test_a_verdict_with_the_sentences_of_another_release_still_follows() -> None:
    """A built-in criterion, a reason and the result of a criterion were worded differently."""
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


@pytest.mark.parametrize("change", [{"says": "Anything will do."}, {"level": "info"}])
def test_a_criterion_of_the_file_that_was_changed_in_the_verdict_is_found(
    change: dict[str, str],
) -> None:
    first, *others = JUDGED.verdict.results
    changed = first.model_copy(update={"criterion": first.criterion.model_copy(update=change)})
    verdict = JUDGED.verdict.model_copy(update={"results": (changed, *others)})
    assert JUDGED.model_copy(update={"verdict": verdict}).contradictions() != ()


def test_a_reason_that_was_removed_is_found() -> None:
    assert BLOCKED.verdict.reasons
    verdict = BLOCKED.verdict.model_copy(update={"reasons": BLOCKED.verdict.reasons[1:]})
    assert BLOCKED.model_copy(update={"verdict": verdict}).contradictions() != ()


def test_without_a_model_it_is_blocked_whatever_it_says() -> None:
    assert JUDGED.model_copy(update={"model": None}).decision is Decision.BLOCKED
    assert JUDGED.model_copy(update={"problem": "it broke"}).decision is Decision.BLOCKED


def test_a_verdict_stays_what_it_was_whatever_the_clock_says_by_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A waiver that has ended since, or a clock that was set back, is about the next verdict and
    not about this one.
    """
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


def test_a_blocked_document_names_what_blocks() -> None:
    assert JUDGED.blocked_by == ()
    assert BLOCKED.blocked_by == ("catch-leavers",)
    failed = JUDGED.model_copy(update={"problem": "ValueError: no rows"})
    assert failed.blocked_by == ("the failed evaluation",)
