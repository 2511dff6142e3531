"""What makes a version the champion, or keeps it from being one. Everything is checked, then
recorded.

    approve    a named person takes on a version that the gate let through
    automatic  the gate itself does, where the criteria say so and the verdict is ready, nothing
    less
    reject     a version stays out for good
    rollback   an earlier champion comes back

The order is always: look at the trail, check, add to the trail, move the alias. Whatever goes wrong
before the third leaves the champion as it was; what goes wrong after it is mended by the next
command.
"""

import json
import re
import shlex
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from ..config.settings import Settings
from ..errors import ProductError, Refused
from ..gate.criteria import Decision
from ..gate.document import Document
from .audit_log import Action, AuditLog, AuditTrail, Entry, taken_on_text
from .models import Models
from .release_checks import (
    as_recorded,
    concerns,
    consistent,
    not_rejected,
    signed,
    still_compared,
    taken_on,
)
from .versions import CHALLENGER, CHAMPION, Loaded, Version

__all__ = ["Releases"]

TAG_LIMIT = 5_000  # MLflow's longest tag of a version; the trail has the whole


class Releases:
    """The champion of one product, and the decisions about it."""

    def __init__(self, settings: Settings, product: str) -> None:
        self.models = Models(settings, product)
        self.audit_log = AuditLog(settings.database_url)

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

        ``despite`` names every must-criterion that is undecided, and ``review`` where the criteria
        are overdue or were loosened: whoever approves takes them on by name. Raises Refused where
        the verdict, a digest or the trail speaks against it, and leaves the champion as it was.
        """
        by, because, role = signed(by, because, role)
        trail, found = self.reconcile(), self.models.find(version)
        document = self._judged(found, trail)
        taken_on(document, despite, found.number)
        open_points = taken_on_text(despite, concerns(document))
        entry = _entry(
            "approve", found, document, trail, by, because, role=role, despite=open_points
        )
        return self._decide(entry, trail)

    def promote_automatically(self, version: str) -> Entry:
        """The entry by which the gate itself made the version the champion: ready, and nothing
        less.
        """
        trail, found = self.reconcile(), self.models.find(version)
        document = self._judged(found, trail)
        if document.criteria.approval != "automatic":
            raise Refused(
                f"version {found.number} waits for a person: the criteria say approval: required –"
                " use approve"
            )
        decision = document.decision
        if decision is not Decision.READY:
            raise Refused(
                f"version {found.number} is {decision} – only ready is promoted without a person –"
                " use approve"
            )
        because = "The verdict is ready and the criteria say approval: automatic."
        return self._decide(
            _entry("automatic", found, document, trail, "the gate", because, role="gate"), trail
        )

    def reject(self, version: str, *, by: str, because: str, role: str = "reviewer") -> Entry:
        """The entry that keeps the version out for good."""
        by, because, role = signed(by, because, role)
        trail, found = self.reconcile(), self.models.find(version)
        if found.number == trail.champion:
            raise Refused(
                f"version {found.number} is the champion – it cannot be rejected – roll back"
                " instead"
            )
        not_rejected(found, trail)
        tags = found.tags  # not the document: one that was tampered with must be rejectable
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
        """The entry that brought back the champion before this one, or the earlier one given."""
        by, because, role = signed(by, because, role)
        trail = self.reconcile()
        found = self.models.find(_goal(trail, to))
        not_rejected(found, trail)
        document = self.models.document(found)
        self.models.check(found, document)
        as_recorded(found, document, trail)
        return self._decide(
            _entry("rollback", found, document, trail, by, because, role=role), trail
        )

    def champion(self) -> str | None:
        """The version that is champion, by the trail."""
        return self.audit_log.read().champion

    def load_champion(self) -> Loaded | None:
        """The champion's model, checked against the trail as well; None where there is none.

        Raises Refused where the trail is lost: it is empty, and MLflow's alias names a champion.
        """
        trail = self.audit_log.read()
        self._not_lost(trail)
        if trail.champion is None:
            return None
        loaded = self.models.load(trail.champion)
        as_recorded(self.models.find(trail.champion), loaded.document, trail)
        return loaded

    def reconcile(self) -> AuditTrail:
        """The trail, after the aliases were made to say the same, also as others went on deciding.

        Raises Refused, and moves none of them, where the trail is lost.
        """
        while True:
            trail = self.audit_log.read()
            self._mirror(trail)
            if self.audit_log.read().last == trail.last:
                return trail

    def verify(self, what: str) -> tuple[str, ...]:
        """A sentence for everything that does not fit, of a version, a run or a decision.json; none
        is good.
        """
        if Path(what).is_file():
            return _of_file(Path(what))
        if what.isdigit() or what in (CHAMPION, CHALLENGER):
            return self._of_version(self.models.find(what))
        return self._of_run(what)

    def _not_lost(self, trail: AuditTrail) -> None:
        """A decision is recorded before the alias moves: an alias without one means that the record
        is gone.
        """
        if trail.entries or (number := self.models.alias(CHAMPION)) is None:
            return
        address = re.sub("//[^/@ ]*@", "//", self.models.settings.tracking_uri)  # never a password
        model, alias = json.dumps(self.models.name), json.dumps(CHAMPION)
        code = (
            f"import mlflow; mlflow.MlflowClient().delete_registered_model_alias({model}, {alias})"
        )
        raise Refused(
            "there is no champion by the history of decisions, which is empty, and MLflow's alias"
            f" {CHAMPION} is on version {number} – the product's database was lost, or"
            " PRODUCT_DATABASE_URL names another one – restore it from a backup; or, to begin"
            " without a champion, take the alias away by hand:"
            f" MLFLOW_TRACKING_URI={shlex.quote(address)} python -c {shlex.quote(code)}"
        )

    def _mirror(self, trail: AuditTrail) -> None:
        self._not_lost(trail)
        if self.models.alias(CHAMPION) != trail.champion:
            self.models.point(CHAMPION, trail.champion)
        challenger = self.models.alias(CHALLENGER)
        if challenger is not None and challenger in {*trail.rejected, trail.champion}:
            self.models.point(CHALLENGER, None)

    def _judged(self, version: Version, trail: AuditTrail) -> Document:
        """The version's document, when every digest fits and it was compared with the present
        champion.
        """
        if version.number == trail.champion:
            raise Refused(f"version {version.number} is the champion already – nothing to decide")
        not_rejected(version, trail)
        document = self.models.document(version)
        consistent(version, document, self.models.runs.tags(version.run_id))
        self.models.check(version, document)
        self.models.training_rows(version)
        still_compared(version, document, trail)
        return document

    def _decide(self, entry: Entry, trail: AuditTrail) -> Entry:
        recorded = self.audit_log.append(entry, after=trail.last)
        try:
            self.reconcile()
            self.models.tag(entry.version, _tags(entry))
        except Exception as problem:  # whatever it is, the decision stands and has to be said
            raise ProductError(
                f"{entry.action} of version {entry.version} is recorded, MLflow does not show it"
                f" yet ({problem}) – both should say the same – any of approve, reject and rollback"
                " mends it"
            ) from problem
        return recorded

    def _of_version(self, version: Version) -> tuple[str, ...]:
        try:
            document = self.models.document(version)
            consistent(version, document, self.models.runs.tags(version.run_id))
            self.models.check(version, document)
            self.models.training_rows(version)
            as_recorded(version, document, self.audit_log.read())
        except Refused as problem:
            return (str(problem),)
        champion, alias = self.champion(), self.models.alias(CHAMPION)
        if version.number in (champion, alias) and champion != alias:
            return (
                f"the trail says champion is {champion or 'none'}, MLflow's alias says"
                f" {alias or 'none'}",
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
                found.append(f"the {name} is {digest}, the run's tag says {tags.get(name)}")
        return tuple(found)


def _tags(entry: Entry) -> dict[str, str]:
    """What MLflow shows of the decision; what an approval took on stays when the version is decided
    on again.
    """
    tags = {"decision": entry.action, "decided_by": entry.by, "because": entry.because}
    tags |= {"despite": ", ".join(entry.taken_on), "concerns": entry.concerns[:TAG_LIMIT]}
    return {name: value for name, value in tags.items() if value}


def _goal(trail: AuditTrail, to: str | None) -> str:
    if to is None:
        earlier = [version for version in trail.succession[:-1] if version not in trail.rejected]
        if not earlier:
            raise Refused(
                "there is no earlier champion to go back to – a rollback needs one – approve"
                " another version"
            )
        return earlier[-1]
    if to == trail.champion:
        raise Refused(f"version {to} is the champion already – nothing to go back to")
    if to not in trail.champions:
        raise Refused(
            f"version {to} never was champion – a rollback returns to one that was – use approve"
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
