"""The training flow from end to end: its records and its outcomes."""

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from mlproduct.errors import InvalidData
from mlproduct.gate.criteria import Decision
from mlproduct.tasks import training
from mlproduct.tasks.local_runner import run_locally
from mlproduct.testing import TrialProduct
from trial_radar.flows import train

from ..gate_products import COLUMNS, rows, stage
from ..team import main

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: None
) -> tuple[TrialProduct, Any]:
    """A product with a first, ready model, and criteria that allow automatic approval."""
    found = stage(tmp_path_factory.mktemp("trained"))
    criteria = found.read("product/success_criteria.yaml")
    found.write("product/success_criteria.yaml", {**criteria, "approval": "automatic"})
    return found, found.train()


@pytest.fixture
def trained_product(
    trained: tuple[TrialProduct, Any], monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    monkeypatch.setenv("PRODUCT_ROOT", str(trained[0].root))
    monkeypatch.setenv("PREFECT_HOME", str(trained[0].root / "var" / "prefect"))
    return trained[0]


def test_a_ready_model_is_promoted_when_approval_is_automatic(
    trained: tuple[TrialProduct, Any],
) -> None:
    product, registered = trained
    assert (registered.document.decision, registered.version, registered.promoted) == (
        Decision.READY,
        "1",
        True,
    )
    assert product.standing() == ("1", "1", None)
    (entry,) = product.releases.audit_log.read().entries
    assert (entry.action, entry.by) == ("automatic", "the gate")


def test_the_run_contains_the_artifacts_tags_and_metrics_of_a_review(
    trained: tuple[TrialProduct, Any],
) -> None:
    product, registered = trained
    runs = product.releases.models.runs
    run = runs.client.get_run(registered.document.run_id)
    held = {artifact.path for artifact in runs.client.list_artifacts(run.info.run_id)}
    assert held == {"decision.json", "scorecard.html", "success_criteria.yaml", "validation.md"}
    assert run.data.tags["verdict"] == "ready"
    assert run.data.tags["decision_digest"] == registered.document.digest
    assert {"skill", "skill_low", "skill_high"} <= set(run.data.metrics)
    assert run.info.run_name.startswith(f"ready · {registered.document.model.candidate} · ")


def test_no_written_file_contains_personal_data(trained: tuple[TrialProduct, Any]) -> None:
    product, _ = trained
    names = set(COLUMNS.private)
    assert names <= set(rows().columns)
    written = [path for path in (product.root / "var").rglob("*") if path.is_file()]
    assert written
    for path in written:
        content = path.read_bytes()
        assert b"@example.com" not in content.replace(b"retention@example.com", b"").replace(
            b"pricing@example.com", b""
        )


def test_the_champion_can_be_loaded_and_predicts(trained: tuple[TrialProduct, Any]) -> None:
    product, registered = trained
    champion = product.releases.load_champion()
    assert champion is not None
    assert champion.digest == registered.document.model.digest
    assert len(champion.model.predict(rows().dropna()[list(COLUMNS.features)])) > 0
    assert product.releases.verify("1") == ()


def test_a_blocked_model_completes_its_run_and_names_what_blocks(
    trained_product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    state = run_locally(train, cause="a second time")
    assert (state.type.value, state.name) == ("COMPLETED", "Blocked")
    assert "beats-champion" in state.message
    capsys.readouterr()
    assert main(["train"]) == 3
    printed = capsys.readouterr().out
    assert "BLOCKED  by beats-champion. Not registered." in printed
    assert re.search("^  not met +beats-champion ", printed, re.MULTILINE)


def test_copies_of_rows_under_other_keys_are_blocked_by_name_before_anything_is_trained(
    trained_product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a split by key, a model would remember the copies of the rows of the holdout."""
    pipeline = trained_product.read("config/pipeline.yaml")
    by_key = {**pipeline, "split": {**pipeline["split"], "by": "hash"}}
    table = rows(rows=2_000)
    half = len(table) // 2
    again = table[:half].assign(**{COLUMNS.key: table[COLUMNS.key].to_numpy()[-half:]})
    trained_product.write("config/pipeline.yaml", by_key)
    try:
        joined = pd.concat([table[:half], again], ignore_index=True)
        assert main(["train", "--source", trained_product.save(joined, "data/joined.parquet")]) == 3
    finally:
        trained_product.write("config/pipeline.yaml", pipeline)
    printed = capsys.readouterr().out
    assert "BLOCKED  by no-leak. Not registered." in printed
    # Three of four copies are on the training side as well.
    assert re.search(rf"rows are also under another {COLUMNS.key} \(0\.7", printed)
    assert trained_product.standing() == ("1", "1", None)


def test_too_many_bad_rows_stop_the_training_and_are_quarantined(
    trained_product: TrialProduct,
) -> None:
    source = trained_product.save(rows(dirty=0.2), "data/dirty.parquet")
    before = {batch.run for batch in store_of_quarantine(trained_product).list()}
    assert main(["train", "--source", source]) == InvalidData.exit_code
    (batch,) = [
        batch for batch in store_of_quarantine(trained_product).list() if batch.run not in before
    ]
    assert batch.rows == pytest.approx(0.2 * len(rows()), rel=0.05)
    assert trained_product.standing() == ("1", "1", None)


def test_a_missing_column_stops_the_training_and_is_named(
    trained_product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    source = trained_product.save(rows().drop(columns=[COLUMNS.numeric[0]]), "data/narrow.parquet")
    assert main(["train", "--source", source]) == InvalidData.exit_code
    assert COLUMNS.numeric[0] in capsys.readouterr().err


def test_a_missing_file_is_reported_in_one_line(
    trained_product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--source", "data/nowhere.parquet"]) == 2
    shown = capsys.readouterr().err
    assert "nowhere.parquet" in shown
    assert len(shown.splitlines()) == 1


def test_the_criteria_are_fixed_before_the_first_row_is_read(
    trained_product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}
    original_read: Callable[..., Any] = training.read

    def recording_read(*given: Any, **named: Any) -> Any:
        seen.update(newest_run(trained_product).data.tags)
        return original_read(*given, **named)

    monkeypatch.setattr(training, "read", recording_read)
    registered = trained_product.train()
    assert seen["criteria_digest"] == registered.document.criteria_digest
    assert "verdict" not in seen


def test_a_run_with_an_error_is_marked_as_failed(
    trained_product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:

    def fail(*given: Any, **named: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(training, "search_candidates", fail)
    assert main(["train", "--cause", "a failing search"]) == 1
    assert newest_run(trained_product).info.status == "FAILED"
    assert trained_product.standing() == ("1", "1", None)


def newest_run(trained_product: TrialProduct) -> Any:
    """The MLflow run that started last."""
    runs = trained_product.releases.models.runs
    place = runs.client.get_experiment_by_name(runs.product).experiment_id
    return runs.client.search_runs([place], order_by=["attributes.start_time DESC"], max_results=1)[
        0
    ]


def store_of_quarantine(trained_product: TrialProduct) -> Any:
    from mlproduct.data.quarantine import Quarantine

    return Quarantine(trained_product.settings.var / "quarantine")
