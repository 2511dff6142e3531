"""What each verb does: given its arguments and the settings, it shows what came of it and returns an exit code.

Everything heavy is imported by the verb that needs it.
"""

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from . import PRODUCT
from .config import Settings, read_criteria, read_pipeline
from .console import coloured, heading, line, result_lines, say, table
from .criteria import Decision
from .errors import ConfigError, ProductError, Refused

if TYPE_CHECKING:
    from .flows.orders import Registered
    from .stores.history import Entry
    from .stores.quarantine import Quarantine
    from .stores.releases import Releases

__all__ = [
    "approve",
    "champion",
    "check_criteria",
    "demo",
    "doctor",
    "explain_criteria",
    "history",
    "quarantine_export",
    "quarantine_list",
    "quarantine_replay",
    "quarantine_show",
    "reject",
    "review",
    "rollback",
    "run_training",
    "sample",
    "sample_path",
    "show_verdict",
    "train",
    "verify",
]

CALL = f"python -m {__package__}"


def train(options: Namespace, settings: Settings) -> int:
    registered = run_training(options.cause, options.source)
    show_verdict(registered)
    return 0 if registered.document.decision.is_ready else Refused.exit_code


def run_training(cause: str, source: str | None) -> "Registered":
    """What the training flow came to; Prefect's own wrapping of what broke is taken off."""
    from .flows.training import train as flow

    heading(f"{PRODUCT}, training {cause}")
    state = flow(cause=cause, source=source, return_state=True)
    registered: Registered = state.result()
    return registered


def show_verdict(registered: "Registered") -> None:
    """The criteria, the verdict, and where to look next."""
    document = registered.document
    colour = {Decision.READY: "green", Decision.BLOCKED: "red"}.get(document.decision, "yellow")
    say()
    model = document.verdict.results if document.model else ()
    for text in result_lines((*document.data_verdict.results, *model)):
        say(text)
    if document.problem:
        say(f"  The evaluation broke off: {document.problem}")
    say()
    say(f"{coloured(document.decision.value.upper(), colour)}  {_what_became_of_it(registered)}")
    say(f"  scorecard   {CALL} review")
    if document.decision is Decision.BLOCKED:
        return
    if not registered.promoted:
        say(f"  approve     {CALL} approve {registered.version} --by NAME --because REASON{_despite(registered)}")


def _what_became_of_it(registered: "Registered") -> str:
    if registered.promoted:
        return f"version {registered.version} is the champion."
    if registered.version is None:
        return "Not registered; the champion stays as it is."
    if registered.document.decision.is_ready:
        return f"Version {registered.version} is the challenger and waits for approval."
    return f"Version {registered.version} is registered, no challenger: a named person has to take on what is open."


def _despite(registered: "Registered") -> str:
    from .stores.release_checks import doubts

    return "".join(f" --despite {each}" for each in doubts(registered.document))


def explain_criteria(options: Namespace, settings: Settings) -> int:
    from .steps.metrics import METRICS
    from .steps.sentences import explain

    say(explain(read_criteria(settings.criteria_file), METRICS))
    return 0


def check_criteria(options: Namespace, settings: Settings) -> int:
    from .columns import columns_of
    from .schemas import Labelled
    from .steps.metrics import METRICS
    from .steps.sentences import problems

    criteria = read_criteria(settings.criteria_file)
    found = problems(criteria, columns_of(Labelled), METRICS, on=date.today())
    text = settings.criteria_file.read_text(encoding="utf-8")
    for problem in found:
        say(problem.in_words(settings.criteria_file, text))
    mistakes = sum(not problem.note for problem in found)
    if mistakes:
        return ConfigError.exit_code
    say(f"{settings.criteria_file}: {len(criteria.criteria)} criteria, {len(criteria.data)} on the data, no mistake")
    return 0


def _releases(settings: Settings) -> "Releases":
    from .stores.releases import Releases

    return Releases(settings, PRODUCT)


