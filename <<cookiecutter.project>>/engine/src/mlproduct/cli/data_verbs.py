"""``sample`` and ``quarantine``: rows made up, rows kept back."""

from argparse import Namespace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock import today
from ..config.settings import Settings, Source, read_pipeline, read_scoring
from ..console import say, table
from ..errors import ConfigError
from .project import Project
from .release_verbs import day

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ..data.quarantine import Quarantine

__all__ = [
    "DEMO",
    "file_of",
    "named_file",
    "near",
    "quarantine_export",
    "quarantine_list",
    "quarantine_replay",
    "quarantine_show",
    "sample",
    "sample_path",
    "synthetic_rows",
]

A_DAY = 2_000
DEMO = ".demo"
"""The file that marks a folder as made by the demo, which replaces it the next time."""

LABELS_AFTER = timedelta(days=7)
NOT_TRAINED_ON = ("score-", "labels-")


def sample(options: Namespace, project: Project) -> int:
    from ..synthetic import write

    if options.scoring:
        return _sample_of_a_day(options, project)
    make = synthetic_rows(project)
    target = named_file(options) or sample_path(project.settings)
    asked = {
        "rows": options.rows,
        "dirty": options.dirty,
        "until": day(options.until) if options.until else None,
    }
    rows = make(
        seed=options.seed,
        drift=options.drift,
        shuffle_labels=options.shuffle_labels,
        **{name: value for name, value in asked.items() if value is not None},
    )
    write(rows, target)
    say(f"{len(rows):,} synthetic rows in {near(target)}")
    return 0


def _sample_of_a_day(options: Namespace, project: Project) -> int:
    """Rows without the answer where ``score`` looks for the day, and the answers where ``label``
    will look.
    """
    settings = project.settings
    from ..synthetic import write

    if options.shuffle_labels or options.to or options.overwrite:
        raise ConfigError(
            "sample --scoring writes a day where config/scoring.yaml looks for it, answers and all"
            " – --to, --overwrite and --shuffle-labels are for the rows of a training – leave them"
            " out"
        )
    make = synthetic_rows(project)
    until = day(options.until) if options.until else today()
    asked = {} if options.dirty is None else {"dirty": options.dirty}
    rows = make(
        rows=options.rows or A_DAY,
        seed=options.seed,
        until=until,
        drift=options.drift,
        span=0,
        **asked,
    )
    columns = project.product.columns
    answers = rows[[name for name in (columns.key, columns.time, columns.target) if name]]
    scoring = read_scoring(settings.scoring_file)
    known = until + LABELS_AFTER
    written = {
        file_of(scoring.source.on(until), settings): rows.drop(columns=columns.target),
        file_of(scoring.labels.source.on(known), settings): answers.dropna(),
    }
    for path, part in written.items():
        write(part, path)
        say(f"{len(part):,} synthetic rows in {near(path)}")
    say(f"  score them      {project.call} score --day {until}")
    say(f"  label them      {project.call} label --day {known}")
    return 0


def synthetic_rows(project: Project) -> "Callable[..., pd.DataFrame]":
    """What makes the product's synthetic rows. Raises ConfigError where the team has taken it
    out.
    """
    if project.product.sample is None:
        raise ConfigError(
            "this product makes no synthetic rows – expected sample=… in product.py – put your own"
            " data where config/pipeline.yaml looks for it, or write a sample.py"
        )
    return project.product.sample


def sample_path(settings: Settings) -> Path:
    """Where synthetic rows to train on are written. Raises ConfigError as ``file_of``."""
    return file_of(read_pipeline(settings.pipeline_file).source, settings)


def file_of(source: Source, settings: Settings) -> Path:
    """The file of synthetic rows that the source is.

    Raises ConfigError where it is anything else: what is not under var/sample/ belongs to the team,
    whether it is there yet or not. In the folder that a demo made, any path within is the demo's
    own.
    """
    own = settings.root if (settings.root / DEMO).exists() else settings.root / "var" / "sample"
    if source.path and not any(mark in source.path for mark in ("://", *"*?[")):
        path = settings.root / source.path
        if path.resolve().is_relative_to(own.resolve()):
            return path
    raise ConfigError(
        f"the configuration reads {source.described}, where no synthetic rows are written –"
        f" expected one under {near(own)}/ – set the path to a file there; rows to train on can be"
        " written elsewhere with --to FILE"
    )


def named_file(options: Namespace) -> Path | None:
    """The file that ``--to`` or ``--overwrite`` names; None without either.

    Raises ConfigError where ``--to`` names one that is there: it may be anybody's.
    """
    named: Path | None = options.overwrite or options.to
    if options.to and options.to.exists():
        raise ConfigError(
            f"{near(options.to)} is there already – expected the name of a new file – choose"
            f" another, or replace it with --overwrite {near(options.to)} instead of --to"
        )
    return named


def near(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def quarantine_list(options: Namespace, project: Project) -> int:
    kept = _quarantine(project.settings).list()
    for text in table(
        (k.run, f"{k.when:%Y-%m-%d %H:%M}", f"{k.rows:,} rows", k.source, k.reason) for k in kept
    ):
        say(text)
    if not kept:
        say("The quarantine is empty.")
    return 0


def quarantine_show(options: Namespace, project: Project) -> int:
    failures = _quarantine(project.settings).show(options.run)
    shown = failures.head(options.rows).astype(str)
    for text in table([tuple(shown.columns), *shown.itertuples(index=False, name=None)]):
        say(text)
    if len(failures) > len(shown):
        say(f"  … and {len(failures) - len(shown):,} more; --rows N shows them")
    return 0


def quarantine_export(options: Namespace, project: Project) -> int:
    path = named_file(options)
    if path is None:
        raise ConfigError("no file is named – expected --to FILE – name one")
    from ..data.schema_validator import schema_validator

    texts = [
        name
        for name, kind in schema_validator(project.product.labelled).kinds.items()
        if kind == "text"
    ]
    rows = _quarantine(project.settings).export(options.run, path, texts=texts)
    say(f"{rows:,} rows in {near(path)}: repair them there, then")
    say(f"  {project.call} quarantine replay {options.run} --repaired {near(path)}")
    return 0


def quarantine_replay(options: Namespace, project: Project) -> int:
    """Rows of a training only: those of a scored day or of a delivery go the way by which they
    came.
    """
    if options.run.startswith(NOT_TRAINED_ON):
        raise ConfigError(
            f"{options.run} holds rows of a scored day or a delivery of labels – only the rows of a"
            " training are replayed – repair them where they came from, then score that day or"
            " hand in the labels again"
        )
    from ..data.validation import validate

    # No limit: the rows that still fail stay where they are.
    replayed = _quarantine(project.settings).replay(
        options.run,
        options.repaired,
        lambda batches: validate(batches, project.product.labelled, limit=1.0),
    )
    say(
        f"{replayed.accepted:,} rows pass now and are part of the next training; {replayed.left:,}"
        " stay."
    )
    return 0


def _quarantine(settings: Settings) -> "Quarantine":
    from ..data.quarantine import Quarantine

    return Quarantine(settings.var / "quarantine")
