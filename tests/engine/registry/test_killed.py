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

from .trial_releases import Trial

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
def kill(trial: Trial, executioner: Connection) -> Kill:
    """``kill(before="…")`` a training at that call; ``version`` is one to approve instead."""

    def killed(*, before: str, version: str | None = None) -> None:
        executioner.send((trial.settings, trial.product, trial.saved, before, version))
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

    trial = Trial(settings, product, saved)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AuditLog if before == "append" else MlflowClient, before, _no_more)
        if version is None:
            trial.trained()
        else:
            trial.approve(version)


def _no_more(*given: Any, **named: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_killed_while_registering_the_champion_stays_and_the_next_training_registers(
    trial: Trial, kill: Kill
) -> None:
    trial.approve(trial.trained())
    for step in REGISTERING:
        kill(before=step)
        assert (trial.champion, trial.releases.models.alias("challenger")) == ("1", None), step
    models = trial.releases.models
    assert [version.number for version in models.versions()] == [
        "2",
        "1",
    ]  # of the last, only the alias is missing
    assert [trial.releases.verify(number) for number in ("1", "2")] == [(), ()]
    assert trial.trained() == models.alias("challenger") == "3"
    trial.approve("3")
    assert trial.champion == "3"


def test_a_version_of_which_only_the_number_is_there_is_refused(trial: Trial) -> None:
    trial.approve(trial.trained())
    models = trial.releases.models
    first = models.find("1")
    models.client.create_model_version(models.name, first.source, first.run_id)
    with pytest.raises(Refused, match="expected None, as registered"):
        trial.approve("2")
    assert trial.releases.verify("2")
    assert trial.champion == "1"
    assert trial.trained() == "3"


def test_killed_before_the_decision_is_recorded_nothing_was_decided(
    trial: Trial, kill: Kill
) -> None:
    trial.approve(trial.trained())
    version = trial.trained()
    kill(before="append", version=version)
    assert trial.champion == "1"
    trial.approve(version)
    assert trial.champion == version


@pytest.mark.parametrize(
    "step", ["set_registered_model_alias", "delete_registered_model_alias", "set_model_version_tag"]
)
def test_killed_after_the_decision_was_recorded_it_stands_and_the_next_command_mirrors_it(
    trial: Trial, kill: Kill, step: str
) -> None:
    trial.approve(trial.trained())
    version = trial.trained()
    kill(before=step, version=version)
    assert trial.releases.champion() == version
    loaded = trial.releases.load_champion()
    assert loaded is not None
    assert loaded.version == version
    if step == "set_registered_model_alias":
        assert any(
            "but 1 by MLflow's alias" in problem for problem in trial.releases.verify(version)
        )
    with pytest.raises(Refused, match="already the champion"):
        trial.approve(version)
    assert trial.champion == version
    assert trial.releases.models.alias("challenger") is None
