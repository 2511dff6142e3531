"""Approval and rollback as flows, so that they can be run from Prefect's own form, with a name and a reason."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from .. import PRODUCT
from ..private import private_settings
from ..stores.history import Entry
from ..stores.releases import Releases
from . import flow_name
from .redacting import redacting

__all__ = ["approve", "reject", "rollback"]


@flow(name=flow_name("approve"), flow_run_name="approve {version}")
@redacting
def approve(version: str, by: str, because: str, despite: list[str] | None = None) -> State:
    """The version is champion from now on; the run fails, and says why, where the gate refuses.

    Args:
        version: The number of the version, as MLflow shows it.
        by: Who approves.
        because: Why, for those who read it in a year.
        despite: The ids of criteria that are undecided and are taken on.
    """
    return _decided(_releases().approve(version, by=by, because=because, despite=tuple(despite or ())))


@flow(name=flow_name("reject"), flow_run_name="reject {version}")
@redacting
def reject(version: str, by: str, because: str) -> State:
    """The version stays out for good.

    Args:
        version: The number of the version, as MLflow shows it.
        by: Who rejects.
        because: Why, for those who read it in a year.
    """
    return _decided(_releases().reject(version, by=by, because=because))


@flow(name=flow_name("rollback"), flow_run_name="rollback")
@redacting
def rollback(by: str, because: str, to: str | None = None) -> State:
    """An earlier champion is champion again: the last one, if none is named.

    Args:
        by: Who rolls back.
        because: Why, for those who read it in a year.
        to: The number of an earlier champion; the last one if left out.
    """
    return _decided(_releases().rollback(by=by, because=because, to=to))


def _releases() -> Releases:
    return Releases(private_settings(), PRODUCT)


def _decided(entry: Entry) -> State:
    return Completed(message=f"{entry.action} of version {entry.version} by {entry.by}", data=entry.version)
