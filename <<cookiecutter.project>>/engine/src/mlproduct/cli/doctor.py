"""``doctor`` checks what a training needs; ``review`` opens MLflow."""

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..config.settings import Settings, read_scoring
from ..console import coloured, line, say
from ..errors import ConfigError, ProductError, Refused
from ..escaping import escaped
from ..manifest import report
from ..redaction import redacted
from .data_verbs import near
from .project import Project
from .release_verbs import named, releases_of

if TYPE_CHECKING:
    from .trial_run import NotRun, Trial

__all__ = ["doctor", "refuse_damaged_files", "review"]


def doctor(options: Namespace, project: Project) -> int:
    """Runs every check, also after one has failed. Returns 2 if any failed."""
    found = _failed(_checks_of_machine(project))
    from .trial_run import run_trial  # imports pandas, which another Python may not have

    trial = run_trial(project)
    found += _show(trial)
    found += _failed(_checks_of_records(project), trial.messages)
    if found:
        say(f"Problems to correct: {found}.")
    elif trial.not_run:
        say("No problem was found, but some steps could not be tried.")
    else:
        say("Everything that a training needs is available.")
    return ConfigError.exit_code if found else 0


def _failed(checks: Iterable[tuple[str, Callable[[], str]]], known: Iterable[str] = ()) -> int:
    """Shows the result of each check and returns how many failed.

    An error whose message is ``known`` was shown already and is not counted again.
    """
    failed, shown = 0, set(known)
    for name, check in checks:
        try:
            line(name, f"{coloured('ok', 'green')}  {check()}")
        except Exception as problem:  # also of the team's files, which the checks import
            if str(problem) in shown:
                line(name, f"{coloured('not run', 'yellow')}  correct the problems above first")
                continue
            failed += 1
            shown.add(str(problem))
            named = isinstance(problem, ProductError | OSError)
            kind = "" if named else f"{type(problem).__name__}: "
            line(name, f"{coloured('not ok', 'red')}  {kind}{redacted(problem)}")
    return failed


def _show(trial: "Trial") -> int:
    """Shows the parts of the trial, each with its findings below, and returns how many problems."""
    inner = ("schema", "split", "target", "rule", "candidates", "criteria")
    for name, steps in (("files", ("files",)), ("source", ("source",)), ("trial", inner)):
        findings = trial.of(*steps)
        problems = sum(not each.warning for each in findings)
        waits = _not_run([each for each in trial.not_run if each.step in steps])
        if problems:
            count = f"{problems} problem{'s' * (problems != 1)}"
            text = f"{count}; not run: {waits}" if waits else count
            line(name, f"{coloured('not ok', 'red')}  {text}")
        elif waits or name not in trial.summaries:
            line(name, f"{coloured('not run', 'yellow')}  {waits}")
        else:
            line(name, f"{coloured('ok', 'green')}  {trial.summaries[name]}")
        for finding in findings:
            for each in redacted(finding.text).splitlines():
                say(f"{'':12}{escaped(each)}")
    return len(trial.problems)


def _not_run(waiting: "Sequence[NotRun]") -> str:
    """The parts that did not run, by the step that they wait for."""
    by: dict[str, list[str]] = {}
    for each in waiting:
        by.setdefault(each.needed, []).append(each.name)
    return "; ".join(f"{', '.join(names)} (without {step})" for step, names in by.items())


def _checks_of_machine(project: Project) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", _python
    yield "engine", lambda: _engine(project.settings)
    yield "folder", lambda: _writable(project.settings.var)


def _checks_of_records(project: Project) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "databases", lambda: _databases(project.settings)
    yield "mlflow", lambda: _mlflow(project)
    yield "history", lambda: _trail(project)
    yield "signed", lambda: _signatures(project)
    yield "labels", lambda: _labels(project)


def _python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise ConfigError(
            f"Python {found} – expected 3.11, 3.12 or 3.13 – create the environment with one of"
            " these"
        )
    return found


def _engine(settings: Settings) -> str:
    """The engine's version and its edited files. An edit is no error, but an update undoes it."""
    folder = settings.root / "engine"
    found = f"mlproduct {__version__}"
    return f"{found}; {report(folder)}" if folder.is_dir() else found


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    return f"{near(folder)} is writable, {shutil.disk_usage(folder).free / 1e9:,.0f} GB are free"


