"""What day it is: the one place that asks the clock, so that weeks can be rehearsed in minutes.

``PRODUCT_TODAY`` replaces the day for a rehearsal. ``Settings`` refuses it wherever the registry or the
database is not the product's own folder's: a team's gate goes by the real day.
"""

import os
from datetime import UTC, date, datetime, time

from .errors import ConfigError

__all__ = ["REHEARSED", "now", "today"]

REHEARSED = "PRODUCT_TODAY"


def today() -> date:
    """The day in UTC, or the rehearsed one. Raises ConfigError where that is no date."""
    given = os.environ.get(REHEARSED)
    if not given:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise ConfigError(
            f"{REHEARSED} is {given!r} – expected a date as 2026-11-24, or nothing – mend or unset it"
        ) from None


def now() -> datetime:
    """The moment in UTC; on a rehearsed day it is that day at the present time of day."""
    moment = datetime.now(UTC)
    return datetime.combine(today(), time(), UTC).replace(
        hour=moment.hour, minute=moment.minute, second=moment.second, microsecond=moment.microsecond
    )
