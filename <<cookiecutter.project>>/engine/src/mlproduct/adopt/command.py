"""``adopt``: turns a generated product into a product for a table."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ..cli.project import Project
from ..cli.release_verbs import champion
from ..cli.servers import running
from ..clock import today
from ..config.settings import Settings, Source
from ..console import heading, line, say
from ..errors import ConfigError, Refused
from ..escaping import escaped
from ..in_use import replacing
from . import criteria_code
from .profile_page import profile_page
from .roles import Wishes
from .study import Asked, Study, study, template
from .table import read_table
from .writing import (
    Change,
    apply,
    changes_of,
    diff_of,
    formatted,
    undo_interrupted,
    write_diff,
)

__all__ = ["adopt"]

PROFILE = Path("var", "adopt", "profile.html")
# Files of the kit that an adopted product has no use for.
OF_THE_KIT = ("src/{package}/sample.py", "src/{package}/sentences.py", "tests/test_sample.py")


def adopt(options: Namespace, project: Project) -> int:
    """Studies the table, prints every decision, and writes the files. 0 also if nothing changes."""
    settings = project.settings
    with _alone(settings):
        # Not before: an adopt that runs is unfinished as well.
        if undo_interrupted(settings.root):
            say("An earlier adopt was interrupted; the files are as they were before it.")
        _refuse_champion(project)
        source = _source(options, settings)
        heading(escaped(f"Adopting {source.described}, target {options.target}"))
        table = read_table(source, options.target, root=settings.root)
        wishes = Wishes(
            options.key, options.time, options.group, tuple(options.drop), tuple(options.keep)
        )
        found = study(table, wishes, _asked(options, project), today(), _ask)
        for finding in found.findings:
            line(finding.subject, escaped(str(finding)))
        changes = changes_of(settings.root, dict(_files(found, project.package)))
        _show(changes)
        if options.dry_run:
            for text in diff_of(changes):
                say(escaped(text))
            say("Nothing was written (--dry-run).")
            return 0
        now = datetime.now()
        if changes:
            say(f"  diff        {write_diff(settings.root, changes, now)}")
        place = settings.root / PROFILE
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(profile_page(found), encoding="utf-8")
        if changes:
            backup = apply(settings.root, changes, now)
            say(f"  backup      {backup.relative_to(settings.root)}: the files as they were before")
    say(f"  profile     {PROFILE}")
    say("  check       make check && make test && make doctor")
    say("  train       make run")
    say("  then        correct product/success_criteria.yaml, and remove its line draft: true")
    return 0


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Raises Refused if a training, a worker or a service runs. None starts during the block."""
    if servers := running(settings):
        names = ", ".join(f"{one.name} {one.url} (process {one.pid})" for one in servers)
        raise Refused(
            f"{names} of this product is running – expected nothing that uses the files to be"
            " replaced – stop it with down"
        )
    with replacing(settings.root):
        yield


def _refuse_champion(project: Project) -> None:
    if number := champion(project):
        raise Refused(
            f"version {number} is the champion, and it expects the present schema – expected a"
            " product that has released nothing – generate a new product for this table"
        )


def _source(options: Namespace, settings: Settings) -> Source:
    if options.url_from or options.query:
        if options.source or not (options.url_from and options.query):
            raise ConfigError(
                "--url-from and --query: expected both and no SOURCE – give the name of the"
                " variable with the address, and a query"
            )
        return Source(url_from=options.url_from, query=options.query)
    if not options.source:
        raise ConfigError(
            "no SOURCE was given – expected a file, a pattern or an address – or give --url-from"
            " and --query for a database"
        )
    path = options.source
    if "://" not in path:
        full = Path(path).expanduser()
        full = full if full.is_absolute() else Path.cwd() / full
        near = full.is_relative_to(settings.root)
        path = (full.relative_to(settings.root) if near else full).as_posix()
    return Source(path=path)


def _asked(options: Namespace, project: Project) -> Asked:
    owner, contact = _owner(project.settings.root)
    return Asked(options.problem, options.positive, owner, contact, project.package)


def _owner(root: Path) -> tuple[str, str]:
    """The name and the address of the owner, as they were answered when the product was made."""
    record = root / ".bake.json"
    text = record.read_text(encoding="utf-8") if record.is_file() else "{}"
    given = str(json.loads(text).get("answers", {}).get("owner") or "the team")
    address = re.search(r"<([^>]+)>", given)
    name = given[: address.start()].strip() if address else given
    return name or given, address.group(1) if address else given


def _ask(doubt: str) -> bool:
    """Whether a person leaves the feature out; without a terminal it is kept."""
    if not sys.stdin.isatty():
        return False
    say(escaped(doubt))
    return input("  Leave it out? [y/N] ").strip().lower() in ("y", "yes")


def _files(found: Study, package: str) -> Iterator[tuple[Path, str | None]]:
    """The text of each file; None for those that are removed."""
    code = Path("src", package)
    trials = 3 if found.columns.texts else 9
    yield code / "schemas.py", formatted(found.schemas, "schemas.py")
    yield code / "rule.py", formatted(found.rule, "rule.py")
    yield code / "candidates.py", found.candidates
    yield code / "product.py", formatted(_product(found.problem), "product.py")
    yield (
        Path("config", "pipeline.yaml"),
        criteria_code.pipeline(found.facts, trials, found.accepted),
    )
    yield Path("config", "scoring.yaml"), criteria_code.scoring(found.facts)
    yield Path("product", "success_criteria.yaml"), criteria_code.criteria(found.facts)
    yield Path("product", "brief.md"), criteria_code.brief(found.facts, found.doubts)
    yield Path("tests", "test_behaviour.py"), template("test_behaviour.py")
    for name in OF_THE_KIT:
        path = Path(name.format(package=package))
        yield path, None


def _product(problem: str) -> str:
    return f'''"""The product: the parts that the team owns and that the engine uses."""

from mlproduct import {", ".join(sorted((problem, "Product")))}

from .candidates import CANDIDATES
from .rule import rule
from .schemas import Features, Labelled

__all__ = ["product"]

product = Product(
    problem={problem}(),
    features=Features,
    labelled=Labelled,
    candidates=CANDIDATES,
    rule=rule,
)
'''


def _show(changes: tuple[Change, ...]) -> None:
    say()
    if not changes:
        say("Every file is already as it would be written.")
    for change in changes:
        say(f"  {change.path.as_posix():<40} {change.says}")