def _databases(settings: Settings) -> str:
    from ..log import database
    from ..log.sqlite_files import integrity
    from ..registry import tracking

    decisions = integrity(settings.database_url, database.HOLDS, database.VARIABLE)
    return f"{decisions}; {integrity(settings.tracking_uri, tracking.HOLDS, tracking.VARIABLE)}"


def refuse_damaged_files(settings: Settings) -> None:
    """Raises ProductError if a database, the product's or MLflow's, is a file SQLite refuses."""
    from ..log import database
    from ..log.sqlite_files import refuse_damaged
    from ..registry import tracking

    refuse_damaged(settings.database_url, database.HOLDS, database.VARIABLE)
    refuse_damaged(settings.tracking_uri, tracking.HOLDS, tracking.VARIABLE)


def _mlflow(project: Project) -> str:
    from ..registry.stale_runs import close_stale_runs

    models = releases_of(project).models
    count = len(models.versions())
    found = f"{count} version{'s' * (count != 1)} at {redacted(project.settings.tracking_uri)}"
    return "; ".join((found, *close_stale_runs(models.runs)))


def _trail(project: Project) -> str:
    from ..registry.versions import CHAMPION

    releases = releases_of(project)
    # The alias is read first, because reconcile() corrects it.
    before, trail = releases.models.alias(CHAMPION), releases.reconcile()
    count = len(trail.entries)
    unchanged = ", none was changed" if count else ""
    found = f"{count} decision{'s' * (count != 1)}{unchanged}, champion: {named(trail.champion)}"
    if before == trail.champion:
        return found
    return f"{found}; MLflow's alias pointed to {named(before)} and was corrected"


def _signatures(project: Project) -> str:
    """Whether signatures are required, and the versions without a valid one.

    Only an unsigned champion is an error: versions from before the keys stay unsigned.
    """
    from ..registry.signatures import refuse_unsigned, signing_key

    settings, releases = project.settings, releases_of(project)
    if settings.signing_key is not None:
        signing_key(settings)
    if settings.public_key is None:
        signs = ", but trainings sign" if settings.signing_key is not None else ""
        return f"none required: PRODUCT_PUBLIC_KEY is not set{signs}"
    champion, unsigned = releases.champion(), []
    for version in releases.models.versions():
        try:
            refuse_unsigned(settings, releases.models.runs.product, version)
        except Refused:
            if version.number == champion:
                raise
            unsigned.append(version.number)
    return f"required; not validly signed: {', '.join(unsigned) or 'none'}"


def _labels(project: Project) -> str:
    from ..data.label_schema import answers_of
    from ..log.prediction_log import PredictionLog

    columns = project.product.columns
    if columns.time:
        return f"matched by {columns.key} and {columns.time}"
    day_column = read_scoring(project.settings.scoring_file).labels.day_column
    answers_of(project.product.labelled, day_column)
    if day_column:
        return f"matched by {columns.key} and {day_column}"
    if several := PredictionLog(project.settings.database_url).keys_of_several_days():
        raise ConfigError(
            f"{several:,} keys have predictions on more than one day, and the schema has no time"
            " column, so their labels cannot be matched and are refused – expected the day of the"
            " prediction as a column of each delivery – add it and name it in labels: day_column"
            " of config/scoring.yaml"
        )
    return (
        f"matched by {columns.key} alone, so each key may have predictions on one day only; see"
        " labels: day_column"
    )


def review(options: Namespace, project: Project) -> int:
    """Starts MLflow's pages in the foreground until Ctrl-C; with a server, prints its address."""
    settings = project.settings
    from ..registry.mlflow_pages import command, places

    if settings.tracking_uri.startswith("http"):
        address = redacted(settings.tracking_uri).rstrip("/")
        say(f"MLflow runs at {address}")
        _where(places(settings, project.product.name, address))
        return 0
    arguments, environ, address = command(settings, options.port)
    say(f"MLflow with the runs of this product: {address}  (stop it with Ctrl-C)")
    _where(places(settings, project.product.name, address))
    # MLflow replaces this process and so runs in the foreground.
    os.execve(arguments[0], arguments, environ)


def _where(places: dict[str, str]) -> None:
    for what, place in places.items():
        say(f"  {what:<12}{place}")
