"""``doctor`` and ``review``: is everything there, and a look at it."""

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import __version__
from ..config.settings import Settings, read_pipeline, read_scoring
from ..console import coloured, line, say
from ..errors import ConfigError, ProductError
from ..manifest import report
from ..redaction import redacted
from .data_verbs import near
from .project import Project
from .release_verbs import named, releases_of

__all__ = ["doctor", "refuse_damaged_files", "review"]


def doctor(options: Namespace, project: Project) -> int:
    """Every check in turn; one that fails does not keep the others from being made."""
    failed = 0
    for name, check in _checks(project):
        try:
            line(name, f"{coloured('ok', 'green')}  {check()}")
        except (ProductError, OSError) as problem:
            failed += 1
            line(name, f"{coloured('not ok', 'red')}  {redacted(problem)}")
    say("Everything is there that a training needs." if not failed else f"{failed} to mend.")
    return ConfigError.exit_code if failed else 0


def _checks(project: Project) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", _python
    yield "engine", lambda: _engine(project.settings)
    yield "folder", lambda: _writable(project.settings.var)
    yield "files", lambda: _files(project)
    yield "source", lambda: _source(project)
    yield "databases", lambda: _databases(project.settings)
    yield "mlflow", lambda: _mlflow(project)
    yield "trail", lambda: _trail(project)
    yield "labels", lambda: _labels(project)


def _python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise ConfigError(
            f"Python {found} – 3.11, 3.12 or 3.13 is expected – make the environment with one of"
            " them"
        )
    return found


def _engine(settings: Settings) -> str:
    """The engine's version, and what was edited in it: no mistake, but an update would undo it."""
    folder = settings.root / "engine"
    found = f"mlproduct {__version__}"
    return f"{found}; {report(folder)}" if folder.is_dir() else found


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    return f"{near(folder)} can be written, {shutil.disk_usage(folder).free / 1e9:,.0f} GB are free"


def _files(project: Project) -> str:
    from ..training.configuration import read_configuration

    criteria, pipeline = read_configuration(project.product, project.settings)
    features = project.product.columns.features
    return (
        f"{len(criteria.criteria)} criteria, {len(features)} features, split by {pipeline.split.by}"
    )


def _source(project: Project) -> str:
    from ..data.sources import read

    source, columns = (
        read_pipeline(project.settings.pipeline_file).source,
        project.product.columns.read,
    )
    first = next(iter(read(source, columns, root=project.settings.root, environ=os.environ)), None)
    there = set(first.rows.columns) if first else set()
    if missing := [name for name in columns if name not in there]:
        raise ConfigError(f"{source.described} has no column {', '.join(missing)} – see schemas.py")
    return f"{source.described} has all {len(columns)} columns"


def _databases(settings: Settings) -> str:
    from ..log import database
    from ..log.sqlite_files import integrity
    from ..registry import tracking

    decisions = integrity(settings.database_url, database.HOLDS, database.VARIABLE)
    return f"{decisions}; {integrity(settings.tracking_uri, tracking.HOLDS, tracking.VARIABLE)}"


def refuse_damaged_files(settings: Settings) -> None:
    """Raises ProductError where the product's database or MLflow's is a file that cannot be opened
    as one.
    """
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
    before, trail = releases.models.alias(CHAMPION), releases.reconcile()
    found = f"{len(trail.entries)} decisions, champion: {named(trail.champion)}"
    if before == trail.champion:
        return found
    return f"{found}; MLflow's alias said {named(before)} and was set back"


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
            f"{several:,} keys were predicted on more than one day, and a label does not say of"
            " which it is – the schema has no time column, so deliveries of their labels are"
            " refused – deliver the day of the prediction as a column and name it as labels:"
            " day_column in config/scoring.yaml"
        )
    return (
        f"matched by {columns.key} alone, so each may be predicted on one day; see labels:"
        " day_column"
    )


def review(options: Namespace, project: Project) -> int:
    """Opens MLflow's own pages in the foreground; Ctrl-C ends it."""
    settings = project.settings
    from ..registry.mlflow_pages import command, places

    if settings.tracking_uri.startswith("http"):
        address = redacted(settings.tracking_uri).rstrip("/")
        say(f"MLflow runs at {address}")
        _where(places(settings, project.product.name, address))
        return 0
    arguments, environ, address = command(settings, options.port)
    say(f"MLflow on this product's runs: {address}  (Ctrl-C ends it)")
    _where(places(settings, project.product.name, address))
    os.execve(arguments[0], arguments, environ)


def _where(places: dict[str, str]) -> None:
    for what, place in places.items():
        say(f"  {what:<12}{place}")
