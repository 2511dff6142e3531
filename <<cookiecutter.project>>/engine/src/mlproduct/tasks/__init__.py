"""The tasks of a product's flows. Only this package and the team's flows.py use Prefect.

The table below sets every retry, timeout and cache policy. Values pass between tasks in memory.
Only temporary failures of an external system are retried; a mistake in a file would fail again.
"""

import functools
from collections.abc import Callable, Sequence
from datetime import date
from functools import singledispatch
from typing import Any, ParamSpec, TypeVar

import prefect
from prefect import Flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.tasks import Task

from ..errors import DatabaseUnavailable, ProductError, RegistryUnavailable, SourceUnavailable
from ..escaping import escaped
from ..gate.document import Document
from ..in_use import using
from ..log.label_log import Delivery
from ..log.prediction_log import Erased
from ..permissions import private_settings
from ..product import Product
from ..registry.audit_log import Entry
from . import form, labelling, monitoring, scoring, training
from .events import announce_monitored, announce_waiting
from .labelling import label_context
from .monitoring_report import Monitored, MonitoringContext, MonitoringReport
from .redacting import redact_logs, redacting
from .releasing import approve, reject, rollback
from .scoring import ScoredDay, ScoringContext, days_to_score, show_scored
from .training import Registered
from .training_state import TrainingRun, training_run

__all__ = [
    "State",
    "approve",
    "completed",
    "days_to_score",
    "decide",
    "evaluate",
    "expire",
    "flow",
    "form",
    "ingest",
    "judge",
    "judge_data",
    "label_context",
    "monitoring_context",
    "monitoring_report",
    "record",
    "record_labels",
    "record_monitoring",
    "register",
    "reject",
    "rollback",
    "score",
    "scoring_context",
    "search",
    "split",
    "step",
    "training_run",
]

P = ParamSpec("P")
R = TypeVar("R")

# At import: a worker imports a flow by its name, and no other code of the engine runs before that.
redact_logs()


def flow(
    product: Product, what: str, *, run_name: str | None = None, **options: Any
) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """A decorator that makes a function a flow of the product; ``options`` are those of
    ``prefect.flow``.

    The flow's name contains the product's name and ``what``, because a Prefect server may have
    flows of several products. Secrets are removed from the states and logs of its runs. While one
    runs, no command replaces files of the product's folder.
    """

    def decorated(function: Callable[P, R]) -> Flow[P, R]:
        name = f"{product.name}-{what}"
        return prefect.flow(name=name, flow_run_name=run_name or what, **options)(
            redacting(_using_the_folder(function))
        )

    return decorated


