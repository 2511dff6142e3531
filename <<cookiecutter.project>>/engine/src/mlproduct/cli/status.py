"""The state of the product: one line for each part, and the problems that need action.

Nothing is changed. Each part is read separately: if one cannot be read, its line reports this, and
the others are still shown.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..config.settings import Settings, read_monitoring, read_pipeline, read_scoring
from ..errors import ProductError, Refused
from ..escaping import escaped
from ..gate.criteria import read_criteria
from ..redaction import redacted
from .project import Project
from .release_verbs import named

if TYPE_CHECKING:
    from ..gate.document import Document
    from ..log.decision_log import Decided
    from ..log.label_log import Delivery
    from ..log.prediction_log import Partition
    from ..log.spool import Spool
    from ..registry.audit_log import AuditTrail
    from ..registry.models import Models
    from ..registry.versions import Version

__all__ = ["LINES_AT_MOST", "Part", "Status", "status_of", "unscored"]

LINES_AT_MOST = 10  # what a person reads at a glance; --json contains everything
LONGEST = 240  # characters of a line; the JSON contains the full text

# The newest undecided versions only, because the verdict document of each is downloaded.
VERSIONS_READ = 5

DAYS_BACK = 30  # older days without a score are not reported

# A block waits less than a second if the database accepts it.
SPOOL_SECONDS = 60

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """One part of the state.

    ``says`` is the text of its line (no line if empty), ``value`` the same as plain data, ``wrong``
    its problems, and ``unread`` is true if the part could not be read.
    """

    name: str
    says: str = ""
    value: Any = None
    wrong: tuple[str, ...] = ()
    unread: bool = False


@dataclass(frozen=True)
class Status:
    """All parts of the state on ``day`` (UTC)."""

    product: str
    day: date
    parts: tuple[Part, ...]

    @property
    def wrong(self) -> tuple[tuple[str, str], ...]:
        """The problems, each once: the part in which it was found, and a sentence.

        Parts that cannot be read come first, because they may hide further problems.
        """
        found: dict[str, str] = {}
        for part in sorted(self.parts, key=lambda part: not part.unread):
            for sentence in part.wrong:
                found.setdefault(_shown(sentence), part.name)
        return tuple((name, sentence) for sentence, name in found.items())

    def lines(self) -> list[tuple[str, str]]:
        """At most ten lines, each a name and a text.

        Secrets are removed from the text, and invisible characters are shown as codes.
        """
        shown = [(part.name, _cut(_shown(self._says(part)))) for part in self.parts if part.says]
        room, wrong = LINES_AT_MOST - len(shown), [sentence for _, sentence in self.wrong]
        if len(wrong) > room:
            wrong = [*wrong[: room - 1], f"and {len(wrong) - room + 1} more; --json has all"]
        return [*shown, *(("wrong", _cut(sentence)) for sentence in wrong or ["nothing"])]

    def _says(self, part: Part) -> str:
        """The text of the part's line; a reason that several parts share is shown once."""
        first = next(one for one in self.parts if one.says == part.says)
        return (
            f"cannot be read, for the same reason as {first.name}"
            if part.unread and first is not part
            else part.says
        )

    def to_json(self) -> dict[str, Any]:
        """The same as one object with a fixed set of keys.

        A part that could not be read, or has no value, is null.
        """
        return {
            "product": self.product,
            "day": str(self.day),
            "ok": not self.wrong,
            **{part.name: _plain(part.value) for part in self.parts if part.says},
            "unread": [part.name for part in self.parts if part.unread],
            "wrong": [{"part": name, "sentence": sentence} for name, sentence in self.wrong],
        }


def status_of(project: Project, day: date) -> Status:
    """The state of the product on that day."""
    settings = project.settings
    trail = _Once(lambda: _trail(settings))
    registry = _Once(lambda: _Registry.read(project))
    scored = _Once(lambda: _scored(settings, trail))
    parts = {
        "champion": lambda: _champion(trail(), registry),
        "waiting": lambda: _waiting(registry(), trail()),
        "score": lambda: _score(scored(), day),
        "labels": lambda: _labels(settings, trail, scored, day),
        "alarms": lambda: _alarms(settings, trail(), scored(), day),
        "servers": lambda: _servers(settings),
        "files": lambda: _files(settings, day),
        "spool": lambda: _spool(settings),
    }
    return Status(
        project.product.name, day, tuple(_read(name, read) for name, read in parts.items())
    )


class _Once(Generic[T]):
    """A value that is read on first use.

    A failure is stored too, so that several parts do not wait for the same unavailable system.
    """

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._found: list[T] = []
        self._problem: Exception | None = None

    def __call__(self) -> T:
        if self._problem is not None:
            raise self._problem
        if not self._found:
            try:
                self._found.append(self._read())
            except Exception as problem:  # stored, and raised again for every later caller
                self._problem = problem
                raise
        return self._found[0]


def _read(name: str, read: Callable[[], Part]) -> Part:
    try:
        return read()
    except Exception as problem:  # of any kind: the other parts are still shown
        shown = (
            str(problem)
            if isinstance(problem, ProductError)
            else f"{type(problem).__name__}: {problem}"
        )
        return Part(name, f"cannot be read: {shown}", wrong=(shown,), unread=True)


def _trail(settings: Settings) -> "AuditTrail":
    from ..log.database import Database
    from ..registry.audit_log import AuditLog

    Database.refuse_unreadable(settings.database_url)
    return AuditLog(settings.database_url).read()


@dataclass(frozen=True)
class _Registry:
    """The versions and the champion's alias in MLflow."""

    models: "Models"
    versions: "tuple[Version, ...]"
    alias: str | None

    @classmethod
    def read(cls, project: Project) -> "_Registry":
        from ..registry.models import Models
        from ..registry.versions import CHAMPION

        models = Models(project.settings, project.product.name, only_read=True)
        return cls(
            models, versions := models.versions(), models.alias(CHAMPION) if versions else None
        )


DONE = {"approve": "approved", "automatic": "promoted", "rollback": "rolled back"}


def _champion(trail: "AuditTrail", registry: _Once[_Registry]) -> Part:
    broken = (trail.broken,) if trail.broken else ()
    wrong = (*broken, *_alias_differs(trail, registry))
    entry = trail.current
    if entry is None:
        return Part(
            "champion",
            "none",
            wrong=wrong or ("There is no champion – run train, then approve a version.",),
        )
    value = {"version": entry.version, "since": entry.at, "by": entry.by, "action": entry.action}
    return Part(
        "champion",
        f"version {entry.version} since {_moment(entry.at)}, {DONE[entry.action]} by {entry.by}",
        value,
        wrong,
    )


def _alias_differs(trail: "AuditTrail", registry: _Once[_Registry]) -> Iterator[str]:
    try:
        found = registry()
    except Exception:  # the part "waiting" reports that the registry cannot be read
        return
    if found.alias is not None and not trail.entries:
        yield (
            "The audit log is empty, but MLflow's alias champion points to version"
            f" {found.alias} – the product's database was lost, or PRODUCT_DATABASE_URL names"
            " another one – restore the database from a backup, or correct the variable."
        )
    elif found.alias != trail.champion:
        yield (
            f"In the audit log the champion is {named(trail.champion)}, but MLflow's alias"
            f" champion points to {named(found.alias)} – run doctor to correct the alias."
        )
    if trail.champion and trail.champion not in {version.number for version in found.versions}:
        yield (
            f"Version {trail.champion}, the champion, is not in the registry – restore it, or check"
            " MLFLOW_TRACKING_URI."
        )


