"""``doctor`` and ``review``: is everything there, and a look at it."""

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import PRODUCT
from ..config import Settings, read_pipeline, read_scoring
from ..console import coloured, line, say
from ..errors import ConfigError, ProductError
from ..redaction import redacted
from .data import near
from .releases import named, releases_of

__all__ = ["doctor", "refuse_damaged_files", "review"]


def doctor(options: Namespace, settings: Settings) -> int:
    """Every check in turn; one that fails does not keep the others from being made."""
    failed = 0
    for name, check in _checks(settings):
        try:
            line(name, f"{coloured('ok', 'green')}  {check()}")
        except (ProductError, OSError) as problem:
            failed += 1
            line(name, f"{coloured('not ok', 'red')}  {redacted(problem)}")
    say("Everything is there that a training needs." if not failed else f"{failed} to mend.")
    return ConfigError.exit_code if failed else 0


def _checks(settings: Settings) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", _python
    yield "folder", lambda: _writable(settings.var)
    yield "files", lambda: _files(settings)
    yield "source", lambda: _source(settings)
    yield "databases", lambda: _databases(settings)
    yield "mlflow", lambda: _mlflow(settings)
    yield "trail", lambda: _trail(settings)
    yield "labels", lambda: _labels(settings)


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
    return f"{near(folder)} can be written, {shutil.disk_usage(folder).free / 1e9:,.0f} GB are free"


def _files(settings: Settings) -> str:
    from ..flows.orders import read_order_files

    criteria, pipeline, columns = read_order_files(settings)
    return f"{len(criteria.criteria)} criteria, {len(columns.features)} features, split by {pipeline.split.by}"


def _source(settings: Settings) -> str:
    from ..columns import columns_of
    from ..schemas import Labelled
    from ..stores.sources import read

    source, columns = read_pipeline(settings.pipeline_file).source, columns_of(Labelled).read
    first = next(iter(read(source, columns, root=settings.root, environ=os.environ)), None)
    there = set(first.rows.columns) if first else set()
    if missing := [name for name in columns if name not in there]:
        raise ConfigError(f"{source.described} has no column {', '.join(missing)} – see schemas.py")
    return f"{source.described} has all {len(columns)} columns"


def _databases(settings: Settings) -> str:
    from ..stores import database, tracking
    from ..stores.sqlite_files import integrity

    decisions = integrity(settings.database_url, database.HOLDS, database.VARIABLE)
    return f"{decisions}; {integrity(settings.tracking_uri, tracking.HOLDS, tracking.VARIABLE)}"


def refuse_damaged_files(settings: Settings) -> None:
    """Raises ProductError where the product's database or MLflow's is a file that cannot be opened as one."""
    from ..stores import database, tracking
    from ..stores.sqlite_files import refuse_damaged

    refuse_damaged(settings.database_url, database.HOLDS, database.VARIABLE)
    refuse_damaged(settings.tracking_uri, tracking.HOLDS, tracking.VARIABLE)


def _mlflow(settings: Settings) -> str:
    from ..stores.abandoned import end_abandoned

    models = releases_of(settings).models
    found = f"{len(models.versions())} versions at {redacted(settings.tracking_uri)}"
    return "; ".join((found, *end_abandoned(models.runs)))


def _trail(settings: Settings) -> str:
    from ..stores.versions import CHAMPION

    releases = releases_of(settings)
    before, trail = releases.models.alias(CHAMPION), releases.reconcile()
    found = f"{len(trail.entries)} decisions, champion: {named(trail.champion)}"
    if before == trail.champion:
        return found
    return f"{found}; MLflow's alias said {named(before)} and was set back"


def _labels(settings: Settings) -> str:
    from ..columns import columns_of
    from ..schemas import Labelled
    from ..steps.answers import answers_of
    from ..stores.prediction_log import PredictionLog

    columns = columns_of(Labelled)
    if columns.time:
        return f"matched by {columns.key} and {columns.time}"
    day_column = read_scoring(settings.scoring_file).labels.day_column
    answers_of(Labelled, day_column)
    if day_column:
        return f"matched by {columns.key} and {day_column}"
    if several := PredictionLog(settings.database_url).keys_of_several_days():
        raise ConfigError(
            f"{several:,} keys were predicted on more than one day, and a label does not say of which it is – the"
            " schema has no time column, so deliveries of their labels are refused – deliver the day of the"
            " prediction as a column and name it as labels: day_column in config/scoring.yaml"
        )
    return f"matched by {columns.key} alone, so each may be predicted on one day; see labels: day_column"


def review(options: Namespace, settings: Settings) -> int:
    """Opens MLflow's own pages in the foreground; Ctrl-C ends it."""
    from ..stores.review import command, places

    if settings.tracking_uri.startswith("http"):
        address = redacted(settings.tracking_uri).rstrip("/")
        say(f"MLflow runs at {address}")
        _where(places(settings, PRODUCT, address))
        return 0
    arguments, told, address = command(settings, options.port)
    say(f"MLflow on this product's runs: {address}  (Ctrl-C ends it)")
    _where(places(settings, PRODUCT, address))
    os.execve(arguments[0], arguments, told)


def _where(places: dict[str, str]) -> None:
    for what, place in places.items():
        say(f"  {what:<12}{place}")
