"""The state of the product: one line for each part, and the problems that need action.

Nothing is changed. Each part is read separately: if one cannot be read, its line reports this, and
the others are still shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ...errors import ProductError
from ...escaping import escaped
from ...redaction import redacted
from ..project import Project
from . import operations, releases
from .part import Once, Part

__all__ = ["LINES_AT_MOST", "Status", "status_of"]

LINES_AT_MOST = 10  # what a person reads at a glance; --json contains everything
LONGEST = 240  # characters of a line; the JSON contains the full text


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
    trail = Once(lambda: releases.audit_trail(settings))
    registry = Once(lambda: releases.Registry.read(project))
    scored = Once(lambda: operations.scored(settings, trail))
    parts = {
        "champion": lambda: releases.champion(trail(), registry),
        "waiting": lambda: releases.waiting(registry(), trail()),
        "score": lambda: operations.score(scored(), day),
        "labels": lambda: operations.labels(settings, trail, scored, day),
        "alarms": lambda: operations.alarms(settings, trail(), scored(), day),
        "servers": lambda: operations.servers(settings),
        "files": lambda: operations.files(settings, day),
        "spool": lambda: operations.spool(settings),
    }
    return Status(
        project.product.name, day, tuple(_read(name, read) for name, read in parts.items())
    )


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
