"""The decisions that make a version the champion or exclude it: checked first, then recorded.

    approve    a named person accepts a version that the gate did not block
    automatic  the gate itself promotes a ready version, if the criteria allow this
    reject     a version is excluded permanently
    rollback   an earlier champion becomes the champion again

The order is always: read the audit log, check, announce the entry in MLflow, add it to the audit
log, move MLflow's digest and alias. A failure before the record leaves the champion unchanged.
After a failure between the record and the alias, the next command corrects MLflow.
"""

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from ..config.settings import Settings
from ..errors import ProductError, Refused
from ..gate.criteria import Decision
from ..gate.document import Document
from .audit_log import Action, AuditLog, AuditTrail, Entry, taken_on_text
from .audit_mirror import AuditMirror
from .models import Models
from .release_checks import (
    as_recorded,
    complete,
    concerns,
    consistent,
    intact,
    may_decide,
    not_rejected,
    signed,
    still_compared,
    taken_on,
)
from .versions import CHALLENGER, CHAMPION, Loaded, Version

__all__ = ["Releases"]

# The longest tag of a version in MLflow's database; the audit log contains the whole text.
TAG_LIMIT = 5_000


class Releases:
    """The champion of one product, and the decisions about it."""

    def __init__(self, settings: Settings, product: str) -> None:
        self.models = Models(settings, product)
        self.audit_log = AuditLog(settings.database_url)
        self.mirror = AuditMirror(self.models)

    def approve(
        self,
        version: str,
        *,
        by: str,
        because: str,
        despite: Collection[str] = (),
        role: str = "reviewer",
    ) -> Entry:
        """The entry that made the version the champion.

        ``despite`` names the accepted risks: every undecided must-criterion, and ``review`` if the
        review of the criteria is overdue or a bar was loosened. Raises ConfigError for an id that
        is not an open risk. Raises Refused and leaves the champion unchanged if the verdict, a
        digest, the audit log or the list of approvers does not allow the approval.
        """
        by, because, role = signed(by, because, role)
        trail, found = self.reconcile(), self.models.find(version)
        document = self._judged(found, trail)
        may_decide(by, found, document)
        taken_on(document, despite, found.number)
        open_points = taken_on_text(despite, concerns(document))
        entry = _entry(
            "approve", found, document, trail, by, because, role=role, despite=open_points
        )
        return self._decide(entry, trail)

    def promote_automatically(self, version: str) -> Entry:
        """The entry with which the gate itself made the version the champion.

        Raises Refused unless the verdict is ready and the criteria state ``approval: automatic``,
        and if a check of ``approve`` fails.
        """
        trail, found = self.reconcile(), self.models.find(version)
        document = self._judged(found, trail)
        if document.criteria.approval != "automatic":
            raise Refused(
                f"version {found.number} needs the approval of a person: the criteria state"
                " approval: required – use approve"
            )
        decision = document.decision
        if decision is not Decision.READY:
            raise Refused(
                f"version {found.number} is {decision} – only a ready version is promoted without a"
                " person – use approve"
            )
        because = "The verdict is ready, and the criteria state approval: automatic."
        return self._decide(
            _entry("automatic", found, document, trail, "the gate", because, role="gate"), trail
        )

    def reject(self, version: str, *, by: str, because: str, role: str = "reviewer") -> Entry:
        """The entry that excludes the version permanently.

        Raises Refused if it is the champion or already rejected, and if the list of approvers in
        its document does not contain ``by``. A document that was changed limits no one.
        """
        by, because, role = signed(by, because, role)
        trail, found = self.reconcile(), self.models.find(version)
        if found.number == trail.champion:
            raise Refused(
                f"version {found.number} is the champion – the champion cannot be rejected – roll"
                " back instead"
            )
        not_rejected(found, trail)
        if (document := self._consistent_document(found)) is not None:
            may_decide(by, found, document)
        # Tags instead of the document: a version with a manipulated document must be rejectable.
        tags = found.tags
        entry = Entry(
            "reject",
            found.number,
            trail.champion,
            by,
            because,
            tags.get("verdict", ""),
            tags.get("decision_digest", ""),
            tags.get("model_digest", ""),
            role,
        )
        return self._decide(entry, trail)

    def rollback(
        self, *, by: str, because: str, to: str | None = None, role: str = "reviewer"
    ) -> Entry:
        """The entry that made the previous champion, or the earlier champion ``to``, the champion
        again.

        Its document and model file are checked as in an approval; its verdict is not checked again.
        Raises Refused if there is no such earlier champion, it was rejected, a file was changed, or
        the list of approvers in its document does not contain ``by``.
        """
        by, because, role = signed(by, because, role)
        trail = self.reconcile()
        found = self.models.find(_goal(trail, to))
        not_rejected(found, trail)
        document = self.models.document(found)
        self.models.check(found, document)
        as_recorded(found, document, trail)
        may_decide(by, found, document)
        return self._decide(
            _entry("rollback", found, document, trail, by, because, role=role), trail
        )

    def champion(self) -> str | None:
        """The version that is the champion by the audit log, None if there is none."""
        return self.audit_log.read().champion

    def load_champion(self) -> Loaded | None:
        """The champion's model, also checked against the audit log; None if there is none.

        Raises Refused if a check fails, if an entry of the audit log was changed, or if the audit
        log is lost: it is empty, but MLflow shows a decision.
        """
        trail = self.audit_log.read()
        intact(trail)
        self.mirror.not_lost(trail)
        if trail.champion is None:
            return None
        # Not by the alias, which can be moved in MLflow without any check.
        loaded = self.models.load(trail.champion)
        as_recorded(self.models.find(trail.champion), loaded.document, trail)
        return loaded

    def reconcile(self) -> AuditTrail:
        """The audit log, after MLflow's digest of it and MLflow's aliases were corrected to match.

        Raises Refused and changes nothing if the audit log is lost, or if it or MLflow's digest was
        changed by anything but a decision.
        """
        # Repeated until no other process decided meanwhile: its decision would need other aliases.
        while True:
            trail = self.audit_log.read()
            self._mirror(trail)
            if self.audit_log.read().last == trail.last:
                return trail

    def verify_audit_log(self) -> tuple[str, bool]:
        """A sentence about the audit log, and whether it is as it was recorded.

        Its entries are compared with their digests and with the digest in MLflow. Nothing is
        changed.
        """
        try:
            # Alone, because a decision writes to both stores one after the other.
            with self.audit_log.database.alone():
                trail = self.audit_log.read()
                self.mirror.not_lost(trail)
                intact(trail)
                waiting, head = self.mirror.waiting(trail), self.mirror.head()
        except Refused as problem:
            return str(problem), False
        if waiting:
            return (
                f"entry {waiting[0].sequence} is recorded, but MLflow does not show it yet – both"
                " should agree – run doctor",
                False,
            )
        count = len(trail.entries)
        entries = "one entry" if count == 1 else f"{count or 'no'} entries"
        unchanged = f"{entries}, none was changed" if count else entries
        if head != trail.head:
            unchanged += "; the next decision or doctor stores the last digest in MLflow"
        return unchanged, True

    def verify(self, what: str) -> tuple[str, ...]:
        """A sentence for each contradiction found in a version, a run or a file ``decision.json``;
        empty if there is none.

        ``what`` is the number of a version, one of the two aliases, the id of a run, or a path.
        """
        if Path(what).is_file():
            return _of_file(Path(what))
        if what.isdigit() or what in (CHAMPION, CHALLENGER):
            return self._of_version(self.models.find(what))
        return self._of_run(what)

    def _mirror(self, trail: AuditTrail) -> None:
        self.mirror.not_lost(trail)  # first, because an empty audit log would remove the alias
        intact(trail)
        if self.mirror.head() != trail.head:
            # Alone, because two processes could move the digest in the wrong order.
            with self.audit_log.database.alone():
                self.mirror.follow(self.audit_log.read())
        if self.models.alias(CHAMPION) != trail.champion:
            self.models.point(CHAMPION, trail.champion)
        challenger = self.models.alias(CHALLENGER)
        if challenger is not None and challenger in {*trail.rejected, trail.champion}:
            self.models.point(CHALLENGER, None)

    def _judged(self, version: Version, trail: AuditTrail) -> Document:
        """The version's document. Raises Refused unless every digest matches and the version was
        compared with the present champion.
        """
        if version.number == trail.champion:
            raise Refused(
                f"version {version.number} is already the champion – there is nothing to decide"
            )
        not_rejected(version, trail)
        document = self.models.document(version)
        consistent(version, document, self.models.runs.tags(version.run_id))
        complete(version, document)
        self.models.check(version, document)
        self.models.training_rows(version)  # only for its check of the digest
        still_compared(version, document, trail)
        return document

    def _decide(self, entry: Entry, trail: AuditTrail) -> Entry:
        entry = trail.followed_by(entry)
        self.mirror.announce(entry)
        try:
            self.audit_log.append(entry)
        except Refused:
            self.mirror.withdraw(entry)
            raise
        try:
            # Not only this alias: another process may have decided since.
            self.reconcile()
            self.models.tag(entry.version, _tags(entry))
        # Broad, because the decision is valid whatever failed, and this has to be reported.
        except Exception as problem:
            raise ProductError(
                f"{entry.action} of version {entry.version} is recorded, but MLflow does not show"
                f" it yet ({problem}) – both should agree – the next approve, reject or rollback"
                " corrects MLflow"
            ) from problem
        return entry

    def _consistent_document(self, version: Version) -> Document | None:
        """The version's document, None if it cannot be read or was changed."""
        try:
            document = self.models.document(version)
            consistent(version, document, self.models.runs.tags(version.run_id))
        except Refused:
            return None
        return document

    def _of_version(self, version: Version) -> tuple[str, ...]:
        try:
            document = self.models.document(version)
            consistent(version, document, self.models.runs.tags(version.run_id))
            self.models.check(version, document)
            self.models.training_rows(version)  # only for its check of the digest
            as_recorded(version, document, self.audit_log.read())
        except Refused as problem:
            return (str(problem),)
        champion, alias = self.champion(), self.models.alias(CHAMPION)
        if version.number in (champion, alias) and champion != alias:
            return (
                f"the champion is {champion or 'none'} in the audit log, but"
                f" {alias or 'none'} by MLflow's alias",
            )
        return ()

    def _of_run(self, run_id: str) -> tuple[str, ...]:
        tags = self.models.runs.tags(run_id)
        try:
            document = self.models.runs.document(run_id)
        except Refused as problem:
            return (str(problem),)
        found = list(document.contradictions())
        for name, digest in (
            ("decision_digest", document.digest),
            ("criteria_digest", document.criteria_digest),
        ):
            if tags.get(name) != digest:
                found.append(f"the {name} is {digest}, but the run's tag is {tags.get(name)}")
        return tuple(found)


