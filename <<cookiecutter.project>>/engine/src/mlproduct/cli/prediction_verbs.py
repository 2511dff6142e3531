"""``score``, ``label``, ``coverage``, ``forget`` and ``expire``: predictions, and what came
true.
"""

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

USUAL_DAYS = 30


def score(options: Namespace, project: Project) -> int:
    from ..tasks.local_runner import run_locally

    first, last = as_date(options.first), as_date(options.last)
    state = run_locally(
        project.flows.score, day=as_date(options.day), start=first, end=last, shadow=options.shadow
    )
    scored = state.result()
    if not scored:
        say(f"  Every day from {first} to {last} is scored.")
        return 0
    say(f"  Parquet     {near(project.settings.var / 'predictions')}")
    return 0


def label(options: Namespace, project: Project) -> int:
    from ..tasks.local_runner import run_locally

    run_locally(project.flows.label, day=as_date(options.day), file=options.file).result()
    say(f"  coverage    {project.call} coverage")
    return 0


def coverage(options: Namespace, project: Project) -> int:
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
        say(f"Nothing was predicted from {first} to {last}.")
    return 0


def forget(options: Namespace, project: Project) -> int:
    """Files first, the database last: what breaks off is found again by the same command.

    Raises ProductError, when everything else is done, where a file could not be read.
    """
    settings = project.settings
    from ..data.keys import spelled
    from ..data.quarantine import Quarantine
    from ..log.partition_files import PartitionFiles
    from ..log.prediction_log import PredictionLog
    from ..log.spool import Spool

    by = plain("--by", options.by, NAME_LIMIT)  # before a file is rewritten
    key, column = spelled(options.key).strip(), project.product.feature_columns.key
    if not key:
        raise ConfigError("KEY is empty – expected the key of a subject – give one")
    log = PredictionLog(settings.database_url)
    parts = PartitionFiles(settings.var / "predictions", column)
    files = parts.forget(log.may_hold(key, parts.names()), key)
    aside = Quarantine(settings.var / "quarantine").forget(column, key)
    waiting = Spool(settings.var / "service" / "spool").forget(key)
    erased = log.forget(key, by=by, files=files.erased)
    predictions = erased.predictions + waiting.erased
    say(
        f"{predictions:,} predictions, {erased.labels:,} labels and {aside.erased:,} rows in"
        f" quarantine are erased; {files.erased:,} Parquet files were rewritten."
    )
    say(
        "  The source still has what it has: erase the subject there, or the next scoring brings"
        " them back."
    )
    if unreadable := [*files.unreadable, *aside.unreadable, *waiting.unreadable]:
        named = ", ".join(near(path) for path in unreadable)
        raise ProductError(
            f"{len(unreadable):,} of the files cannot be read and may still hold the subject:"
            f" {named} – expected Parquet, or JSON on the spool; in all others and in the database"
            " it is done – restore each from a backup, or delete it, and forget the subject again"
        )
    return 0


def expire(options: Namespace, project: Project) -> int:
    from ..tasks.local_runner import run_locally

    run_locally(project.flows.expire).result()
    return 0


def as_date(text: str | None) -> date | None:
    """The day an option gives; None where it was left out."""
    return day(text) if text else None
