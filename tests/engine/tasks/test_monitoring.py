"""Monitoring on a small product with a champion: alarms, live criteria, decisions and their
consequences.
"""

import json
import multiprocessing
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlproduct.errors import Refused
from mlproduct.log.decision_log import Decided, DecisionLog
from mlproduct.monitoring.profile import PREDICTION
from mlproduct.registry.audit_mirror import HEAD
from mlproduct.registry.mlflow_pages import places
from mlproduct.registry.monitoring_runs import MonitoringRuns
from mlproduct.registry.releases import Releases
from mlproduct.tasks import logged_rows as reading
from mlproduct.tasks import monitoring
from mlproduct.tasks.local_runner import run_locally
from mlproduct.tasks.logged_rows import labelled_batches, logbook
from mlproduct.tasks.monitoring import decide, monitoring_context, monitoring_report
from mlproduct.tasks.monitoring_report import Monitored
from mlproduct.testing import TrialProduct
from trial_radar.flows import monitor
from trial_radar.sample import sample

from ..gate_products import compared
from ..products import (
    ADDRESSES,
    COLUMNS,
    DAY,
    a_day,
    copy_of,
    deliver,
    in_log,
    settings,
    to_score,
    with_registry,
)
from ..team import PRODUCT, main

WEEK = timedelta(days=7)


