"""The tasks: every retry, timeout and cache policy stands in this one table.

Values pass between tasks in memory (NO_CACHE: hashing a table to look it up costs more than the
step). Only what an outside system may refuse for a moment is tried again; a mistake in a file is the
same mistake a second later.
"""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from ..errors import DatabaseUnavailable, RegistryUnavailable, SourceUnavailable
from . import labels, partitions, watching, work
from .redacting import redacting

__all__ = [
    "decide",
    "evaluate",
    "expire",
    "ingest",
    "judge",
    "judge_data",
    "look",
    "open_desk",
    "open_watch",
    "record",
    "record_look",
    "register",
    "score_day",
    "search",
    "split",
    "take_labels",
]


async def _may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    error = await state.aresult(raise_on_failure=False)
    passing = SourceUnavailable | DatabaseUnavailable | RegistryUnavailable | ConnectionError | TimeoutError
    return isinstance(error, passing)


HOUR = 3600
INSIDE: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
OUTSIDE: dict[str, Any] = INSIDE | {
    "retries": 3,
    "retry_delay_seconds": [1, 5, 20],
    "retry_condition_fn": _may_pass,
}

ingest = task(name="ingest", timeout_seconds=2 * HOUR, **OUTSIDE)(redacting(work.ingest))
split = task(name="split", **INSIDE)(redacting(work.split))
judge_data = task(name="judge the data", **INSIDE)(redacting(work.judge_data))
search = task(name="search", timeout_seconds=12 * HOUR, **INSIDE)(redacting(work.search))
evaluate = task(name="evaluate", timeout_seconds=2 * HOUR, **INSIDE)(redacting(work.evaluate))
judge = task(name="judge", **INSIDE)(redacting(work.judge))
record = task(name="record", timeout_seconds=HOUR, **OUTSIDE)(redacting(work.record))
register = task(name="register", timeout_seconds=HOUR, **OUTSIDE)(redacting(work.register))

open_desk = task(name="open the desk", timeout_seconds=HOUR, **OUTSIDE)(redacting(partitions.desk))
score_day = task(name="score a day", timeout_seconds=12 * HOUR, **OUTSIDE)(redacting(partitions.score_day))
take_labels = task(name="take in labels", timeout_seconds=2 * HOUR, **OUTSIDE)(redacting(labels.take_labels))
expire = task(name="expire", timeout_seconds=2 * HOUR, **OUTSIDE)(redacting(labels.expire))

open_watch = task(name="open the watch", timeout_seconds=HOUR, **OUTSIDE)(redacting(watching.watch))
look = task(name="look", timeout_seconds=2 * HOUR, **OUTSIDE)(redacting(watching.look))
decide = task(name="decide", timeout_seconds=HOUR, **OUTSIDE)(redacting(watching.decide))
record_look = task(name="record the look", timeout_seconds=HOUR, **OUTSIDE)(redacting(watching.record))
