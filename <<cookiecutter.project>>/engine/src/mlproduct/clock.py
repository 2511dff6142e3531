"""What day it is: one place answers for verdicts and decisions, so that weeks can be rehearsed in
minutes.

``PRODUCT_TODAY`` replaces the day for a rehearsal. ``Settings`` refuses it wherever the registry or
the database is not the product's own folder's: a team's gate goes by the real day.
"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime

from .errors import ConfigError

__all__ = ["REHEARSED", "now", "today"]

REHEARSED = "PRODUCT_TODAY"


def today(environ: Mapping[str, str] = os.environ) -> date:
    """The day in UTC, or the rehearsed one. Raises ConfigError where that is no date."""
    given = environ.get(REHEARSED)
    if not given:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise ConfigError(
            f"{REHEARSED} is {given!r} – expected a date as 2026-11-24, or nothing – mend or unset"
            " it"
        ) from None


def now() -> datetime:
    """The moment in UTC; on a rehearsed day it is that day at the present time of day."""
    return datetime.combine(today(), datetime.now(UTC).timetz())