def _tags(entry: Entry) -> dict[str, str]:
    """The tags that show the decision in MLflow.

    Empty ones are left out, so that the risks accepted by an approval remain visible after a later
    decision on the version.
    """
    tags = {"decision": entry.action, "decided_by": entry.by, "because": entry.because}
    tags |= {"despite": ", ".join(entry.taken_on), "concerns": entry.concerns[:TAG_LIMIT]}
    return {name: value for name, value in tags.items() if value}


def _goal(trail: AuditTrail, to: str | None) -> str:
    """The version that a rollback returns to."""
    if to is None:
        earlier = [version for version in trail.succession[:-1] if version not in trail.rejected]
        if not earlier:
            raise Refused(
                "there is no earlier champion to return to – a rollback needs one – approve"
                " another version"
            )
        return earlier[-1]
    if to == trail.champion:
        raise Refused(f"version {to} is already the champion – there is nothing to roll back")
    if to not in trail.champions:
        raise Refused(
            f"version {to} was never champion – a rollback returns to an earlier champion – use"
            " approve"
        )
    return to


def _entry(
    action: Action,
    version: Version,
    document: Document,
    trail: AuditTrail,
    by: str,
    because: str,
    *,
    role: str,
    despite: str = "",
) -> Entry:
    return Entry(
        action,
        version.number,
        trail.champion,
        by,
        because,
        document.decision.value,
        document.digest,
        document.model.digest if document.model else "",
        role,
        despite,
    )


def _of_file(path: Path) -> tuple[str, ...]:
    try:
        return Document.from_json(path.read_text(encoding="utf-8")).contradictions()
    except (ValidationError, UnicodeDecodeError) as problem:
        return (f"{path} is not a verdict document: {str(problem).splitlines()[0]}",)