def champion(settings: Settings) -> str | None:
    """The version that is champion, by the trail."""
    return _releases(settings).champion()


def approve(options: Namespace, settings: Settings) -> int:
    releases = _releases(settings)
    entry = releases.approve(options.version, by=options.by, because=options.because, despite=tuple(options.despite))
    say(f"Version {entry.version} is the champion{_instead_of(entry)}; approved by {entry.by}.")
    say(f"  history     {CALL} history")
    return 0


def reject(options: Namespace, settings: Settings) -> int:
    entry = _releases(settings).reject(options.version, by=options.by, because=options.because)
    say(f"Version {entry.version} is rejected by {entry.by}; the champion stays {_named(entry.previous_version)}.")
    return 0


def rollback(options: Namespace, settings: Settings) -> int:
    entry = _releases(settings).rollback(by=options.by, because=options.because, to=options.to)
    say(f"Version {entry.version} is the champion again{_instead_of(entry)}; rolled back by {entry.by}.")
    return 0


def _instead_of(entry: "Entry") -> str:
    return f" instead of version {entry.previous_version}" if entry.previous_version else ""


def _named(version: str | None) -> str:
    return f"version {version}" if version else "none"


def history(options: Namespace, settings: Settings) -> int:
    from .stores.history import History

    trail = History(settings.database_url)
    if options.on is None:
        entries: tuple[Entry, ...] = trail.trail().entries
        if not entries:
            say("No decision has been recorded yet.")
    else:
        entry = trail.champion_on(_day(options.on))
        entries = (entry,) if entry else ()
        say(f"Champion on {options.on}: {_named(entry.version) if entry else 'none'}")
    for text in table((f"{e.at:%Y-%m-%d %H:%M}", e.action, f"version {e.version}", e.by, e.because) for e in entries):
        say(text)
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a day – expected year-month-day – give it as 2026-11-24") from None


def verify(options: Namespace, settings: Settings) -> int:
    releases = _releases(settings)
    what = [options.what] if options.what else [version.number for version in releases.models.versions()]
    found = 0
    for each in what:
        problems = releases.verify(each)
        found += len(problems)
        name = f"version {each}" if each.isdigit() else each
        say(f"{name}: {'; '.join(problems) or 'every digest matches, and the verdict comes out the same'}")
    if not what:
        say("There is no version to verify yet.")
    return Refused.exit_code if found else 0


def sample(options: Namespace, settings: Settings) -> int:
    from . import sample as synthetic
    from .synthetic import write

    target = options.to or sample_path(settings)
    asked = {"rows": options.rows, "dirty": options.dirty, "until": _day(options.until) if options.until else None}
    rows = synthetic.sample(
        seed=options.seed,
        drift=options.drift,
        shuffle_labels=options.shuffle_labels,
        **{name: value for name, value in asked.items() if value is not None},
    )
    write(rows, target)
    say(f"{len(rows):,} synthetic rows in {_near(target)}")
    return 0


def sample_path(settings: Settings) -> Path:
    """Where the configured source is, if a sample can be written there."""
    source = read_pipeline(settings.pipeline_file).source
    if source.path is None or "://" in source.path or "*" in source.path:
        raise ConfigError(
            f"config/pipeline.yaml reads {source.described}, where no sample is written – expected a file on this"
            " machine – say where with --to FILE"
        )
    return settings.root / source.path


