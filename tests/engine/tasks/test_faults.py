"""What breaks on the way: a training that is killed, a database that goes, a clock that jumps, a
release to undo.
"""

import os
import signal
import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mlproduct import tasks
from mlproduct.log.decision_log import DecisionLog
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.registry.releases import Releases
from mlproduct.service.app import app_of
from mlproduct.service.options import ServiceSettings
from mlproduct.service.server import service_of
from mlproduct.tasks import training, training_run
from mlproduct.tasks.labelling import expire, label_context
from mlproduct.tasks.monitoring import decide, monitoring_context, monitoring_report
from mlproduct.testing import TrialProduct

from ..flaky_proxy import FlakyProxy
from ..gate_products import compared, rows
from ..products import (
    DAY,
    a_day,
    deliver,
    in_log,
    log,
    read_in_batches,
    settings,
    started_process,
    to_score,
    with_registry,
)
from ..service.services import some_rows, wait_until
from ..team import PRODUCT, main


@pytest.fixture
def deciding(
    product: TrialProduct, released: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    """A product with a registry of its own."""
    return with_registry(product, released, monkeypatch)


# --- training -------------------------------------------------------------------------------


def killed_while_searching(addresses: dict[str, str]) -> None:
    """Dies without a word after the first trial."""
    os.environ.update(addresses)
    search = training.search_candidates

    def dies(*given: Any, **named: Any) -> Any:
        return search(
            *given, **{**named, "progress": lambda trial: os.kill(os.getpid(), signal.SIGKILL)}
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "search_candidates", dies)
        with training_run(PRODUCT, "to be killed") as run:
            training.search(run, training.split(run, training.ingest(run)).training)


def test_a_training_that_was_killed_is_said_by_the_next_one_which_registers(
    deciding: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    deciding.save(rows(), "data/rows.parquet")
    process = started_process(killed_while_searching)
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    releases = Releases(settings(), PRODUCT.name)
    client = releases.models.client
    place = client.get_experiment_by_name(PRODUCT.name).experiment_id
    (left,) = client.search_runs([place], "attributes.status = 'RUNNING'")
    assert (releases.champion(), [version.number for version in releases.models.versions()]) == (
        "1",
        ["2", "1"],
    )
    assert main(["train"]) == 0
    assert (
        f"its process {process.pid} no longer exists and reported no end" in capsys.readouterr().out
    )
    assert client.get_run(left.info.run_id).info.status == "KILLED"
    assert client.search_runs([place], "attributes.status = 'RUNNING'") == []
    assert (
        releases.champion(),
        releases.models.alias("champion"),
        releases.models.alias("challenger"),
    ) == (
        "1",
        "1",
        "3",
    )


# --- the database goes ----------------------------------------------------------------------


def test_a_database_that_goes_while_scoring_and_comes_back_costs_nothing(
    product: TrialProduct, database_proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes when the second part is recorded and nobody has heard that it is; the retry finds it
    there.
    """
    frame = to_score(product)
    read_in_batches(monkeypatch)
    goes_with_the_second_part(database_proxy, monkeypatch, seconds=0.5)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert database_proxy.cuts == 1
    assert_scored_once(len(frame))


@pytest.mark.parametrize("verb", ["score", "monitor"])
def test_a_database_that_is_away_at_the_start_is_waited_for(
    product: TrialProduct, database_proxy: FlakyProxy, verb: str
) -> None:
    to_score(product)
    database_proxy.cut()
    threading.Timer(0.5, database_proxy.restore).start()
    assert main([verb, "--day", str(DAY)]) == 0


def goes_with_the_second_part(
    database_proxy: FlakyProxy, patch: pytest.MonkeyPatch, seconds: float | None
) -> None:
    record, seen = PredictionLog.record, []

    def watched(self: PredictionLog, block: Any) -> bool:
        seen.append(block.name)
        if len(seen) == 2:
            database_proxy.cut_after(b"INSERT INTO blocks", b"COMMIT", seconds=seconds)
        return record(self, block)

    patch.setattr(PredictionLog, "record", watched)


def assert_scored_once(count: int) -> None:
    found = in_log(DAY, DAY)
    assert (len(found), found["identity"].is_unique) == (count, True)
    assert [partition.done for partition in log().partitions()] == [True]


def test_a_database_that_stays_away_ends_scoring_in_a_line_and_the_next_run_finishes(
    product: TrialProduct,
    database_proxy: FlakyProxy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    frame = to_score(product)
    read_in_batches(monkeypatch)
    with monkeypatch.context() as away:
        goes_with_the_second_part(database_proxy, away, seconds=None)
        for name in ("scoring_context", "_score_day"):
            away.setattr(tasks, name, getattr(tasks, name).with_options(retry_delay_seconds=0.1))
        assert main(["score", "--day", str(DAY), "--no-shadow"]) == 1
        (output,) = capsys.readouterr().err.splitlines()
        assert "the database" in output
        assert "check PRODUCT_DATABASE_URL" in output
        assert "last-error" not in output
        assert main(["score", "--day", str(DAY), "--no-shadow"]) == 1
        (output,) = capsys.readouterr().err.splitlines()
        assert "check PRODUCT_DATABASE_URL" in output
    database_proxy.restore()
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert_scored_once(len(frame))


def test_labels_whose_database_goes_are_taken_once(
    product: TrialProduct, database_proxy: FlakyProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    database_proxy.cut_after(b"INSERT INTO deliveries", b"COMMIT", seconds=0.5)
    assert main(["label", deliver(product, frame)]) == 0
    assert database_proxy.cuts == 1
    assert "400 new" in capsys.readouterr().out
    assert log().coverage(DAY, DAY)[0].labelled == len(frame)


# --- what is old ----------------------------------------------------------------------------


def test_killed_while_it_deletes_what_is_old_the_next_run_deletes_the_rest(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows about people must not stay behind in files that no log names any more."""
    to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    place = settings().var / "predictions" / "lane=batch" / f"day={DAY}"
    (part,) = place.iterdir()
    part.with_name("part-of-a-block-never-recorded.parquet").write_bytes(part.read_bytes())
    days = product.read("config/scoring.yaml")["keep_days"]
    monkeypatch.setattr("mlproduct.tasks.labelling.today", lambda: DAY + timedelta(days=days + 1))

    def killed(*given: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(PredictionLog, "expire", killed)
        with pytest.raises(KeyboardInterrupt):
            expire(label_context(PRODUCT))
    assert not place.exists()
    assert expire(label_context(PRODUCT)).predictions == 400
    assert in_log(DAY, DAY).empty


# --- clocks ---------------------------------------------------------------------------------


def test_whatever_way_the_days_go_one_cause_asks_for_one_retraining(
    deciding: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = deciding.read("product/success_criteria.yaml")
    hopeless = compared("do_nothing", -1e9) | {"id": "out-of-reach"}
    deciding.write(
        "product/success_criteria.yaml", {**content, "criteria": [*content["criteria"], hopeless]}
    )
    frame = to_score(deciding, DAY, a_day(DAY, 1_500))
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert main(["label", deliver(deciding, frame)]) == 0
    watched = monitoring_context(PRODUCT, DAY)
    seen = monitoring_report(watched)

    def on(day: date) -> str:
        monkeypatch.setenv("PRODUCT_TODAY", str(day))
        return decide(replace(watched, day=day), seen).action

    assert (
        on(date(2099, 1, 1)) == "retrain"
    )  # the clock is ahead; when it is right again, that holds nothing back
    assert on(DAY) == "retrain"
    assert [on(DAY - timedelta(days=back)) for back in (1, 6, 25, 0)] == ["wait"] * 4
    assert on(DAY + timedelta(days=1)) == "wait"
    numbers = [decided.sequence for decided in DecisionLog(settings().database_url).decisions()]
    assert numbers == list(range(1, len(numbers) + 1))


# --- a release to undo ----------------------------------------------------------------------


def test_the_rollback_drill(deciding: TrialProduct, capsys: pytest.CaptureFixture[str]) -> None:
    """A release, complaints, one command: service and batch are back, and the history says who and
    why.
    """
    wanted = replace(ServiceSettings.from_environment("127.0.0.1", 0, {}), poll_seconds=0.1)
    assert main(["approve", "2", "--by", "Ada", "--because", "It is better."]) == 0
    with TestClient(app_of(service_of(PRODUCT, settings(), wanted))) as client:
        assert answered_by(client) == "2"
        assert scored_by(deciding, DAY) == {"2"}
        assert main(["rollback", "--by", "Bo", "--because", "Complaints since noon."]) == 0
        output = capsys.readouterr().out
        assert "Version 1 is the champion again instead of version 2; rolled back by Bo." in output
        wait_until(lambda: answered_by(client) == "1")
        assert scored_by(deciding, DAY + timedelta(days=1)) == {"1"}
    assert main(["history"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    for shown in ("rollback", "version 1", "Bo", "Complaints since noon."):
        assert shown in last
    assert main(["verify"]) == 0


def answered_by(client: TestClient) -> str:
    return str(client.post("/predict", json={"rows": some_rows(1)}).json()["model"]["version"])


def scored_by(product: TrialProduct, day: date) -> set[str]:
    to_score(product, day)
    assert main(["score", "--day", str(day), "--no-shadow"]) == 0
    return set(in_log(day, day, ["batch"])["version"])