def _using_the_folder(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def using_function(*args: P.args, **kwargs: P.kwargs) -> R:
        with using(private_settings().var):
            return function(*args, **kwargs)

    return using_function


def step(name: str, **options: Any) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A decorator that makes a function a task of a flow, with its own line and duration in
    Prefect; ``options`` are those of ``prefect.task``.

    Results are not cached. Secrets are removed from the exceptions that the function raises.
    """

    def decorated(function: Callable[P, R]) -> Task[P, R]:
        return task(name=name, **{**INSIDE, **options})(redacting(function))

    return decorated


async def _may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a retry may help: an external system did not answer, and no input is wrong."""
    error = await state.aresult(raise_on_failure=False)
    passing = (
        SourceUnavailable
        | DatabaseUnavailable
        | RegistryUnavailable
        | ConnectionError
        | TimeoutError
    )
    return isinstance(error, passing)


HOUR = 3600
# NO_CACHE: hashing a table to look it up costs more than the step.
INSIDE: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
OUTSIDE: dict[str, Any] = INSIDE | {
    "retries": 3,
    "retry_delay_seconds": [1, 5, 20],
    "retry_condition_fn": _may_pass,
}

# A run on another host counts as stale after two days (registry/stale_runs.py). The timeouts of a
# training, with retries, have to add up to less than that.
ingest = task(name="ingest", timeout_seconds=2 * HOUR, **OUTSIDE)(redacting(training.ingest))
split = task(name="split", **INSIDE)(redacting(training.split))
judge_data = task(name="judge the data", **INSIDE)(redacting(training.judge_data))
search = task(name="search", timeout_seconds=12 * HOUR, **INSIDE)(redacting(training.search))
evaluate = task(name="evaluate", timeout_seconds=2 * HOUR, **INSIDE)(redacting(training.evaluate))
judge = task(name="judge", **INSIDE)(redacting(training.judge))
record = task(name="record", timeout_seconds=HOUR, **OUTSIDE)(redacting(training.record))
_register = task(name="register", timeout_seconds=HOUR, **OUTSIDE)(redacting(training.register))

scoring_context = task(name="scoring context", timeout_seconds=HOUR, **OUTSIDE)(
    redacting(scoring.scoring_context)
)
_score_day = task(name="score a day", timeout_seconds=12 * HOUR, **OUTSIDE)(
    redacting(scoring.score_day)
)
record_labels = task(name="record labels", timeout_seconds=2 * HOUR, **OUTSIDE)(
    redacting(labelling.record_labels)
)
expire = task(name="expire", timeout_seconds=2 * HOUR, **OUTSIDE)(redacting(labelling.expire))

monitoring_context = task(name="monitoring context", timeout_seconds=HOUR, **OUTSIDE)(
    redacting(monitoring.monitoring_context)
)
monitoring_report = task(name="monitoring report", timeout_seconds=2 * HOUR, **OUTSIDE)(
    redacting(monitoring.monitoring_report)
)
decide = task(name="decide", timeout_seconds=HOUR, **OUTSIDE)(redacting(monitoring.decide))
_record_monitoring = task(name="record the monitoring report", timeout_seconds=HOUR, **OUTSIDE)(
    redacting(monitoring.record)
)


def register(run: TrainingRun, document: Document) -> Registered:
    """The registered version, which is None for a blocked model. Sends an event if the version
    waits for approval.
    """
    registered = _register(run, document)
    # Not in the task: a retry of the task would send the event again.
    announce_waiting(run.product, registered)
    return registered


def score(context: ScoringContext, days: Sequence[date]) -> tuple[ScoredDay, ...]:
    """The scored days. If a day cannot be scored, the other days are scored all the same.

    Raises the error of a single day unchanged. For several days, raises one error that lists each
    failed day, with the type of the first error.
    """
    scored: list[ScoredDay] = []
    problems: list[tuple[date, ProductError]] = []
    for day in days:
        try:
            scored.append(_score_day(context, day, str(flow_run.id)))
            show_scored(scored[-1])
        except ProductError as problem:
            problems.append((day, problem))
    # The type of the error selects the exit code of the command, so it is kept.
    if len(problems) == 1 and len(days) == 1:
        raise problems[0][1]
    if problems:
        listed = "\n".join(f"  {day}: {problem}" for day, problem in problems)
        counted = f"{len(problems)} of {len(days)} days could not be scored; the others are done"
        raise type(problems[0][1])(f"{counted}\n{listed}")
    return tuple(scored)


def record_monitoring(
    context: MonitoringContext, report: MonitoringReport, decision: Any
) -> Monitored:
    """The recorded monitoring run. Records the report and the decision in MLflow and sends the
    events.
    """
    run = _record_monitoring(context, report, decision)
    # The events are not in the task, as in register(): a retry would send them again.
    monitored = Monitored(context, report, decision, run)
    announce_monitored(monitored)
    return monitored


@singledispatch
def completed(result: Any) -> State[Any]:
    """The final state of a flow, with the result as its data.

    A blocked model is a result and not an error: the run ends completed, in a state named
    *Blocked*, with the reasons. *Failed* is only for errors.
    """
    return Completed(data=result)


@completed.register
def _(result: Registered) -> State[Any]:
    decision = result.document.decision
    message = "; ".join(result.document.verdict.reasons) or "every criterion is met"
    return Completed(name=decision.value.capitalize(), message=escaped(message), data=result)


@completed.register
def _(result: tuple) -> State[Any]:
    return Completed(
        message=f"{sum(one.fresh for one in result):,} rows of {len(result)} days", data=result
    )


@completed.register
def _(result: Delivery | None) -> State[Any]:
    if result is None:
        return Completed(name="Skipped", message="nothing was delivered")
    return Completed(message=result.counts, data=result)


@completed.register
def _(result: Erased) -> State[Any]:
    return Completed(
        message=f"{result.predictions:,} predictions, {result.labels:,} labels", data=result
    )


@completed.register
def _(result: Monitored) -> State[Any]:
    decision = result.decision
    return Completed(name=decision.action.capitalize(), message=decision.sentence, data=result)


@completed.register
def _(result: Entry) -> State[Any]:
    return Completed(
        message=f"{result.action} of version {result.version} by {result.by}", data=result.version
    )