def _near(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def quarantine_list(options: Namespace, settings: Settings) -> int:
    kept = _quarantine(settings).list()
    for text in table((k.run, f"{k.when:%Y-%m-%d %H:%M}", f"{k.rows:,} rows", k.source, k.reason) for k in kept):
        say(text)
    if not kept:
        say("The quarantine is empty.")
    return 0


def quarantine_show(options: Namespace, settings: Settings) -> int:
    failures = _quarantine(settings).show(options.run)
    shown = failures.head(options.rows).astype(str)
    for text in table([tuple(shown.columns), *shown.itertuples(index=False, name=None)]):
        say(text)
    if len(failures) > len(shown):
        say(f"  … and {len(failures) - len(shown):,} more; --rows N shows them")
    return 0


def quarantine_export(options: Namespace, settings: Settings) -> int:
    rows = _quarantine(settings).export(options.run, options.to)
    say(f"{rows:,} rows in {_near(options.to)}: repair them there, then")
    say(f"  {CALL} quarantine replay {options.run} --repaired {_near(options.to)}")
    return 0


def quarantine_replay(options: Namespace, settings: Settings) -> int:
    from .schemas import Labelled
    from .steps.validate import validate

    # No limit: the rows that still fail stay where they are.
    replayed = _quarantine(settings).replay(
        options.run, options.repaired, lambda batches: validate(batches, Labelled, limit=1.0)
    )
    say(f"{replayed.accepted:,} rows pass now and are part of the next training; {replayed.left:,} stay.")
    return 0


def _quarantine(settings: Settings) -> "Quarantine":
    from .stores.quarantine import Quarantine

    return Quarantine(settings.var / "quarantine")


def doctor(options: Namespace, settings: Settings) -> int:
    """Every check in turn; one that fails does not keep the others from being made."""
    failed = 0
    for name, check in _checks(settings):
        try:
            line(name, f"{coloured('ok', 'green')}  {check()}")
        except (ProductError, OSError) as problem:
            failed += 1
            line(name, f"{coloured('not ok', 'red')}  {problem}")
    say("Everything is there that a training needs." if not failed else f"{failed} to mend.")
    return ConfigError.exit_code if failed else 0


def _checks(settings: Settings) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", _python
    yield "folder", lambda: _writable(settings.var)
    yield "files", lambda: _files(settings)
    yield "source", lambda: _source(settings)
    yield "mlflow", lambda: _mlflow(settings)
    yield "trail", lambda: _trail(settings)


def _python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise ConfigError(f"Python {found} – 3.11, 3.12 or 3.13 is expected – make the environment with one of them")
    return found


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    return f"{_near(folder)} can be written, {shutil.disk_usage(folder).free / 1e9:,.0f} GB are free"


def _files(settings: Settings) -> str:
    from .flows.orders import read_order_files

    criteria, pipeline, columns = read_order_files(settings)
    return f"{len(criteria.criteria)} criteria, {len(columns.features)} features, split by {pipeline.split.by}"


def _source(settings: Settings) -> str:
    from .columns import columns_of
    from .schemas import Labelled
    from .stores.sources import read

    source, columns = read_pipeline(settings.pipeline_file).source, columns_of(Labelled).read
    first = next(iter(read(source, columns, root=settings.root, environ=os.environ)), None)
    there = set(first.rows.columns) if first else set()
    if missing := [name for name in columns if name not in there]:
        raise ConfigError(f"{source.described} has no column {', '.join(missing)} – see schemas.py")
    return f"{source.described} has all {len(columns)} columns"


def _mlflow(settings: Settings) -> str:
    versions = _releases(settings).models.versions()
    return f"{len(versions)} versions at {settings.tracking_uri.rpartition('@')[2]}"


def _trail(settings: Settings) -> str:
    trail = _releases(settings).reconcile()
    return f"{len(trail.entries)} decisions, champion: {_named(trail.champion)}"


def review(options: Namespace, settings: Settings) -> int:
    """Opens MLflow's own pages in the foreground; Ctrl-C ends it."""
    if settings.tracking_uri.startswith("http"):
        say(f"MLflow runs at {settings.tracking_uri}")
        return 0
    from .stores.review import command

    arguments, address = command(settings, options.port)
    say(f"MLflow on this product's runs: {address}  (Ctrl-C ends it)")
    os.execv(arguments[0], arguments)


def demo(options: Namespace, settings: Settings) -> int:
    from .story import tell

    return tell(options.folder, settings)