def _waiting(registry: _Registry, trail: "AuditTrail") -> Part:
    """The newest versions that can still be approved.

    A version that was compared with an earlier champion can no longer be approved.
    """
    from ..registry.release_checks import doubts, still_compared

    undecided = [
        v
        for v in registry.versions
        if v.number not in trail.champions and v.number not in trail.rejected
    ]
    found: list[dict[str, Any]] = []
    wrong: list[str] = []
    for version in undecided[:VERSIONS_READ]:
        shown = {"version": version.number, "verdict": version.tags.get("verdict", "")}
        try:
            document: Document = registry.models.document(version)
        except ProductError as problem:
            wrong.append(str(problem))
            found.append({**shown, "open": None})
            continue
        try:
            still_compared(version, document, trail)
        except Refused:
            continue
        found.append({**shown, "open": list(doubts(document))})
    return Part("waiting", "; ".join(map(_waits, found)) or "none", found, tuple(wrong))


def _waits(shown: dict[str, Any]) -> str:
    unsure = "unknown" if shown["open"] is None else ", ".join(shown["open"])
    return f"version {shown['version']} ({shown['verdict']}{f'; open: {unsure}' if unsure else ''})"


def _scored(settings: Settings, trail: _Once["AuditTrail"]) -> "tuple[Partition, ...]":
    from ..log.prediction_log import PredictionLog

    trail()  # raises first if the database cannot be used, with the same message in every part
    return PredictionLog(settings.database_url).partitions()


def _score(partitions: "Sequence[Partition]", day: date) -> Part:
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
    when = f", at {_moment(last.at)}" if last.at else ""
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
    count = _count(len(days), "day is", "days are")
    return f"{count} not scored, most recently {days[-1]} – run {verb}."


def _labels(
    settings: Settings,
    trail: _Once["AuditTrail"],
    scored: "_Once[tuple[Partition, ...]]",
    day: date,
) -> Part:
    from ..log.label_log import Labels

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
    says = f"{_moment(last.at)}: {last.rows:,} rows from {last.source}: {last.counts}"
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


def _alarms(
    settings: Settings, trail: "AuditTrail", scored: "Sequence[Partition]", day: date
) -> Part:
    from ..log.decision_log import DecisionLog

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


def _servers(settings: Settings) -> Part:
    from .servers import ended, running

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


def _files(settings: Settings, day: date) -> Part:
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


def _spool(settings: Settings) -> Part:
    """Predictions of the service that are not in the database; no problem if there are none."""
    from ..log.spool import Spool

    spool, wrong = Spool(settings.var / "service" / "spool"), []
    # The real time and not that of clock.py: the times of files are never simulated.
    if old := [moment for moment in _spooled(spool) if time.time() - moment > SPOOL_SECONDS]:
        since = datetime.fromtimestamp(min(old), UTC)
        waiting = _count(len(old), "block of predictions is", "blocks of predictions are")
        wrong.append(
            f"{waiting} waiting in {spool.folder} since {_moment(since)} – start the service and"
            " its database."
        )
    if refused := spool.refused():
        rejected = _count(len(refused), "block of predictions was", "blocks of predictions were")
        wrong.append(f"{rejected} rejected by the database – inspect {spool.folder / 'refused'}.")
    return Part("spool", wrong=tuple(wrong))


def _spooled(spool: "Spool") -> Iterator[float]:
    """The time at which each block was written to the spool, in seconds since the epoch.

    A block that the service records at this moment disappears and is left out.
    """
    for path in spool.folder.glob("[!.]*.json"):  # a leading dot marks a file being written
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _shown(text: str) -> str:
    return escaped(redacted(text.replace("\n", " ")))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _plain(value: Any) -> Any:
    """The value for JSON: texts without secrets and invisible characters, times in UTC."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return (
            (value if value.tzinfo else value.replace(tzinfo=UTC))
            .astimezone(UTC)
            .isoformat(timespec="seconds")
        )
    return _shown(str(value)) if isinstance(value, str | date) else value
