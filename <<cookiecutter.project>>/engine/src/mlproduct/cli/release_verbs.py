"""``approve``, ``reject``, ``rollback``, ``history``, ``verify``, ``keys``: decisions about the
champion, and the keys that sign verdicts.
"""

from argparse import Namespace
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import say, table
from ..errors import ConfigError, NotVerifiable, Refused
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
    "keys",
    "named",
    "reject",
    "releases_of",
    "rollback",
    "verify",
]


def releases_of(project: Project) -> "Releases":
    """Access to the product's champion and the decisions about it."""
    from ..registry.releases import Releases

    return Releases(project.settings, project.product.name)


def champion(project: Project) -> str | None:
    """The champion's version according to the audit log; None if there is no champion."""
    return releases_of(project).champion()


def approve(options: Namespace, project: Project) -> int:
    """Makes a version the champion, in the name of the person ``--by``."""
    releases = releases_of(project)
    entry = releases.approve(
        options.version, by=options.by, because=options.because, despite=tuple(options.despite)
    )
    say(f"Version {entry.version} is the champion{_instead_of(entry)}; approved by {entry.by}.")
    say(f"  history     {project.call} history")
    return 0


def reject(options: Namespace, project: Project) -> int:
    """Excludes a version permanently."""
    entry = releases_of(project).reject(options.version, by=options.by, because=options.because)
    say(
        f"Version {entry.version} is rejected by {entry.by}; the champion is still"
        f" {named(entry.previous_version)}."
    )
    return 0


def rollback(options: Namespace, project: Project) -> int:
    """Makes an earlier champion the champion again."""
    entry = releases_of(project).rollback(by=options.by, because=options.because, to=options.to)
    say(
        f"Version {entry.version} is the champion again{_instead_of(entry)}; rolled back by"
        f" {entry.by}."
    )
    return 0


def _instead_of(entry: "Entry") -> str:
    return f" instead of version {entry.previous_version}" if entry.previous_version else ""


def named(version: str | None) -> str:
    """``version 3`` for "3", and ``none`` without a version."""
    return f"version {version}" if version else "none"


def history(options: Namespace, project: Project) -> int:
    """Prints all decisions about champions, or with ``--on`` the champion of a day."""
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
    """The open criteria that the decision accepted, and its remarks on the criteria."""
    if entry.taken_on:
        yield f"despite: {', '.join(entry.taken_on)}"
    if entry.concerns:
        yield entry.concerns


def day(text: str) -> date:
    """The day that ``text`` names. Raises ConfigError for anything but year-month-day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a day – expected year-month-day – write it like 2026-11-24"
        ) from None


def verify(options: Namespace, project: Project) -> int:
    """Computes verdicts again and compares every digest; the exit code is 3 if anything differs.

    The audit log is verified too, except with a file, which has no decision. With ``--measure``,
    the model of a version is measured again on the rows of its training; the exit code is 4 if that
    is not possible.
    """
    if options.measure and not _is_version(options.what or ""):
        raise ConfigError(
            f"--measure: {options.what or 'no version was given'} – expected the number of one"
            f" version, whose model is measured – write {project.call} verify 3 --measure"
        )
    releases = releases_of(project)
    what = (
        [options.what]
        if options.what
        else [version.number for version in releases.models.versions()]
    )
    found = 0
    if not Path(options.what or "").is_file():
        sentence, unchanged = releases.verify_audit_log()
        found += not unchanged
        say(f"audit log: {escaped(sentence)}")
    for each in what:
        problems = releases.verify(each)
        found += len(problems)
        name = _called(each)
        same = "every digest matches, and the verdict is the same"
        say(f"{name}: {escaped('; '.join(problems)) or same}")
    if not what:
        say("There is no version to verify yet.")
    if options.measure and not found:
        return _measure(options, project)
    return Refused.exit_code if found else 0


def _called(what: str) -> str:
    return f"version {what}" if what.isdigit() else escaped(what)


def _is_version(what: str) -> bool:
    from ..registry.versions import CHALLENGER, CHAMPION

    return what.isdigit() or what in (CHAMPION, CHALLENGER)


def _measure(options: Namespace, project: Project) -> int:
    """Measures a version again and prints every difference; the exit code is 3 if there is one."""
    from ..tasks.measured_again import measure_again

    name = _called(options.what)
    try:
        again = measure_again(project.product, project.settings, options.what, options.source)
    except NotVerifiable as problem:
        raise NotVerifiable(f"{name} cannot be verified: {problem}") from problem
    measured = f"{name}: measured again on its {again.rows:,} rows"
    if again.differences:
        say(f"{measured}; {len(again.differences)} of {again.compared} comparisons differ:")
        for difference in again.differences:
            say(f"  {escaped(difference)}")
    else:
        say(f"{measured}; all {again.compared} measurements that can be repeated are the same")
    for remark in again.remarks:
        say(f"  note: {escaped(remark)}")
    return Refused.exit_code if again.differences else 0


def keys(options: Namespace, project: Project) -> int:
    """Creates a pair of keys for signatures and prints which variable contains which key."""
    from ..registry.signatures import create_keys

    private, public = create_keys(options.to, project.settings.root)
    say("Created a pair of keys. Set, outside the product's folder:")
    say(f"  PRODUCT_SIGNING_KEY={private}  for the training only; it is secret")
    say(f"  PRODUCT_PUBLIC_KEY={public}  for every process that releases or loads models")
    return 0
