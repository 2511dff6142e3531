"""The checks before a version is registered or becomes the champion; each raises an error if it
fails.
"""

from collections.abc import Collection, Mapping

from ..errors import ConfigError, Refused
from ..escaping import escaped
from ..gate.criteria import RULES, Decision, Verdict, same_name
from ..gate.document import Document
from ..gate.judge import is_open_risk
from ..plain_text import NAME_LIMIT, REASON_LIMIT, plain
from .audit_log import AuditTrail
from .versions import Saved, Version

__all__ = [
    "REVIEW",
    "as_recorded",
    "complete",
    "concerns",
    "consistent",
    "doubts",
    "intact",
    "may_decide",
    "not_rejected",
    "registrable",
    "signed",
    "still_compared",
    "taken_on",
]

# The id in ``despite`` for concerns about the criteria themselves: a review that is overdue, a bar
# that was loosened, or no must criterion that decides.
REVIEW = "review"


def registrable(document: Document, saved: Saved, found: str) -> None:
    """Raises Refused for a blocked verdict, for a verdict that contradicts its document, and if the
    file (sha256 ``found``) is not the judged one.
    """
    if document.decision is Decision.BLOCKED:
        why = document.problem or "; ".join(
            (*document.verdict.reasons, *document.data_verdict.reasons)
        )
        raise Refused(
            f"a blocked model cannot be registered: {why} – expected a model that the criteria do"
            " not block – train again"
        )
    if document.rules != RULES:
        raise Refused(
            f"the verdict follows the rules {document.rules} of the judge – expected {RULES}, those"
            " of this release – train again"
        )
    if contradictions := document.contradictions():
        raise Refused(
            f"the verdict contradicts its document: {'; '.join(contradictions)} – train again"
        )
    if document.model is None or not document.model.digest == saved.digest == found:
        judged = document.model.digest if document.model else "none"
        raise Refused(
            f"the model file has the sha256 {found} – expected {judged}, as judged – register the"
            " model that was judged"
        )


def doubts(document: Document) -> tuple[str, ...]:
    """The open risks that an approval has to name: undecided must criteria and doubts by id, and
    ``review`` if there are concerns about the criteria themselves.
    """
    named: dict[str, None] = {}
    for verdict in (document.data_verdict, document.verdict):
        for result in verdict.results:
            if is_open_risk(result):
                named[result.criterion.id] = None
        if _beside_results(verdict):
            named[REVIEW] = None
    return tuple(named)


def concerns(document: Document) -> tuple[str, ...]:
    """The concerns about the criteria, as sentences, such as a loosened bar."""
    return (*_beside_results(document.data_verdict), *_beside_results(document.verdict))


def _beside_results(verdict: Verdict) -> tuple[str, ...]:
    """The reasons of the verdict that are not about the result of a criterion."""
    of_results = {f"{result.criterion.id}: {result.because}" for result in verdict.results}
    return tuple(reason for reason in verdict.reasons if reason not in of_results)


def taken_on(document: Document, despite: Collection[str], number: str) -> None:
    """Raises an error unless ``despite`` accepts exactly the open risks of the version.

    ConfigError for an id that is not an open risk. Refused for a risk that is not accepted, for a
    blocked version, and for a verdict that is not ready for a reason that cannot be accepted.
    """
    decision, open_questions = document.decision, doubts(document)
    if decision is Decision.BLOCKED:
        raise Refused(
            f"version {number} is blocked – a blocked version cannot be approved – train again"
        )
    if unknown := sorted(set(despite) - set(open_questions)):
        open_risks = ", ".join(open_questions) or "none"
        raise ConfigError(
            f"--despite {', '.join(unknown)}: not an open risk of version {number} – open risks:"
            f" {open_risks}"
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
    """Name, reason and role as they are recorded. Raises ConfigError if name or reason is empty or
    one of the three is not plain text.
    """
    for name, text in (("by", by), ("because", because)):
        if not text.strip():
            raise ConfigError(
                f"--{name} is empty – a decision needs a name and a reason – give both"
            )
    return (
        plain("--by", by, NAME_LIMIT),
        plain("--because", because, REASON_LIMIT),
        plain("role", role, NAME_LIMIT),
    )


def intact(trail: AuditTrail) -> None:
    """Raises Refused if an entry of the audit log was changed, added or removed."""
    if trail.broken:
        raise Refused(trail.broken)


def may_decide(by: str, version: Version, document: Document) -> None:
    """Raises Refused if the criteria of the version name the approvers, and ``by`` is not one."""
    approvers = document.criteria.approvers
    if approvers and same_name(by) not in map(same_name, approvers):
        raise Refused(
            f"{by} may not decide on version {version.number} – its criteria name the approvers"
            f" {', '.join(approvers)} – ask one of them"
        )


def complete(version: Version, document: Document) -> None:
    """Raises Refused if the version was judged by a draft of the criteria."""
    if document.criteria.draft:
        raise Refused(
            f"version {version.number} was judged by a draft of the criteria – expected criteria"
            " that a person has read – correct product/success_criteria.yaml, remove draft: true"
            " there, and train again"
        )


def not_rejected(version: Version, trail: AuditTrail) -> None:
    """Raises Refused if the version was rejected."""
    if version.number in trail.rejected:
        rejection = trail.rejected[version.number]
        # Escaped, because releases before 0.2.1 recorded invisible characters.
        raise Refused(
            f"version {version.number} was rejected by {escaped(rejection.by)}"
            f" ({escaped(rejection.because)})"
            " – a rejection is final – train again"
        )


def consistent(version: Version, document: Document, started_with: Mapping[str, str]) -> None:
    """Raises Refused if the verdict document contradicts itself, the version or its run.

    ``started_with`` are the tags of the run; their criteria digest was set when training started.
    """
    found = list(document.contradictions())
    if document.run_id != version.run_id:
        found.append(
            f"its document belongs to run {document.run_id}, but it was registered from run"
            f" {version.run_id}"
        )
    for where, tags in (("version has", version.tags), ("run started with", started_with)):
        if tags.get("criteria_digest") != document.criteria_digest:
            found.append(
                f"its document has the criteria digest {document.criteria_digest}, but its {where}"
                f" {tags.get('criteria_digest')}"
            )
    if found:
        raise Refused(
            f"version {version.number}: {'; '.join(found)} – the verdict is not valid – train again"
        )


def still_compared(version: Version, document: Document, trail: AuditTrail) -> None:
    """Raises Refused if the version was compared with another champion than the present one."""
    compared = (document.champion.version, document.champion.digest) if document.champion else None
    now = (trail.current.version, trail.current.model_digest) if trail.current else None
    if compared != now:
        against = f"version {compared[0]}" if compared else "no champion"
        present = f"the champion is now version {now[0]}" if now else "there is no champion now"
        raise Refused(
            f"version {version.number} was compared with {against}, but {present} – train again"
        )


def as_recorded(version: Version, document: Document, trail: AuditTrail) -> None:
    """Raises Refused if an earlier decision on the version used another document or model.

    This detects a version whose document, model and tags were all replaced in MLflow.
    """
    digests = (document.digest, document.model.digest if document.model else "")
    for entry in trail.entries:
        if (
            entry.version == version.number
            and (entry.decision_digest, entry.model_digest) != digests
        ):
            raise Refused(
                f"version {version.number} is not what {escaped(entry.by)} decided on at"
                f" {entry.at:%Y-%m-%d %H:%M}: its digests are {' and '.join(digests)} – expected"
                f" {entry.decision_digest} and {entry.model_digest}, as in the audit log –"
                " roll back to another version or train again"
            )
