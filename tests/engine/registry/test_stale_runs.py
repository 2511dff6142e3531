"""Stale training runs are ended with a reason; all other runs stay unchanged."""

import os
import subprocess
import sys
import time

import pytest
from mlproduct.processes import began, is_gone, process_tags
from mlproduct.registry.runs import Runs
from mlproduct.registry.stale_runs import close_stale_runs

from .trial_releases import PIPELINE, Trial, criteria

DAY = 24 * 3600 * 1000


@pytest.fixture
def runs(trial: Trial) -> Runs:
    return trial.releases.models.runs


def opened(runs: Runs, days: float = 0, **tags: str) -> str:
    """The id of an open run that started ``days`` ago."""
    run = runs.open(criteria(), PIPELINE).id
    for name, value in tags.items():
        runs.client.set_tag(run, name, value)
    if days:
        place = runs.client.get_run(run).info.experiment_id
        began_at = int(time.time() * 1000 - days * DAY)
        run = runs.client.create_run(
            place, began_at, {**process_tags(), **tags}, "training · then"
        ).info.run_id
    return str(run)


def status(runs: Runs, run: str) -> str:
    return str(runs.client.get_run(run).info.status)


def test_a_run_whose_process_is_gone_is_ended_with_a_reason(runs: Runs) -> None:
    run = opened(runs, process=f"{os.getpid()} in another life")
    trial = runs.client.create_run(
        runs.client.get_run(run).info.experiment_id,
        tags={"mlflow.parentRunId": run},
        run_name="1. linear",
    ).info.run_id
    (problem,) = close_stale_runs(runs)
    assert f"process {os.getpid()} no longer exists and reported no end" in problem
    found = runs.client.get_run(run)
    assert found.info.run_name.startswith("killed · ")
    assert (found.info.status, status(runs, trial)) == ("KILLED", "KILLED")
    assert "no longer exists" in found.data.tags["given_up"]
    assert close_stale_runs(runs) == ()


def test_a_run_that_may_still_be_active_stays_open(runs: Runs) -> None:
    mine, elsewhere = opened(runs), opened(runs, host="elsewhere", process="7 then")
    nameless = opened(runs, process="")
    assert close_stale_runs(runs) == ()
    assert {status(runs, run) for run in (mine, elsewhere, nameless)} == {"RUNNING"}


def test_a_run_of_another_host_is_ended_after_the_longest_possible_training(runs: Runs) -> None:
    young, old = opened(runs, days=1, host="elsewhere"), opened(runs, days=3, host="elsewhere")
    assert any("host elsewhere reported no end" in problem for problem in close_stale_runs(runs))
    assert (status(runs, young), status(runs, old)) == ("RUNNING", "KILLED")


def test_a_run_ended_by_mistake_still_records_its_verdict(trial: Trial, runs: Runs) -> None:
    run = runs.open(criteria(), PIPELINE)
    runs.client.set_tag(run.id, "process", f"{os.getpid()} in another life")
    assert close_stale_runs(runs)
    document = trial.document(run)
    runs.record(run, document, scorecard_html="<p>seen</p>", scorecard_markdown="# seen")
    assert status(runs, run.id) == "FINISHED"
    assert "given_up" not in runs.tags(run.id)


def test_is_gone_distinguishes_processes_with_the_same_process_id() -> None:
    tags = process_tags()
    assert not is_gone(tags)
    assert is_gone({**tags, "process": f"{os.getpid()} then"})
    assert not is_gone({**tags, "process": f"{os.getpid()} then", "host": "elsewhere"})
    assert not is_gone({})
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert began(other.pid) not in ("", began(os.getpid()))
        other.kill()
    assert began(other.pid) == ""
