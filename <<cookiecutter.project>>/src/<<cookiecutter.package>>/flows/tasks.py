"""The steps as Prefect tasks: every retry, timeout and cache policy stands in this one table.

Values pass between tasks in memory (NO_CACHE: hashing a table to look it up costs more than the
step). Only what an outside system may refuse for a moment is retried; a mistake in a file is the
same mistake a second later.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from ..errors import SourceUnavailable

__all__ = ["POLICY", "as_task"]


async def _may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, SourceUnavailable | ConnectionError | TimeoutError)


OUTSIDE: dict[str, Any] = {"retries": 3, "retry_delay_seconds": [1, 5, 20], "retry_condition_fn": _may_pass}
INSIDE: dict[str, Any] = {}

POLICY: dict[str, dict[str, Any]] = {
    "ingest": OUTSIDE | {"timeout_seconds": 3600},
    "split": INSIDE,
    "judge the data": INSIDE,
    "search": INSIDE | {"timeout_seconds": 6 * 3600},
    "evaluate": INSIDE | {"timeout_seconds": 3600},
    "judge": INSIDE,
    "record": OUTSIDE | {"timeout_seconds": 600},
    "register": OUTSIDE | {"timeout_seconds": 600},
}


P = ParamSpec("P")
R = TypeVar("R")


def as_task(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A decorator that makes a task of a step, with the policy of the table."""
    return task(name=name, cache_policy=NO_CACHE, persist_result=False, **POLICY[name])
