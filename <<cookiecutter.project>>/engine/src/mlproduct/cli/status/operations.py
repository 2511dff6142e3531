"""The scored days, the labels, the alarms, the servers, the files and the spool."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...config.settings import Settings, read_monitoring, read_pipeline, read_scoring
from ...errors import ProductError
from ...gate.criteria import read_criteria
from ...redaction import redacted
from .part import Once, Part, count, minute

if TYPE_CHECKING:
    from ...log.decision_log import Decided
    from ...log.label_log import Delivery
    from ...log.prediction_log import Partition
    from ...log.spool import Spool
    from ...registry.audit_log import AuditTrail

__all__ = ["alarms", "files", "labels", "score", "scored", "servers", "spool", "unscored"]

DAYS_BACK = 30  # older days without a score are not reported

# A block waits less than a second if the database accepts it.
SPOOL_SECONDS = 60


def scored(settings: Settings, trail: Once["AuditTrail"]) -> "tuple[Partition, ...]":
    """The scored days. Raises as ``trail`` does if the database cannot be used."""
    from ...log.prediction_log import PredictionLog

    trail()  # raises first if the database cannot be used, with the same message in every part
    return PredictionLog(settings.database_url).partitions()


def score(partitions: "Sequence[Partition]", day: date) -> Part:
    """The last scored day, and the days before ``day`` that were not scored."""
    done = [one for one in partitions if one.done]
    # A day that was begun before today and is not done was interrupted, so it is scored again.
    begun = [one.day for one in partitions if not one.done and one.day < day]
    missing = sorted({*unscored([one.day for one in done], day), *begun})
    wrong = (_not_scored(missing),) if missing else ()
    if not done:
        return Part("score", "no day is scored yet", wrong=wrong)
    last = done[-1]
    value = {
        "day": last.day,
        "rows": last.rows,
        "rejected": last.rejected,
        "version": last.version,
        "at": last.at,
    }
    quarantined = f", {last.rejected:,} quarantined" if last.rejected else ""
    when = f", at {minute(last.at)}" if last.at else ""
    return Part(
        "score",
        f"{last.day}: {last.rows:,} rows by version {last.version}{quarantined}{when}",
        value,
        wrong,
    )


def unscored(done: Sequence[date], day: date) -> list[date]:
    """The days among the 30 before ``day`` that should have been scored and were not.

    ``done`` contains the scored days in ascending order. A weekday is expected to be scored if it
    was scored in the 28 days up to the last scored day.
    """
    if not done:
        return []
    first, last = done[0], done[-1]
    recent = {each.weekday() for each in done if each > last - timedelta(days=28)}
    # Less than a week of scored days shows no weekly pattern yet, so every weekday is expected.
    usual = recent if last - first >= timedelta(days=7) else set(range(7))
    start = max(first, day - timedelta(days=DAYS_BACK))
    days = (start + timedelta(days=number) for number in range((day - start).days))
    return [each for each in days if each.weekday() in usual and each not in set(done)]


def _not_scored(days: list[date]) -> str:
    verb = f"score --from {days[0]} --to {days[-1]}" if len(days) > 1 else f"score --day {days[0]}"
    missing = count(len(days), "day is", "days are")
    return f"{missing} not scored, most recently {days[-1]} – run {verb}."


def labels(
    settings: Settings,
    trail: Once["AuditTrail"],
    scored: "Once[tuple[Partition, ...]]",
    day: date,
) -> Part:
    """The last delivery of labels, and whether labels are late or match no prediction."""
    from ...log.label_log import Labels

    trail()
    last, rules = Labels(settings.database_url).last(), read_scoring(settings.scoring_file).labels
    if last is None:
        first = next((one.day for one in scored()), day)
        waited = (day - first).days > rules.late_after_days
        late = (
            f"No labels have been delivered, and the first scored day is {first} – check labels in"
            " config/scoring.yaml, then run label."
        )
        return Part("labels", "none yet", wrong=(late,) if waited else ())
    value = {
        name: getattr(last, name)
        for name in ("at", "source", "rows", "new", "corrected", "late", "unmatched")
    }
    says = f"{minute(last.at)}: {last.rows:,} rows from {last.source}: {last.counts}"
    return Part("labels", says, value, tuple(_labels_wrong(last, rules.delivered == "daily", day)))


def _labels_wrong(last: "Delivery", daily: bool, day: date) -> Iterator[str]:
    if daily and last.at.date() < day - timedelta(days=1):  # today's delivery may still arrive
        yield (
            "Labels are late: they are expected daily, and the last delivery was on"
            f" {last.at.date()} – run label."
        )
    if last.rows and last.unmatched >= last.rows - last.rejected > 0:
        yield (
            f"No label of the last delivery ({last.source}) matches a prediction – check its"
            " keys and times."
        )


def alarms(
    settings: Settings, trail: "AuditTrail", scored: "Sequence[Partition]", day: date
) -> Part:
    """The last decision of monitoring."""
    from ...log.decision_log import DecisionLog

    decisions = DecisionLog(settings.database_url).decisions()
    last = decisions[-1] if decisions else None
    wrong = tuple(_alarms_wrong(last, trail.champion, [one.day for one in scored if one.done], day))
    if last is None:
        return Part("alarms", "not monitored yet", wrong=wrong)
    value = {
        "day": last.window_end,
        "decision": last.action,
        "trust": last.trust,
        "sentence": last.sentence,
        "champion": last.champion,
        "drifted": list(last.details.get("drifted", ())),
        "failing": list(last.details.get("failing", ())),
        "at": last.at,
    }
    return Part(
        "alarms", f"{last.action} ({last.trust}), {last.window_end}: {last.sentence}", value, wrong
    )


def _alarms_wrong(
    last: "Decided | None", champion: str | None, scored: Sequence[date], day: date
) -> Iterator[str]:
    """The problems of monitoring: its last decision on this champion, and unmonitored days.

    A decision about an earlier champion is left out.
    """
    if (
        last
        and last.champion == champion
        and (last.action != "nothing" or last.cause.startswith("alarm:"))
    ):
        yield f"The last decision of monitoring is {last.action}: {last.sentence}"
    # Monitoring of today's predictions is not due yet.
    due = min(scored[-1], day - timedelta(days=1)) if scored else None
    if due and scored[0] <= due and (last is None or last.window_end < due):
        yield f"Predictions up to {due} are not monitored – run monitor."


def servers(settings: Settings) -> Part:
    """The servers that ``up`` started."""
    from ..servers import ended, running

    up = running(settings)
    value = [{"name": one.name, "url": redacted(one.url)} for one in up]
    wrong = tuple(
        f"{one.name} was started by up and has ended – see {one.log}, then run down and up."
        for one in ended(settings)
    )
    return Part(
        "servers",
        ", ".join(f"{one.name} {one.url}" for one in up) or "none started by up is running",
        value,
        wrong,
    )


def files(settings: Settings, day: date) -> Part:
    """The problems of the product's four files; the part has no separate line."""
    wrong: list[str] = []
    readers: tuple[tuple[Callable[[Any], Any], Any], ...] = (
        (read_criteria, settings.criteria_file),
        (read_pipeline, settings.pipeline_file),
        (read_scoring, settings.scoring_file),
        (read_monitoring, settings.monitoring_file),
    )
    for reader, path in readers:
        try:
            found = reader(path)
        except ProductError as problem:
            wrong.append(str(problem))
            continue
        if reader is read_criteria and found.review_by < day:
            wrong.append(
                f"The criteria should have been reviewed by {found.review_by} – review them and set"
                " a new review_by."
            )
    return Part("files", wrong=tuple(wrong))


def spool(settings: Settings) -> Part:
    """Predictions of the service that are not in the database; no problem if there are none."""
    from ...log.spool import Spool

    spool, wrong = Spool(settings.var / "service" / "spool"), []
    # The real time and not that of clock.py: the times of files are never simulated.
    if old := [moment for moment in _spooled(spool) if time.time() - moment > SPOOL_SECONDS]:
        since = datetime.fromtimestamp(min(old), UTC)
        waiting = count(len(old), "block of predictions is", "blocks of predictions are")
        wrong.append(
            f"{waiting} waiting in {spool.folder} since {minute(since)} – start the service and"
            " its database."
        )
    if refused := spool.refused():
        rejected = count(len(refused), "block of predictions was", "blocks of predictions were")
        wrong.append(f"{rejected} rejected by the database – inspect {spool.folder / 'refused'}.")
    return Part("spool", wrong=tuple(wrong))


def _spooled(spool: "Spool") -> Iterator[float]:
    """The time at which each block was written to the spool, in seconds since the epoch.

    A block that the service records at this moment disappears and is left out.
    """
    for path in spool.folder.glob("[!.]*.json"):  # a leading dot marks a file being written
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime
