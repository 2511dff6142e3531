"""A process killed at any step of registering or approving leaves a complete champion, and the next
command works.
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

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks processes")


@pytest.fixture(scope="module")
def forking_process() -> Iterator[Connection]:
    """A process that has imported everything and forks children, each of which kills itself at a
    given call.
    """
    parent_end, child_end = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_fork_children, args=(child_end,))
    process.start()
    yield parent_end
    parent_end.send(None)
    process.join(60)


@pytest.fixture
def kill(trial: Trial, forking_process: Connection) -> Kill:
    """``kill(before="…")`` kills a training at that call, or the approval of ``version`` if one is
    given.
    """

    def killed(*, before: str, version: str | None = None) -> None:
        forking_process.send((trial.settings, trial.product, trial.saved, before, version))
        assert os.WTERMSIG(forking_process.recv()) == signal.SIGKILL

    return killed


def _fork_children(orders: Connection) -> None:
    quiet()
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  imported once for all children

    while order := orders.recv():
        child = os.fork()
        if child == 0:
            try:
                _run_until_killed(*order)
            finally:
                os._exit(1)  # the child was not killed: the given call never happened
        orders.send(os.waitpid(child, 0)[1])


def _run_until_killed(
    settings: Any, product: str, saved: Any, before: str, version: str | None
) -> None:
    from mlflow import MlflowClient

    trial = Trial(settings, product, saved)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AuditLog if before == "append" else MlflowClient, before, _kill_this_process)
        if version is None:
            trial.trained()
        else:
            trial.approve(version)


def _kill_this_process(*given: Any, **named: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_training_killed_while_registering_keeps_the_champion_and_the_next_one_registers(
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
    ]  # the last version lacks only its alias
    assert [trial.releases.verify(number) for number in ("1", "2")] == [(), ()]
    assert trial.trained() == models.alias("challenger") == "3"
    trial.approve("3")
    assert trial.champion == "3"


def test_an_incompletely_registered_version_is_refused(trial: Trial) -> None:
    trial.approve(trial.trained())
    models = trial.releases.models
    first = models.find("1")
    models.client.create_model_version(models.name, first.source, first.run_id)
    with pytest.raises(Refused, match="expected None, as registered"):
        trial.approve("2")
    assert trial.releases.verify("2")
    assert trial.champion == "1"
    assert trial.trained() == "3"


def test_an_approval_killed_before_it_is_recorded_decides_nothing(trial: Trial, kill: Kill) -> None:
    trial.approve(trial.trained())
    version = trial.trained()
    kill(before="append", version=version)
    assert trial.champion == "1"
    trial.approve(version)
    assert trial.champion == version


@pytest.mark.parametrize(
    "step", ["set_registered_model_alias", "delete_registered_model_alias", "set_model_version_tag"]
)
def test_an_approval_killed_after_it_is_recorded_counts_and_the_next_command_mirrors_it(
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
