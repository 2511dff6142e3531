"""``sample`` and ``quarantine``: synthetic rows and quarantined rows."""

from argparse import Namespace
from datetime import timedelta
from functools import partial
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

A_DAY = 2_000  # rows of a synthetic day to score

# The file that marks a folder as created by the demo. The next demo replaces such a folder.
DEMO = ".demo"

LABELS_AFTER = timedelta(days=7)  # between a synthetic day and the delivery of its labels

SCORED = "score-"  # the runs of scored days begin with it


def sample(options: Namespace, project: Project) -> int:
    """Writes synthetic rows: for a training, or with ``--scoring`` for one day and its labels."""
    from ..synthetic import write

    if options.scoring:
        return _sample_of_a_day(options, project)
    make = synthetic_rows(project)
    target = named_file(options) or sample_path(project.settings)
    parameters = {
        "rows": options.rows,
        "dirty": options.dirty,
        "until": day(options.until) if options.until else None,
    }
    rows = make(
        seed=options.seed,
        drift=options.drift,
        shuffle_labels=options.shuffle_labels,
        # Without an option, the default of the function applies.
        **{name: value for name, value in parameters.items() if value is not None},
    )
    write(rows, target)
    say(f"{len(rows):,} synthetic rows in {near(target)}")
    return 0


def _sample_of_a_day(options: Namespace, project: Project) -> int:
    """Writes the rows without the target to the source of ``score`` for the day, and the labels to
    the source of ``label``.
    """
    settings = project.settings
    from ..synthetic import write

    if options.shuffle_labels or options.to or options.overwrite:
        raise ConfigError(
            "sample --scoring writes the rows and labels of a day to the paths in"
            " config/scoring.yaml – expected no --to, --overwrite or --shuffle-labels, which are"
            " for training rows – leave them out"
        )
    make = synthetic_rows(project)
    until = day(options.until) if options.until else today()
    parameters = {} if options.dirty is None else {"dirty": options.dirty}
    rows = make(
        rows=options.rows or A_DAY,
        seed=options.seed,
        until=until,
        drift=options.drift,
        span=0,
        **parameters,
    )
    columns = project.product.columns
    labels = rows[[name for name in (columns.key, columns.time, columns.target) if name]]
    scoring = read_scoring(settings.scoring_file)
    known = until + LABELS_AFTER
    written = {
        file_of(scoring.source.on(until), settings): rows.drop(columns=columns.target),
        file_of(scoring.labels.source.on(known), settings): labels.dropna(),
    }
    for path, part in written.items():
        write(part, path)
        say(f"{len(part):,} synthetic rows in {near(path)}")
    say(f"  score them      {project.call} score --day {until}")
    say(f"  label them      {project.call} label --day {known}")
    return 0


def synthetic_rows(project: Project) -> "Callable[..., pd.DataFrame]":
    """The product's function that makes synthetic rows; without one, rows of its schema."""
    from ..data.generated_rows import generated_sample

    return project.product.sample or partial(generated_sample, project.product)


def sample_path(settings: Settings) -> Path:
    """The file for synthetic training rows. Raises ConfigError like ``file_of``."""
    return file_of(read_pipeline(settings.pipeline_file).source, settings)


def file_of(source: Source, settings: Settings) -> Path:
    """The file that ``source`` names, if synthetic rows may be written to it.

    Raises ConfigError for any other source: a file outside ``var/sample/`` belongs to the team,
    whether it exists or not. In a folder that the demo created, every path inside is allowed.
    """
    own = settings.root if (settings.root / DEMO).exists() else settings.root / "var" / "sample"
    if source.path and not any(mark in source.path for mark in ("://", *"*?[")):
        path = settings.root / source.path
        # Resolved: a link under var/sample/ may lead to a file of the team.
        if path.resolve().is_relative_to(own.resolve()):
            return path
    raise ConfigError(
        f"the configuration reads {source.described}, and synthetic rows are not written there –"
        f" expected a file under {near(own)}/ – set the path to such a file; training rows can be"
        " written elsewhere with --to FILE"
    )


def named_file(options: Namespace) -> Path | None:
    """The file that ``--to`` or ``--overwrite`` names; None without either.

    Raises ConfigError if the file of ``--to`` exists, because it may contain someone's own data.
    """
    named: Path | None = options.overwrite or options.to
    if options.to and options.to.exists():
        raise ConfigError(
            f"{near(options.to)} already exists – expected the name of a new file – choose another"
            f" name, or replace the file with --overwrite {near(options.to)} instead of --to"
        )
    return named


def near(path: Path) -> str:
    """The path as text, relative to the working directory if it is inside."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def quarantine_list(options: Namespace, project: Project) -> int:
    """Prints the runs that have quarantined rows."""
    kept = _quarantine(project.settings).list()
    for text in table(
        (k.run, f"{k.when:%Y-%m-%d %H:%M}", f"{k.rows:,} rows", k.source, k.reason) for k in kept
    ):
        say(text)
    if not kept:
        say("The quarantine is empty.")
    return 0


def quarantine_show(options: Namespace, project: Project) -> int:
    """Prints the quarantined rows of a run and the rules they broke."""
    failures = _quarantine(project.settings).show(options.run)
    shown = failures.head(options.rows).astype(str)
    for text in table([tuple(shown.columns), *shown.itertuples(index=False, name=None)]):
        say(text)
    if len(failures) > len(shown):
        say(f"  … and {len(failures) - len(shown):,} more; show them with --rows N")
    return 0


def quarantine_export(options: Namespace, project: Project) -> int:
    """Writes the quarantined rows of a run as CSV, to be repaired."""
    path = named_file(options)
    if path is None:
        raise ConfigError("no file is given – expected --to FILE – add it")
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
    """Validates the quarantined rows of a training or of a label delivery again.

    Raises ConfigError for rows of a scored day: they are repaired at their source and scored again.
    """
    if options.run.startswith(SCORED):
        raise ConfigError(
            f"{options.run} contains rows of a scored day – expected a training run or a label"
            " delivery – repair the rows at their source, then score that day again"
        )
    from ..data.quarantine import OF_LABELS

    if options.run.startswith(OF_LABELS):
        from ..tasks.labelling import label_context, replay_labels

        recorded = replay_labels(label_context(project.product), options.run, options.repaired)
        say(
            f"{recorded.accepted:,} rows pass now and are recorded as labels;"
            f" {recorded.left:,} stay quarantined."
        )
        return 0
    from ..data.validation import validate

    # No limit on the share of invalid rows: rows that still fail stay quarantined.
    replayed = _quarantine(project.settings).replay(
        options.run,
        options.repaired,
        lambda batches: validate(batches, project.product.labelled, limit=1.0),
        read_pipeline(project.settings.pipeline_file).source.reading,
    )
    say(
        f"{replayed.accepted:,} rows pass now and are part of the next training;"
        f" {replayed.left:,} stay quarantined."
    )
    return 0


def _quarantine(settings: Settings) -> "Quarantine":
    from ..data.quarantine import Quarantine

    return Quarantine(settings.var / "quarantine")
