"""``demo``: prepares a folder, shows the story there, and prints the next commands."""

import os
import shutil
from argparse import Namespace
from datetime import timedelta
from pathlib import Path

from ..cli.data_verbs import DEMO, near, sample_path, synthetic_rows
from ..cli.project import Project
from ..cli.release_verbs import champion
from ..clock import today
from ..config.settings import Settings
from ..console import coloured, heading, say
from ..data.generated_rows import changing_column
from ..errors import ConfigError, Refused
from ..in_use import replacing, using
from .configuration import configure, reads_own_data
from .new_class import adopts_new_class, shows_new_class
from .rehearsal import WEEKS, World, rehearsed
from .story import Story
from .timeline import timeline

__all__ = ["demo"]


def demo(options: Namespace, project: Project) -> int:
    """0 if every step has the expected result; otherwise ProductError is raised.

    ``--folder`` is created anew, unless it is the product's own folder.
    """
    own_data = reads_own_data(project)
    project = _staged(options.folder.resolve(), project)
    log = project.settings.var / "demo.log"
    new_class = shows_new_class(project.product)
    more = ", and a week with a new class" if new_class else ""
    rows = "rows generated from schemas.py, with bars for them" if own_data else "sample data"
    heading(
        f"Twelve weeks of {project.product.name}{more}, on {rows}. The full output of each"
        f" command is in {near(log)}."
    )
    weeks = WEEKS + 1 if new_class else WEEKS
    with rehearsed(), using(project.settings.var):
        world = World(project, today() - timedelta(weeks=weeks))
        with timeline(weeks + 1, log) as line:  # and week 0, in which the first model is released
            story = Story(world, line)
            story.begins()
            for week in range(1, WEEKS + 1):
                story.lives_through(week)
            story.ends()
            if new_class:
                adopts_new_class(story, weeks)
    _what_next(project)
    return 0


def _staged(folder: Path, project: Project) -> Project:
    """The project for the demo: a copy of the product's files in ``folder``, or the product itself.

    Raises Refused if it already has a champion, and ConfigError if the folder cannot be used.
    """
    # On a server with the product's deployments, the demo's events would start real trainings.
    os.environ.pop("PREFECT_API_URL", None)
    settings = project.settings
    if folder != settings.root:
        _refuse_others(folder, settings)
        # The service of an earlier demo still uses its files.
        with replacing(folder):
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # First, so that the next demo may replace the folder if this one is interrupted.
        (folder / DEMO).touch()
        # copyfile copies no permissions: others may read the team's files, but not the demo's.
        for name in ("product", "config"):
            shutil.copytree(settings.root / name, folder / name, copy_function=shutil.copyfile)
            (folder / name).chmod(0o700)  # copytree copies the folder's permissions
        for name in ("MLFLOW_TRACKING_URI", "PRODUCT_DATABASE_URL"):
            # The demo never writes to the team's registry or database.
            os.environ.pop(name, None)
        os.environ["PRODUCT_ROOT"] = str(folder)
    _refuse_without_story(project)
    staged = Project(project.package, Settings.from_environment())
    if folder != settings.root and reads_own_data(project):
        configure(staged.product, staged.settings)
    sample_path(staged.settings)  # raises early if the source is the team's own
    if (version := champion(staged)) is not None:
        raise Refused(
            f"{staged.settings.root} has a champion, version {version} – expected none – leave out"
            " --folder"
        )
    return staged


def _refuse_without_story(project: Project) -> None:
    """Raises ConfigError if no rows can be generated, or none of their columns can change."""
    if changing_column(project.product) is None:
        raise ConfigError(
            "the demo changes the values of a numeric feature, and schemas.py has none without a"
            " list of values – expected one, or sample=… and demo_column=… in product.py – write a"
            " sample.py"
        )
    synthetic_rows(project)(rows=100)


def _refuse_others(folder: Path, settings: Settings) -> None:
    """Raises ConfigError for a folder that the demo must not replace."""
    if settings.root.is_relative_to(folder):
        raise ConfigError(
            f"{folder} contains the product itself – expected a separate folder – give another"
            " --folder"
        )
    empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not empty and not (folder / DEMO).exists():
        raise ConfigError(
            f"{folder} is not empty and was not created by demo – expected a new or empty folder,"
            " because demo replaces it – give another --folder"
        )


def _what_next(project: Project) -> None:
    say()
    say(coloured("The demo ran as expected. Next commands:", "green"))
    root = project.settings.root
    place = "" if root == Path.cwd() else f"PRODUCT_ROOT={near(root)} "
    for what, command in {
        "scorecards and monitoring reports": "review",
        "decisions on models": "history",
        "decisions of monitoring": "decisions",
        "predictions over HTTP": "serve, then /docs",
    }.items():
        say(f"  {what:<39}{place}{project.call} {command}")
