"""Training: from rows to a judged model.

The flow is the diagram of the README, one call per line. A refused model is an answer: the run ends
completed, in the state *Blocked* with the reasons. *Failed* is kept for what broke.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from ..criteria import Decision
from .orders import Trained, opened
from .tasks import evaluate, ingest, judge, judge_data, record, register, search, split

__all__ = ["train"]


@flow(name="train", flow_run_name="train, {cause}")
def train(cause: str = "by hand", source: str | None = None) -> State:
    """The state *Ready*, *Needs review* or *Blocked*, whose data is a ``Trained``.

    ``source`` is a path that takes the place of the configured one.
    """
    with opened(cause, source) as order:
        validated = ingest(order)
        parts = split(order, validated)
        document = judge_data(order, validated, parts)
        if document.verdict.decision is not Decision.BLOCKED:
            found = search(order, parts)
            evaluation = evaluate(order, parts, found)
            document = judge(order, document, found, evaluation)
        record(order, document)
        return _answer(register(order, document))
