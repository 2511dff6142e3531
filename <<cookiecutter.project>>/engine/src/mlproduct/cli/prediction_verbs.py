"""``score``, ``label``, ``coverage``, ``forget`` and ``expire``: predictions and their labels."""

from argparse import Namespace
from datetime import date, timedelta

from ..clock import today
from ..console import say, table
from ..errors import ConfigError, ProductError
from ..plain_text import NAME_LIMIT, plain
from .data_verbs import near
from .project import Project
from .release_verbs import day

__all__ = ["as_date", "coverage", "expire", "forget", "label", "score"]

USUAL_DAYS = 30  # days of `coverage` without --from


def score(options: Namespace, project: Project) -> int:
    """Scores one day, or all missing days of a range, with the champion."""
    from ..tasks.local_runner import run_locally

    first, last = as_date(options.first), as_date(options.last)
    state = run_locally(
        project.flows.score, day=as_date(options.day), start=first, end=last, shadow=options.shadow
    )
    scored = state.result()
    if not scored:
        say(f"  All days from {first} to {last} are already scored.")
        return 0
    say(f"  Parquet     {near(project.settings.var / 'predictions')}")
    return 0


def label(options: Namespace, project: Project) -> int:
    """Records the labels of a file or of the configured source."""
    from ..tasks.local_runner import run_locally

    run_locally(project.flows.label, day=as_date(options.day), file=options.file).result()
    say(f"  coverage    {project.call} coverage")
    return 0


def coverage(options: Namespace, project: Project) -> int:
    """Prints for each day how many predictions have a label."""
    from ..log.prediction_log import PredictionLog

    last = as_date(options.last) or today()
    first = as_date(options.first) or last - timedelta(days=USUAL_DAYS)
    days = PredictionLog(project.settings.database_url).coverage(first, last)
    rows = [
        (
            str(one.day),
            f"{one.predictions:,} predictions",
            f"{one.labelled:,} labelled",
            f"{one.share:.0%}",
        )
        for one in days
    ]
    for text in table(rows):
        say(text)
    if not days:
        say(f"There are no predictions from {first} to {last}.")
    return 0


def forget(options: Namespace, project: Project) -> int:
    """Erases a subject from files and the database.

    The files come first and the database last: the database lists the files that may contain the
    subject, so that after an interruption the same command finds the rest. Raises ProductError at
    the end if a file could not be read.
    """
    settings = project.settings
    from ..data.keys import spelled
    from ..data.quarantine import Quarantine
    from ..log.partition_files import PartitionFiles
    from ..log.prediction_log import PredictionLog
    from ..log.spool import Spool

    by = plain("--by", options.by, NAME_LIMIT)  # checked before any file is rewritten
    key, column = spelled(options.key).strip(), project.product.feature_columns.key
    if not key:
        raise ConfigError("KEY is empty – expected the key of a subject – add it")
    log = PredictionLog(settings.database_url)
    parts = PartitionFiles(settings.var / "predictions", column)
    files = parts.forget(log.may_hold(key, parts.names()), key)
    quarantined = Quarantine(settings.var / "quarantine").forget(column, key)
    waiting = Spool(settings.var / "service" / "spool").forget(key)
    erased = log.forget(key, by=by, files=files.erased)
    predictions = erased.predictions + waiting.erased
    say(
        f"Erased {predictions:,} predictions, {erased.labels:,} labels and"
        f" {quarantined.erased:,} quarantined rows; rewrote {files.erased:,} Parquet files."
    )
    say(
        "  The source is not changed: erase the subject there too, or the next scoring adds it"
        " again."
    )
    if unreadable := [*files.unreadable, *quarantined.unreadable, *waiting.unreadable]:
        named = ", ".join(near(path) for path in unreadable)
        raise ProductError(
            f"{len(unreadable):,} of the files cannot be read and may still contain the subject:"
            f" {named}; it is erased from all other files and the database – expected Parquet, or"
            " JSON in the spool – restore each file from a backup or delete it, then run forget"
            " again"
        )
    return 0


def expire(options: Namespace, project: Project) -> int:
    """Deletes data older than ``keep_days`` of config/scoring.yaml."""
    from ..tasks.local_runner import run_locally

    run_locally(project.flows.expire).result()
    return 0


def as_date(text: str | None) -> date | None:
    """The day that an option gives; None if the option was left out."""
    return day(text) if text else None