@pytest.fixture
def product(
    released: TrialProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    """A copy of the released product without shadow scoring, which these tests do not need."""
    found = copy_of(released, tmp_path, monkeypatch)
    found.write("config/scoring.yaml", {**found.read("config/scoring.yaml"), "shadow": False})
    return found


def change_reaction(product: TrialProduct, **reaction: Any) -> None:
    """Changes the project's rules of ``reaction``."""
    content = product.read("config/monitoring.yaml")
    product.write("config/monitoring.yaml", {**content, "reaction": content["reaction"] | reaction})


def scored(
    product: TrialProduct, day: date = DAY, count: int = 1_500, **knobs: Any
) -> pd.DataFrame:
    frame = to_score(product, day, a_day(day, count, **knobs))
    assert main(["score", "--day", str(day)]) == 0
    return frame


def labelled(product: TrialProduct, frame: pd.DataFrame) -> None:
    assert main(["label", deliver(product, frame)]) == 0


def monitored(day: date = DAY) -> Monitored:
    found = run_locally(monitor, day=day).result()
    assert isinstance(found, Monitored)
    return found


def broken_rows(day: date, count: int = 1_500) -> pd.DataFrame:
    """Rows in which one feature has changed, and with it the predictions."""
    return sample(rows=count, until=day, span=0, dirty=0.0, seed=9, changed_since=day)


def add_impossible_criterion(product: TrialProduct) -> None:
    """Adds a criterion that no model can meet."""
    content = product.read("product/success_criteria.yaml")
    criterion = compared("do_nothing", -1e9) | {"id": "out-of-reach"}
    product.write(
        "product/success_criteria.yaml", {**content, "criteria": [*content["criteria"], criterion]}
    )


def test_rows_without_drift_lead_to_no_action(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    scored(product)
    assert main(["monitor", "--day", str(DAY)]) == 0
    output = capsys.readouterr().out
    assert "OK  No drift. No action." in output
    assert main(["ledger"]) == 0
    assert "nothing  proxy  No drift. No action." in capsys.readouterr().out


def test_places_links_to_the_runs_of_training_and_of_monitoring(product: TrialProduct) -> None:
    scored(product)
    run = monitored().run
    found = places(settings(), PRODUCT.name, "http://mlflow")
    client = MonitoringRuns(settings(), PRODUCT.name).client
    assert list(found) == ["trainings", "monitoring"]
    number = client.get_run(run).info.experiment_id
    assert (
        found["monitoring"]
        == f"http://mlflow/#/experiments/{number}/runs?workflowType=machine_learning"
    )


def test_a_changed_feature_causes_an_alarm_that_names_it_and_waits_for_labels(
    product: TrialProduct,
) -> None:
    to_score(product, DAY, broken_rows(DAY))
    assert main(["score", "--day", str(DAY)]) == 0
    found = monitored()
    assert found.report.drifted
    changed = broken_rows(DAY).compare(
        sample(rows=1_500, until=DAY, span=0, dirty=0.0, seed=9), keep_shape=False
    )
    (feature,) = {name for name, _ in changed.columns}
    assert feature in found.report.drifted
    assert (found.decision.action, found.decision.trust) == ("wait", "proxy")
    assert feature in found.decision.sentence
    page = MonitoringRuns(settings(), PRODUCT.name).client.download_artifacts(
        found.run, "drift.html"
    )
    assert "Dataset Drift is detected" in Path(page).read_text()


def test_a_criterion_that_fails_on_labels_requests_a_retraining(
    product: TrialProduct,
) -> None:
    labelled(product, scored(product))
    without_failure = monitored()
    assert without_failure.report.live is not None
    assert without_failure.report.live.trust == "confirmed"
    assert without_failure.decision.action == "nothing"
    add_impossible_criterion(product)
    found = monitored()
    assert found.report.live is not None
    assert found.report.live.failing == ("out-of-reach",)
    assert (found.decision.action, found.decision.cause) == ("retrain", "criteria:out-of-reach")


def test_labelled_reads_at_most_the_given_number_of_rows(product: TrialProduct) -> None:
    frame = scored(product)
    labelled(product, frame)
    book = logbook(PRODUCT, settings())
    every = reading.labelled(book, [DAY])
    some = reading.labelled(book, [DAY], at_most=100)
    assert len(every) == len(frame)
    assert set(some["identity"]) == set(every["identity"].nsmallest(100))
    expected = every.set_index("identity").loc[some["identity"]].reset_index()
    pd.testing.assert_frame_equal(some, expected[some.columns])


@pytest.mark.usefixtures("aliases")
def test_a_champion_is_judged_only_by_its_own_predictions(product: TrialProduct) -> None:
    """After a release the window still contains rows of the previous champion. Their features
    count, their predictions do not.
    """
    add_impossible_criterion(product)
    labelled(product, scored(product))
    assert monitored().decision.action == "retrain"
    Releases(settings(), PRODUCT.name).approve("2", by="Ada", because="To test another.")
    fresh = monitored()
    assert fresh.report.rows == 1_500
    assert fresh.report.live is None
    assert [f.size for f in fresh.report.findings or () if f.column == PREDICTION] == [0.0, 0.0]
    day = DAY + timedelta(days=1)
    labelled(product, scored(product, day))
    found = monitored(day)
    assert found.report.live is not None
    assert (found.report.live.rows, found.report.live.days) == (1_500, (day,))
    assert PREDICTION not in found.report.drifted


@pytest.mark.usefixtures("aliases")
def test_monitoring_sets_the_alias_that_an_interrupted_release_did_not_set(
    product: TrialProduct,
) -> None:
    scored(product)
    models = Releases(settings(), PRODUCT.name).models
    models.point("champion", "2")
    assert monitored().context.champion.version == "1"
    assert models.alias("champion") == "1"


def test_too_few_labels_give_only_partial_trust(product: TrialProduct) -> None:
    add_impossible_criterion(product)
    labelled(product, scored(product).head(500))
    found = monitored()
    assert found.report.live is not None
    assert found.report.live.trust == "partial"
    assert (found.decision.action, found.decision.trust) == ("wait", "partial")


def test_one_cause_requests_one_retraining_and_another_after_the_cooldown(
    product: TrialProduct,
) -> None:
    add_impossible_criterion(product)
    change_reaction(product, cooldown_days=7)
    labelled(product, scored(product))
    assert [monitored(DAY + timedelta(days=days)).decision.action for days in (0, 0, 1, 6)] == [
        "retrain",
        "wait",
        "wait",
        "wait",
    ]
    assert monitored(DAY + WEEK).decision.action == "retrain"


def decide_at_the_barrier(addresses: dict[str, str], ready: Any) -> None:
    os.environ.update(addresses)
    watched = monitoring_context(PRODUCT, DAY)
    seen = monitoring_report(watched)
    ready.wait()
    decide(watched, seen)


def test_two_concurrent_monitors_request_one_retraining(product: TrialProduct) -> None:
    add_impossible_criterion(product)
    labelled(product, scored(product))
    context = multiprocessing.get_context("spawn")
    ready, given = context.Barrier(2), {name: os.environ[name] for name in ADDRESSES}
    monitors = [
        context.Process(target=decide_at_the_barrier, args=(given, ready)) for _ in range(2)
    ]
    for process in monitors:
        process.start()
    for process in monitors:
        process.join(120)
    decisions = DecisionLog(settings().database_url).decisions()
    assert sorted(decided.action for decided in decisions) == ["retrain", "wait"]


def test_a_retraining_waits_for_enough_new_labels(product: TrialProduct) -> None:
    change_reaction(product, new_labels_at_least=100_000)
    add_impossible_criterion(product)
    labelled(product, scored(product))
    assert monitored().decision.action == "wait"


def test_drift_requests_no_retraining_when_the_labels_meet_the_criteria(
    product: TrialProduct,
) -> None:
    frame = to_score(product, DAY, broken_rows(DAY))
    assert main(["score", "--day", str(DAY)]) == 0
    content = product.read("product/success_criteria.yaml")
    harmless = compared("do_nothing", 1e9)
    product.write("product/success_criteria.yaml", {**content, "criteria": [harmless]})
    labelled(product, frame)
    found = monitored()
    assert (found.decision.action, found.decision.trust) == ("nothing", "confirmed")
    assert "still met" in found.decision.sentence


def test_an_unusual_number_of_rows_is_reported(product: TrialProduct) -> None:
    for weeks in (2, 1):
        scored(product, DAY - weeks * WEEK, 800)
    scored(product, DAY, 200)
    found = monitored()
    assert found.report.volume is not None
    assert found.report.volume.alarm
    assert found.report.findings is None
    assert "200 rows in the window (usually 800)" in found.decision.sentence


def test_a_monitoring_run_is_stored_in_mlflow_with_its_pages(product: TrialProduct) -> None:
    labelled(product, scored(product))
    found = monitored()
    runs = MonitoringRuns(settings(), PRODUCT.name)
    run = runs.client.get_run(found.run)
    assert run.data.tags["decision"] == "nothing"
    assert run.data.metrics["rows"] == 1_500
    assert any(name.startswith("live.") for name in run.data.metrics)
    names = {file.path for file in runs.client.list_artifacts(found.run)}
    assert names == {"drift.html", "performance.html", "look.md", "look.json"}
    shown = json.loads(Path(runs.client.download_artifacts(found.run, "look.json")).read_text())
    assert shown["live"]["trust"] == "confirmed"
    everything = Path(runs.client.download_artifacts(found.run, "look.json")).read_text()
    assert not any(key in everything for key in in_log(DAY, DAY)["key"].head(20))


def test_the_metrics_over_time_are_in_one_trend_run_per_champion(product: TrialProduct) -> None:
    scored(product)
    runs = MonitoringRuns(settings(), PRODUCT.name)
    first = monitored()
    monitored(DAY + timedelta(days=1))
    experiment = runs.client.get_run(first.run).info.experiment_id
    (trend,) = runs.client.search_runs([experiment], "tags.trend_of = '1'")
    points = runs.client.get_metric_history(trend.info.run_id, "rows")
    assert len({point.step for point in points}) >= 2


def test_a_report_page_that_fails_does_not_stop_monitoring(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_page(*given: Any) -> dict[str, str]:
        raise RuntimeError("no ink")

    monkeypatch.setattr(monitoring, "report_pages", broken_page)
    scored(product)
    assert monitored().decision.action == "nothing"


def test_monitoring_without_a_champion_is_refused(
    product: TrialProduct,
    released: TrialProduct,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = with_registry(product, released, monkeypatch).releases.models
    models.point("champion", None)
    models.tag_model(HEAD, None)
    (product.root / "var" / "product.db").unlink()
    assert main(["monitor"]) == 3
    output = "there is no champion – monitoring needs a released model – train a model and approve"
    assert output in capsys.readouterr().err


def test_a_changed_reference_is_refused(released: TrialProduct) -> None:
    models = released.releases.models
    version = models.find("1")
    with pytest.raises(Refused, match="it was changed since"):
        models.reference(replace(version, tags={**version.tags, "reference_digest": "0"}))


def test_a_decision_is_recorded_with_its_basis(product: TrialProduct) -> None:
    scored(product)
    decided = monitored().decision
    (recorded,) = DecisionLog(settings().database_url).decisions()
    assert isinstance(recorded, Decided)
    assert (recorded.sentence, recorded.details["rows"], recorded.window_end) == (
        decided.sentence,
        1_500,
        DAY,
    )


def test_labelled_predictions_become_training_rows(product: TrialProduct) -> None:
    frame = scored(product)
    labelled(product, frame.head(700))
    (batch,) = labelled_batches(logbook(PRODUCT, settings()))
    assert batch.repaired
    rows = batch.rows.set_index(COLUMNS.key)
    expected = frame.head(700).set_index(COLUMNS.key).loc[rows.index]
    assert len(rows) == 700
    for name in (*COLUMNS.numeric, str(COLUMNS.target)):
        pd.testing.assert_series_equal(rows[name], expected[name], check_dtype=False)
