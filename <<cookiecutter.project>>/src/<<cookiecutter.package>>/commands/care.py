"""``doctor`` and ``review``: is everything there, and a look at it."""

import os
import re
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import PRODUCT
from ..config import Settings, read_pipeline
from ..console import coloured, line, say
from ..errors import ConfigError, ProductError
from .data import near
from .releases import named, releases_of

__all__ = ["doctor", "review"]


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


def _mlflow(settings: Settings) -> str:
    from ..stores.abandoned import end_abandoned

    models = releases_of(settings).models
    found = f"{len(models.versions())} versions at {settings.tracking_uri.rpartition('@')[2]}"
    return "; ".join((found, *end_abandoned(models.runs)))


def _trail(settings: Settings) -> str:
    from ..stores.versions import CHAMPION

    releases = releases_of(settings)
    before, trail = releases.models.alias(CHAMPION), releases.reconcile()
    found = f"{len(trail.entries)} decisions, champion: {named(trail.champion)}"
    if before == trail.champion:
        return found
    return f"{found}; MLflow's alias said {named(before)} and was set back"


def review(options: Namespace, settings: Settings) -> int:
    """Opens MLflow's own pages in the foreground; Ctrl-C ends it."""
    from ..stores.review import command, places

    if settings.tracking_uri.startswith("http"):
        address = re.sub("//[^/@]*@", "//", settings.tracking_uri).rstrip("/")  # never a password
        say(f"MLflow runs at {address}")
        _where(places(settings, PRODUCT, address))
        return 0
    arguments, address = command(settings, options.port)
    say(f"MLflow on this product's runs: {address}  (Ctrl-C ends it)")
    _where(places(settings, PRODUCT, address))
    os.execv(arguments[0], arguments)


def _where(places: dict[str, str]) -> None:
    for what, place in places.items():
        say(f"  {what:<12}{place}")
