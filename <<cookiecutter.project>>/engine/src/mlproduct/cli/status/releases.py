"""The champion, and the versions that wait for a decision."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...config.settings import Settings
from ...errors import ProductError, Refused
from ..project import Project
from ..release_verbs import named
from .part import Once, Part, minute

if TYPE_CHECKING:
    from ...gate.document import Document
    from ...registry.audit_log import AuditTrail
    from ...registry.models import Models
    from ...registry.versions import Version

__all__ = ["Registry", "audit_trail", "champion", "waiting"]

# The newest undecided versions only, because the verdict document of each is downloaded.
VERSIONS_READ = 5


def audit_trail(settings: Settings) -> "AuditTrail":
    """The audit log. Raises ProductError if the database cannot be used."""
    from ...log.database import Database
    from ...registry.audit_log import AuditLog

    Database.refuse_unreadable(settings.database_url)
    return AuditLog(settings.database_url).read()


@dataclass(frozen=True)
class Registry:
    """The versions and the champion's alias in MLflow."""

    models: "Models"
    versions: "tuple[Version, ...]"
    alias: str | None

    @classmethod
    def read(cls, project: Project) -> "Registry":
        from ...registry.models import Models
        from ...registry.versions import CHAMPION

        models = Models(project.settings, project.product.name, only_read=True)
        return cls(
            models, versions := models.versions(), models.alias(CHAMPION) if versions else None
        )


DONE = {"approve": "approved", "automatic": "promoted", "rollback": "rolled back"}


def champion(trail: "AuditTrail", registry: Once[Registry]) -> Part:
    """The champion by the audit log, and whether MLflow agrees and it can be loaded."""
    broken = (trail.broken,) if trail.broken else ()
    wrong = (*broken, *_alias_differs(trail, registry), *_refused(trail, registry))
    entry = trail.current
    if entry is None:
        return Part(
            "champion",
            "none",
            wrong=wrong or ("There is no champion – run train, then approve a version.",),
        )
    value = {"version": entry.version, "since": entry.at, "by": entry.by, "action": entry.action}
    return Part(
        "champion",
        f"version {entry.version} since {minute(entry.at)}, {DONE[entry.action]} by {entry.by}",
        value,
        wrong,
    )


def _alias_differs(trail: "AuditTrail", registry: Once[Registry]) -> Iterator[str]:
    try:
        found = registry()
    except Exception:  # the part "waiting" reports that the registry cannot be read
        return
    if found.alias is not None and not trail.entries:
        yield (
            "The audit log is empty, but MLflow's alias champion points to version"
            f" {found.alias} – the product's database was lost, or PRODUCT_DATABASE_URL names"
            " another one – restore the database from a backup, or correct the variable."
        )
    elif problem := _contradiction(trail, found.models):
        yield problem
    elif found.alias != trail.champion:
        yield (
            f"In the audit log the champion is {named(trail.champion)}, but MLflow's alias"
            f" champion points to {named(found.alias)} – run doctor to correct the alias."
        )
    if trail.champion and trail.champion not in {version.number for version in found.versions}:
        yield (
            f"Version {trail.champion}, the champion, is not in the registry – restore it, or check"
            " MLFLOW_TRACKING_URI."
        )


def _contradiction(trail: "AuditTrail", models: "Models") -> str | None:
    """What is wrong if the digests of the audit log and of MLflow contradict each other."""
    from ...registry.audit_mirror import AuditMirror

    try:
        AuditMirror(models).waiting(trail)
    except Refused as problem:
        return str(problem)
    return None


def _refused(trail: "AuditTrail", registry: Once[Registry]) -> Iterator[str]:
    """Why the champion is not loaded: its document was changed, or a signature is required."""
    with suppress(Exception):  # of the registry, which other sentences report
        version = next(v for v in registry().versions if v.number == trail.champion)
        try:
            registry().models.document(version)
        except Refused as problem:
            yield str(problem)


def waiting(registry: Registry, trail: "AuditTrail") -> Part:
    """The newest versions that can still be approved.

    A version that was compared with an earlier champion, or judged by a draft of the criteria,
    cannot be approved.
    """
    from ...registry.release_checks import complete, doubts, still_compared

    undecided = [
        v
        for v in registry.versions
        if v.number not in trail.champions and v.number not in trail.rejected
    ]
    found: list[dict[str, Any]] = []
    wrong: list[str] = []
    for version in undecided[:VERSIONS_READ]:
        shown = {"version": version.number, "verdict": version.tags.get("verdict", "")}
        try:
            document: Document = registry.models.document(version)
        except ProductError as problem:
            wrong.append(str(problem))
            found.append({**shown, "open": None})
            continue
        try:
            complete(version, document)
            still_compared(version, document, trail)
        except Refused:
            continue
        found.append({**shown, "open": list(doubts(document))})
    return Part("waiting", "; ".join(map(_waits, found)) or "none", found, tuple(wrong))


def _waits(shown: dict[str, Any]) -> str:
    unsure = "unknown" if shown["open"] is None else ", ".join(shown["open"])
    return f"version {shown['version']} ({shown['verdict']}{f'; open: {unsure}' if unsure else ''})"
