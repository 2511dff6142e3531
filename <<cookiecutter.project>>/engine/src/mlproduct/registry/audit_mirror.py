"""The digest of the audit log's last entry, kept in MLflow as well.

    audit_log                     the digest of the last entry that MLflow knows
    audit_log.announced.<digest>  an entry that is about to be recorded

Both are tags of the registered model. An entry is announced before it is recorded in the database,
and the announcement is removed when ``audit_log`` has reached the entry. After a kill in between,
the entry is therefore known to both stores. An entry that was only added to the database is not.
"""

import json
import re
import shlex

from ..errors import Refused
from ..escaping import escaped
from .audit_log import RESTORE, AuditTrail, Entry
from .models import Models
from .versions import CHAMPION

__all__ = ["HEAD", "AuditMirror"]

HEAD = "audit_log"
ANNOUNCED = f"{HEAD}.announced."
WHAT_TO_DO = f"one of the two was changed: {RESTORE}, or the tag as docs/release.md describes"


class AuditMirror:
    """What MLflow knows about the audit log of one product."""

    def __init__(self, models: Models) -> None:
        self.models = models

    def head(self) -> str | None:
        """The digest in MLflow, None if there is none."""
        return self.models.model_tags().get(HEAD)

    def not_lost(self, trail: AuditTrail) -> None:
        """Raises Refused if the audit log is empty and MLflow has the alias ``champion`` or a
        digest of an entry.

        A decision is recorded before MLflow shows it. MLflow without any decision therefore means
        that the audit log was lost.
        """
        if trail.entries:
            return
        number, head = self.models.alias(CHAMPION), self.head()
        if number is None and head is None:
            return
        found = f"alias {CHAMPION} is on version {number}" if number else f"tag {HEAD} is {head}"
        # Without user and password: no message contains a password.
        address = re.sub("//[^/@ ]*@", "//", self.models.settings.tracking_uri)
        # Quoted for Python here and for the shell below: a name may contain quotes.
        model, alias, tag = map(json.dumps, (self.models.name, CHAMPION, HEAD))
        code = (
            "import mlflow; client = mlflow.MlflowClient();"
            f" client.delete_registered_model_alias({model}, {alias});"
            f" client.delete_registered_model_tag({model}, {tag})"
        )
        raise Refused(
            f"the audit log is empty, but MLflow's {found} – the product's database was lost, or"
            " PRODUCT_DATABASE_URL names another one – restore it from a backup; or, to start"
            " without a champion, remove alias and tag by hand:"
            f" MLFLOW_TRACKING_URI={shlex.quote(address)} python -c {shlex.quote(code)}"
        )

    def announce(self, entry: Entry) -> None:
        """Notes that the entry is about to be recorded."""
        self.models.tag_model(ANNOUNCED + entry.entry_digest, f"entry {entry.sequence}")

    def withdraw(self, entry: Entry) -> None:
        """Removes the announcement of the entry."""
        self.models.tag_model(ANNOUNCED + entry.entry_digest, None)

    def follow(self, trail: AuditTrail) -> None:
        """Moves the digest to the last entry.

        Raises Refused and changes nothing if ``waiting`` does.
        """
        waiting = self.waiting(trail)
        self.models.tag_model(HEAD, trail.head)
        # And the entry before: a kill at this place leaves its announcement.
        for entry in trail.entries[-len(waiting) - 1 :]:
            self.withdraw(entry)

    def waiting(self, trail: AuditTrail) -> tuple[Entry, ...]:
        """The last entries that MLflow does not have yet, because a process was ended too early.

        Raises Refused if the audit log and MLflow contradict each other.
        """
        tags = self.models.model_tags()
        digests, head = [entry.entry_digest for entry in trail.entries], tags.get(HEAD)
        if head is not None and head not in digests:
            raise Refused(
                f"MLflow's tag {HEAD} is {head}, which is the digest of no entry of the audit log –"
                f" expected {trail.head}, the digest of its last entry {trail.last} – {WHAT_TO_DO}"
            )
        # MLflow may lack entries of an earlier release, because only the migration chained them.
        known = trail.migrated if head is None else digests.index(head) + 1
        for entry in trail.entries[known:]:
            if ANNOUNCED + entry.entry_digest not in tags:
                place = trail.entries[known - 1].sequence if known else 0
                found = "missing" if head is None else f"at entry {place}"
                raise Refused(
                    f"entry {entry.sequence} of the audit log ({entry.action} of version"
                    f" {entry.version} by {escaped(entry.by)}) is not known to MLflow, whose tag"
                    f" {HEAD} is {found} – expected {trail.head} – {WHAT_TO_DO}"
                )
        if head is None and known:
            self._same_champion(trail.entries[:known])
        return trail.entries[known:]

    def _same_champion(self, migrated: tuple[Entry, ...]) -> None:
        """Raises Refused unless the alias is on the champion of the entries of an earlier release.

        The digest of such an entry can be computed by whoever writes to the database, and only the
        alias is in the other store.
        """
        expected, alias = AuditTrail(migrated).champion, self.models.alias(CHAMPION)
        if alias != expected:
            last = migrated[-1]
            raise Refused(
                f"entry {last.sequence} of the audit log ({last.action} of version {last.version}"
                f" by {escaped(last.by)}) is marked as one of a release before 0.5.0, but MLflow's"
                f" alias {CHAMPION} is on version {alias or 'none'} – expected version"
                f" {expected or 'none'} – {RESTORE}, or move the alias by hand"
            )
