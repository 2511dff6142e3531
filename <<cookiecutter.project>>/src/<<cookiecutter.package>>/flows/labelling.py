"""Labels are taken in every day, and what is older than it may be kept goes out."""

from datetime import date

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from ..clock import today
from . import flow_name
from .labels import counter
from .redacting import redacting
from .tasks import expire as expiring
from .tasks import take_labels

__all__ = ["expire", "label"]


@flow(name=flow_name("label"), flow_run_name="label")
@redacting
def label(day: date | None = None, file: str | None = None) -> State:
    """A completed state whose data is the ``Delivery``: of ``file``, or of ``day`` (today) at the configured source.

    It is named *Skipped*, and has none, where nothing came and nothing had to.
    """
    delivery = take_labels(counter(), file, day or today())
    if delivery is None:
        return Completed(name="Skipped", message="nothing was delivered")
    return Completed(message=f"{delivery.new:,} new, {delivery.corrected:,} corrected", data=delivery)


@flow(name=flow_name("expire"), flow_run_name="expire")
@redacting
def expire() -> State:
    """A completed state whose data is what was ``Erased`` because config/scoring.yaml does not let it be kept."""
    erased = expiring(counter())
    return Completed(message=f"{erased.predictions:,} predictions, {erased.labels:,} labels", data=erased)
