"""Killed in the middle of registering or approving, at every step: the champion is a whole one, and
work goes on.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest
from mlproduct.errors import Refused
from mlproduct.registry.audit_log import AuditLog
from mlproduct.registry.tracking import quiet

from .release_desk import Desk

Kill = Callable[..., None]
REGISTERING = (
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "log_outputs",
    "create_model_version",
    "set_registered_model_alias",
)

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="processes are forked to die quickly"
)


@pytest.fixture(scope="module")
def executioner() -> Iterator[Connection]:
    """A process that has imported everything and forks others, which die where they are told to."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_executes, args=(there,))
    process.start()
    yield here
    here.send(None)
    process.join(60)


@pytest.fixture
def kill(desk: Desk, executioner: Connection) -> Kill:
    """``kill(before="…")`` a training at that call; ``version`` is one to approve instead."""

    def killed(*, before: str, version: str | None = None) -> None:
        executioner.send((desk.settings, desk.product, desk.saved, before, version))
        assert os.WTERMSIG(executioner.recv()) == signal.SIGKILL

    return killed


def _executes(orders: Connection) -> None:
    quiet()
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  imported once for all that are forked

    while order := orders.recv():
        child = os.fork()
        if child == 0:
            try:
                _dies(*order)
            finally:
                os._exit(1)  # it lives: what it was told to die at was never called
        orders.send(os.waitpid(child, 0)[1])


def _dies(settings: Any, product: str, saved: Any, before: str, version: str | None) -> None:
    from mlflow import MlflowClient

    desk = Desk(settings, product, saved)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AuditLog if before == "append" else MlflowClient, before, _no_more)
        if version is None:
            desk.trained()
        else:
            desk.approve(version)


def _no_more(*given: Any, **named: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_killed_while_registering_the_champion_stays_and_the_next_training_registers(
    desk: Desk, kill: Kill
) -> None:
    desk.approve(desk.trained())
    for step in REGISTERING:
        kill(before=step)
        assert (desk.champion, desk.releases.models.alias("challenger")) == ("1", None), step
    models = desk.releases.models
    assert [version.number for version in models.versions()] == [
        "2",
        "1",
    ]  # of the last, only the alias is missing
    assert [desk.releases.verify(number) for number in ("1", "2")] == [(), ()]
    assert desk.trained() == models.alias("challenger") == "3"
    desk.approve("3")
    assert desk.champion == "3"


def test_a_version_of_which_only_the_number_is_there_is_refused(desk: Desk) -> None:
    desk.approve(desk.trained())
    models = desk.releases.models
    first = models.find("1")
    models.client.create_model_version(models.name, first.source, first.run_id)
    with pytest.raises(Refused, match="expected None, as registered"):
        desk.approve("2")
    assert desk.releases.verify("2")
    assert desk.champion == "1"
    assert desk.trained() == "3"


def test_killed_before_the_decision_is_recorded_nothing_was_decided(desk: Desk, kill: Kill) -> None:
    desk.approve(desk.trained())
    version = desk.trained()
    kill(before="append", version=version)
    assert desk.champion == "1"
    desk.approve(version)
    assert desk.champion == version


@pytest.mark.parametrize(
    "step", ["set_registered_model_alias", "delete_registered_model_alias", "set_model_version_tag"]
)
def test_killed_after_the_decision_was_recorded_it_stands_and_the_next_command_mirrors_it(
    desk: Desk, kill: Kill, step: str
) -> None:
    desk.approve(desk.trained())
    version = desk.trained()
    kill(before=step, version=version)
    assert desk.releases.champion() == version
    loaded = desk.releases.load_champion()
    assert loaded is not None
    assert loaded.version == version
    if step == "set_registered_model_alias":
        assert any("but 1 by MLflow's alias" in said for said in desk.releases.verify(version))
    with pytest.raises(Refused, match="already the champion"):
        desk.approve(version)
    assert desk.champion == version
    assert desk.releases.models.alias("challenger") is None
