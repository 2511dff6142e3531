"""Recovery from faults: a killed training, a database outage, a clock that jumps and a bad
release.
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
    """A product with its own registry."""
    return with_registry(product, released, monkeypatch)


# --- training -------------------------------------------------------------------------------


def killed_while_searching(addresses: dict[str, str]) -> None:
    """Kills its own process after the first trial."""
    os.environ.update(addresses)
    search = training.search_candidates

    def search_and_kill(*given: Any, **named: Any) -> Any:
        return search(
            *given, **{**named, "progress": lambda trial: os.kill(os.getpid(), signal.SIGKILL)}
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "search_candidates", search_and_kill)
        with training_run(PRODUCT, "to be killed") as run:
            training.search(run, training.split(run, training.ingest(run)).training)


def test_the_next_training_reports_a_killed_one_and_registers_a_version(
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


# --- database outages -----------------------------------------------------------------------


def test_scoring_completes_despite_a_short_database_outage(
    product: TrialProduct, database_proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outage starts when the second part is recorded and before the response arrives, so the
    retry finds the part in the log.
    """
    frame = to_score(product)
    read_in_batches(monkeypatch)
    cut_at_the_second_part(database_proxy, monkeypatch, seconds=0.5)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert database_proxy.cuts == 1
    assert_scored_once(len(frame))


@pytest.mark.parametrize("command", ["score", "monitor"])
def test_a_command_waits_for_a_database_that_is_unavailable_at_its_start(
    product: TrialProduct, database_proxy: FlakyProxy, command: str
) -> None:
    to_score(product)
    database_proxy.cut()
    threading.Timer(0.5, database_proxy.restore).start()
    assert main([command, "--day", str(DAY)]) == 0


def cut_at_the_second_part(
    database_proxy: FlakyProxy, patch: pytest.MonkeyPatch, seconds: float | None
) -> None:
    record, seen = PredictionLog.record, []

    def counted_record(self: PredictionLog, block: Any) -> bool:
        seen.append(block.name)
        if len(seen) == 2:
            database_proxy.cut_after(b"INSERT INTO blocks", b"COMMIT", seconds=seconds)
        return record(self, block)

    patch.setattr(PredictionLog, "record", counted_record)


def assert_scored_once(count: int) -> None:
    found = in_log(DAY, DAY)
    assert (len(found), found["identity"].is_unique) == (count, True)
    assert [partition.done for partition in log().partitions()] == [True]


def test_a_long_database_outage_is_reported_in_one_line_and_the_next_run_completes(
    product: TrialProduct,
    database_proxy: FlakyProxy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    frame = to_score(product)
    read_in_batches(monkeypatch)
    with monkeypatch.context() as outage:
        cut_at_the_second_part(database_proxy, outage, seconds=None)
        for name in ("scoring_context", "_score_day"):
            outage.setattr(tasks, name, getattr(tasks, name).with_options(retry_delay_seconds=0.1))
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


def test_labels_are_recorded_once_despite_a_database_outage(
    product: TrialProduct, database_proxy: FlakyProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    database_proxy.cut_after(b"INSERT INTO deliveries", b"COMMIT", seconds=0.5)
    assert main(["label", deliver(product, frame)]) == 0
    assert database_proxy.cuts == 1
    assert "400 new" in capsys.readouterr().out
    assert log().coverage(DAY, DAY)[0].labelled == len(frame)


# --- expired data ---------------------------------------------------------------------------


def test_expire_deletes_the_rest_after_a_killed_run(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows about people must not remain in files that no log mentions any more."""
    to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    place = settings().var / "predictions" / "lane=batch" / f"day={DAY}"
    (part,) = place.iterdir()
    part.with_name("part-of-a-block-never-recorded.parquet").write_bytes(part.read_bytes())
    days = product.read("config/scoring.yaml")["keep_days"]
    monkeypatch.setattr("mlproduct.tasks.labelling.today", lambda: DAY + timedelta(days=days + 1))

    def killed(*given: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(PredictionLog, "expire", killed)
        with pytest.raises(KeyboardInterrupt):
            expire(label_context(PRODUCT))
    assert not place.exists()
    assert expire(label_context(PRODUCT)).predictions == 400
    assert in_log(DAY, DAY).empty


# --- clocks ---------------------------------------------------------------------------------


def test_one_cause_requests_one_retraining_when_the_clock_jumps(
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
    )  # the clock is ahead; the decision must not delay later ones
    assert on(DAY) == "retrain"
    assert [on(DAY - timedelta(days=back)) for back in (1, 6, 25, 0)] == ["wait"] * 4
    assert on(DAY + timedelta(days=1)) == "wait"
    numbers = [decided.sequence for decided in DecisionLog(settings().database_url).decisions()]
    assert numbers == list(range(1, len(numbers) + 1))


# --- rollback of a release ------------------------------------------------------------------


def test_a_rollback_restores_the_champion_in_service_batch_and_audit_log(
    deciding: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command undoes a release after complaints, and the audit log records who did it
    and why.
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
