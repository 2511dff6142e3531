"""The current date for verdicts and decisions, in one place so that weeks can be simulated in
minutes.

``PRODUCT_TODAY`` sets a simulated date for a rehearsal. ``Settings`` refuses it unless the registry
and the database are in the product's own folder, because a team's gate uses the real date.
"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime

from .errors import ConfigError

__all__ = ["REHEARSED", "now", "today"]

REHEARSED = "PRODUCT_TODAY"


def today(environ: Mapping[str, str] = os.environ) -> date:
    """The date in UTC, or the simulated one. Raises ConfigError if that is not a date."""
    given = environ.get(REHEARSED)
    if not given:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise ConfigError(
            f"{REHEARSED} is {given!r} – expected a date such as 2026-11-24, or no value –"
            " correct or unset it"
        ) from None


def now() -> datetime:
    """The current time in UTC; with a simulated date, the real time of day on that date."""
    return datetime.combine(today(), datetime.now(UTC).timetz())
