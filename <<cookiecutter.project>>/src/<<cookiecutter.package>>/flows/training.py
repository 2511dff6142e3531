"""Training: from rows to a judged model, and to a registered one if it is good enough.

The flow is the diagram of the README, one call per line. A refused model is an answer: the run ends
completed, in a state named *Blocked*, with the reasons. *Failed* is kept for what broke.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from ..criteria import Decision
from ..escaping import escaped
from . import flow_name
from .orders import Registered, opened
from .redacting import redacting
from .tasks import evaluate, ingest, judge, judge_data, record, register, search, split

__all__ = ["train"]


@flow(name=flow_name("train"), flow_run_name="train, {cause}")
@redacting
def train(cause: str = "by hand", source: str | None = None) -> State:
    """A completed state named after the decision, whose data is a ``Registered``.

    ``source`` is a path that takes the place of the configured one.
    """
    with opened(cause, source) as order:
        validated = ingest(order)
        parts = split(order, validated)
        document = judge_data(order, validated, parts)
        saved = None
        if document.data_verdict.decision is not Decision.BLOCKED:
            found = search(order, parts)
            saved, measured = evaluate(order, parts, found)
            document = judge(order, document, found, saved, measured)
        record(order, document, validated)
        return _answer(register(order, document, saved))


def _answer(registered: Registered) -> State:
    decision = registered.document.decision
    message = "; ".join(registered.document.verdict.reasons) or "every criterion is met"
    return Completed(name=decision.value.capitalize(), message=escaped(message), data=registered)
