"""Scoring: the rows of a day, or of every day that is missing, by the champion.

One day that cannot be scored does not keep the others from it; the run ends failed all the same.
"""

from datetime import date, timedelta

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from ..clock import today
from ..errors import ConfigError, ProductError
from . import flow_name
from .partitions import Desk, Scored, announce
from .redacting import redacting
from .tasks import open_desk, score_day

__all__ = ["score"]

AT_ONCE = 1000
"""Days in one backfill; more is a slip of the pen."""


@flow(name=flow_name("score"), flow_run_name="score")
@redacting
def score(
    day: date | None = None, start: date | None = None, end: date | None = None, shadow: bool | None = None
) -> State:
    """A completed state whose data are the ``Scored`` days.

    ``day`` is today if nothing is given. With ``start`` and ``end`` every day from one to the other
    is scored that was not finished before. ``shadow`` overrides config/scoring.yaml.
    """
    place = open_desk()
    wanted = _days(day, start, end, place)
    with_shadow = place.scoring.shadow if shadow is None else shadow
    scored: list[Scored] = []
    problems: list[tuple[date, ProductError]] = []
    for each in wanted:
        try:
            scored.append(score_day(place, each, str(flow_run.id), shadow=with_shadow))
            announce(scored[-1])
        except ProductError as problem:
            problems.append((each, problem))
    if problems:
        raise _summed_up(problems, len(wanted))
    rows = sum(one.fresh for one in scored)
    return Completed(message=f"{rows:,} rows of {len(scored)} days", data=tuple(scored))


def _days(day: date | None, start: date | None, end: date | None, desk: Desk) -> list[date]:
    """The days to be scored. Raises ConfigError for days that cannot be meant."""
    if (start is None) != (end is None) or (day and start):
        raise ConfigError("score takes one day, or a first and a last one – give --day, or --from and --to")
    if start is None or end is None:
        return [day or today()]
    length = (end - start).days + 1
    if not 1 <= length <= AT_ONCE:
        raise ConfigError(
            f"from {start} to {end} are {length} days – expected 1 to {AT_ONCE} – check the order and the years"
        )
    done = {partition.day for partition in desk.log.partitions() if partition.done}
    return [each for each in (start + timedelta(days=n) for n in range(length)) if each not in done]


def _summed_up(problems: list[tuple[date, ProductError]], days: int) -> ProductError:
    """The one problem as it is; several with their days, as the first one's kind."""
    if len(problems) == 1 and days == 1:
        return problems[0][1]
    said = "\n".join(f"  {day}: {problem}" for day, problem in problems)
    return type(problems[0][1])(f"{len(problems)} of {days} days could not be scored; the others are done\n{said}")
