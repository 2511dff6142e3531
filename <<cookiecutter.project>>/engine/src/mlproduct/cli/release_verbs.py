"""``approve``, ``reject``, ``rollback``, ``history``, ``verify``: the champion, and who decided."""

from argparse import Namespace
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from ..console import say, table
from ..errors import ConfigError, Refused
from ..escaping import escaped
from .project import Project

if TYPE_CHECKING:
    from ..registry.audit_log import Entry
    from ..registry.releases import Releases

__all__ = [
    "approve",
    "champion",
    "day",
    "history",
    "named",
    "reject",
    "releases_of",
    "rollback",
    "verify",
]


def releases_of(project: Project) -> "Releases":
    """The product's champion and the decisions about it."""
    from ..registry.releases import Releases

    return Releases(project.settings, project.product.name)


def champion(project: Project) -> str | None:
    """The version that is champion, by the audit log."""
    return releases_of(project).champion()


def approve(options: Namespace, project: Project) -> int:
    releases = releases_of(project)
    entry = releases.approve(
        options.version, by=options.by, because=options.because, despite=tuple(options.despite)
    )
    say(f"Version {entry.version} is the champion{_instead_of(entry)}; approved by {entry.by}.")
    say(f"  history     {project.call} history")
    return 0


def reject(options: Namespace, project: Project) -> int:
    entry = releases_of(project).reject(options.version, by=options.by, because=options.because)
    say(
        f"Version {entry.version} is rejected by {entry.by}; the champion stays"
        f" {named(entry.previous_version)}."
    )
    return 0


def rollback(options: Namespace, project: Project) -> int:
    entry = releases_of(project).rollback(by=options.by, because=options.because, to=options.to)
    say(
        f"Version {entry.version} is the champion again{_instead_of(entry)}; rolled back by"
        f" {entry.by}."
    )
    return 0


def _instead_of(entry: "Entry") -> str:
    return f" instead of version {entry.previous_version}" if entry.previous_version else ""


def named(version: str | None) -> str:
    return f"version {version}" if version else "none"


def history(options: Namespace, project: Project) -> int:
    from ..registry.audit_log import AuditLog

    log = AuditLog(project.settings.database_url)
    if options.on is None:
        entries: tuple[Entry, ...] = log.read().entries
        if not entries:
            say("No decision has been recorded yet.")
    else:
        made = log.champion_on(day(options.on))
        entries = (made,) if made else ()
        say(f"Champion on {options.on}: {named(made.version) if made else 'none'}")
    rows = table(
        (f"{e.at:%Y-%m-%d %H:%M}", e.action, f"version {e.version}", e.by, e.because)
        for e in entries
    )
    for entry, text in zip(entries, rows, strict=True):
        say(text)
        for remark in _taken_on(entry):
            say(f"      {escaped(remark)}")
    return 0


def _taken_on(entry: "Entry") -> Iterator[str]:
    """What was open when it was decided, and what was said about the criteria."""
    if entry.taken_on:
        yield f"despite: {', '.join(entry.taken_on)}"
    if entry.concerns:
        yield entry.concerns


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a day – expected year-month-day – give it as 2026-11-24"
        ) from None


def verify(options: Namespace, project: Project) -> int:
    releases = releases_of(project)
    what = (
        [options.what]
        if options.what
        else [version.number for version in releases.models.versions()]
    )
    found = 0
    for each in what:
        problems = releases.verify(each)
        found += len(problems)
        name = f"version {each}" if each.isdigit() else escaped(each)
        same = "every digest matches, and the verdict comes out the same"
        say(f"{name}: {escaped('; '.join(problems)) or same}")
    if not what:
        say("There is no version to verify yet.")
    return Refused.exit_code if found else 0
