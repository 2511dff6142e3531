"""The checks before a version is registered or becomes the champion; each refuses in a sentence, or
is silent.
"""

from collections.abc import Collection, Mapping

from ..errors import ConfigError, Refused
from ..escaping import escaped
from ..gate.criteria import Decision, Outcome, Verdict
from ..gate.document import Document
from ..plain_text import NAME_LIMIT, REASON_LIMIT, plain
from .audit_log import AuditTrail
from .versions import Saved, Version

__all__ = [
    "REVIEW",
    "as_recorded",
    "concerns",
    "consistent",
    "doubts",
    "not_rejected",
    "registrable",
    "signed",
    "still_compared",
    "taken_on",
]

REVIEW = "review"
"""What ``despite`` calls a concern about the criteria themselves: overdue, or loosened since."""


def registrable(document: Document, saved: Saved, found: str) -> None:
    """Raises Refused for a blocked verdict, and where the file (sha256 ``found``) is not the one
    judged.
    """
    if document.decision is Decision.BLOCKED:
        why = document.problem or "; ".join(
            (*document.verdict.reasons, *document.data_verdict.reasons)
        )
        raise Refused(
            f"a blocked model is not registered: {why} – only what passes the criteria is – train"
            " again"
        )
    if contradictions := document.contradictions():
        raise Refused(
            f"the verdict does not follow from its document: {'; '.join(contradictions)} – train"
            " again"
        )
    if document.model is None or not document.model.digest == saved.digest == found:
        judged = document.model.digest if document.model else "none"
        raise Refused(
            f"the model file has the sha256 {found}, judged was {judged} – register the model that"
            " was judged"
        )


def doubts(document: Document) -> tuple[str, ...]:
    """What ``despite`` has to name: must-criteria that are undecided, and ``review`` for the
    criteria themselves.
    """
    named: dict[str, None] = {}
    for verdict in (document.data_verdict, document.verdict):
        for result in verdict.results:
            if result.criterion.level == "must" and result.outcome is Outcome.UNDECIDED:
                named[result.criterion.id] = None
        if _beside_results(verdict):
            named[REVIEW] = None
    return tuple(named)


def concerns(document: Document) -> tuple[str, ...]:
    """The sentences about the criteria themselves: which bar was loosened, that a review is
    overdue.
    """
    return (*_beside_results(document.data_verdict), *_beside_results(document.verdict))


def _beside_results(verdict: Verdict) -> tuple[str, ...]:
    of_results = {f"{result.criterion.id}: {result.because}" for result in verdict.results}
    return tuple(reason for reason in verdict.reasons if reason not in of_results)


def taken_on(document: Document, despite: Collection[str], number: str) -> None:
    decision, open_questions = document.decision, doubts(document)
    if decision is Decision.BLOCKED:
        raise Refused(
            f"version {number} is blocked – no blocked version can be approved – train again"
        )
    if unknown := sorted(set(despite) - set(open_questions)):
        asked = ", ".join(open_questions) or "none"
        raise ConfigError(
            f"--despite {', '.join(unknown)}: that is not open in version {number} – open are:"
            f" {asked}"
        )
    if missing := [each for each in open_questions if each not in despite]:
        flags = " ".join(f"--despite {each}" for each in missing)
        raise Refused(
            f"version {number} needs review: {', '.join(missing)} – accept these risks with {flags}"
        )
    if not (decision.is_ready or open_questions):
        raise Refused(
            f"version {number} is {decision} for a reason that cannot be accepted – train again"
        )


def signed(by: str, because: str, role: str) -> tuple[str, str, str]:
    """Name, reason and role as they are recorded. Raises ConfigError where one is empty or not
    plain text.
    """
    for name, text in (("by", by), ("because", because)):
        if not text.strip():
            raise ConfigError(f"--{name} is empty – a decision has a name and a reason – give both")
    return (
        plain("--by", by, NAME_LIMIT),
        plain("--because", because, REASON_LIMIT),
        plain("role", role, NAME_LIMIT),
    )


def not_rejected(version: Version, trail: AuditTrail) -> None:
    if version.number in trail.rejected:
        rejection = trail.rejected[version.number]
        raise Refused(
            f"version {version.number} was rejected by {escaped(rejection.by)}"
            f" ({escaped(rejection.because)})"
            " – that is final – train again"
        )


def consistent(version: Version, document: Document, started_with: Mapping[str, str]) -> None:
    found = list(document.contradictions())
    if document.run_id != version.run_id:
        found.append(
            f"its document is of run {document.run_id}, it was registered from {version.run_id}"
        )
    for where, tags in (("version", version.tags), ("run, when training started,", started_with)):
        if tags.get("criteria_digest") != document.criteria_digest:
            found.append(
                f"the criteria digest is {document.criteria_digest}, its {where} has"
                f" {tags.get('criteria_digest')}"
            )
    if found:
        raise Refused(
            f"version {version.number}: {'; '.join(found)} – the verdict does not hold – train"
            " again"
        )


def still_compared(version: Version, document: Document, trail: AuditTrail) -> None:
    compared = (document.champion.version, document.champion.digest) if document.champion else None
    now = (trail.current.version, trail.current.model_digest) if trail.current else None
    if compared != now:
        against = f"version {compared[0]}" if compared else "no champion"
        present = f"the champion is now version {now[0]}" if now else "there is no champion now"
        raise Refused(
            f"version {version.number} was compared with {against}, {present} – train again"
        )


def as_recorded(version: Version, document: Document, trail: AuditTrail) -> None:
    digests = (document.digest, document.model.digest if document.model else "")
    for entry in trail.entries:
        if (
            entry.version == version.number
            and (entry.decision_digest, entry.model_digest) != digests
        ):
            raise Refused(
                f"version {version.number} is not what {escaped(entry.by)} decided on at"
                f" {entry.at:%Y-%m-%d %H:%M}: the trail has the digests {entry.decision_digest} and"
                f" {entry.model_digest}, found are {' and '.join(digests)} – roll back to another"
                " version or train again"
            )
