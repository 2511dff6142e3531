"""The contents of a training run in MLflow."""

import subprocess
from pathlib import Path

import pytest
from mlproduct.config.settings import Settings
from mlproduct.errors import ConfigError, ProductError, Refused
from mlproduct.gate.criteria import Interval, Measurement, criteria_digest
from mlproduct.gate.document import CandidateRow, Plots
from mlproduct.registry.runs import Runs, answering, commit_of, metrics_of, shortened

from .trial_releases import PIPELINE, Trial, criteria


def test_open_logs_the_criteria_first(trial: Trial) -> None:
    runs = trial.releases.models.runs
    run = runs.open(criteria(), PIPELINE, cause="monitoring asked")
    found = runs.client.get_run(run.id)
    assert found.info.status == "RUNNING"
    assert found.info.run_name.startswith("training · ")
    assert found.data.tags["criteria_digest"] == criteria_digest(criteria())
    assert found.data.tags["cause"] == "monitoring asked"
    assert found.data.params["search.trials"] == "2"
    assert [each.path for each in runs.client.list_artifacts(run.id)] == ["success_criteria.yaml"]
    assert runs.client.get_experiment(found.info.experiment_id).name == trial.product


def test_a_recorded_run_shows_its_document(trial: Trial) -> None:
    document = trial.recorded()
    runs = trial.releases.models.runs
    found = runs.client.get_run(document.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.run_name.startswith("ready · linear · ")
    assert found.data.metrics["recall"] == 0.7
    assert found.data.metrics["recall_low"] == pytest.approx(0.65)
    digests = {
        "decision_digest": document.digest,
        "model_digest": trial.saved.digest,
        "data_digest": "d" * 64,
    }
    assert digests.items() <= found.data.tags.items()
    assert found.data.tags["mlflow.note.content"] == "# seen"
    assert runs.document(document.run_id) == document


@pytest.mark.parametrize(
    ("code", "check"), [(403, "MLFLOW_TRACKING_USERNAME"), (500, "MLFLOW_TRACKING_URI")]
)
def test_a_denied_request_names_the_account_variables(trial: Trial, code: int, check: str) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(ProductError, match=f"check {check}"), answering(trial.settings):
        raise MlflowException(
            f"API request to endpoint /x failed with error code {code} != 200. Response body: ''"
        )


def test_the_data_is_logged_as_an_input_with_its_digest(trial: Trial) -> None:
    document = trial.recorded()
    (data,) = trial.releases.models.runs.client.get_run(document.run_id).inputs.dataset_inputs
    assert data.dataset.digest == "d" * 36
    assert "d" * 64 in data.dataset.source


def test_every_trial_is_logged_as_a_nested_run(trial: Trial) -> None:
    trials = (
        CandidateRow(candidate="linear", parameters={"C": 2.0}, score=0.7, seconds=1.5),
        CandidateRow(
            candidate="network", parameters={}, score=None, seconds=0.1, problem="did not converge"
        ),
    )
    document = trial.recorded(exhibits=Plots(primary="recall", candidates=trials))
    client = trial.releases.models.runs.client
    experiment = client.get_run(document.run_id).info.experiment_id
    asked = f"tags.`mlflow.parentRunId` = '{document.run_id}'"
    nested = {run.info.run_name: run for run in client.search_runs([experiment], asked)}
    assert set(nested) == {"1. linear", "2. network"}
    assert nested["1. linear"].data.metrics == {"recall": 0.7, "seconds": 1.5}
    assert nested["1. linear"].data.params == {"candidate": "linear", "C": "2.0"}
    assert nested["2. network"].info.status == "FAILED"


def test_a_blocked_model_finishes_its_run_and_a_failed_evaluation_fails_it(trial: Trial) -> None:
    client = trial.releases.models.runs.client
    assert client.get_run(trial.recorded("blocked").run_id).info.status == "FINISHED"
    broken = client.get_run(trial.recorded("ready", problem="division by zero").run_id)
    assert broken.info.status == "FAILED"
    assert broken.data.tags["verdict"] == "blocked"


def test_a_run_with_a_problem_before_the_verdict_is_failed(trial: Trial) -> None:
    runs = trial.releases.models.runs
    run = runs.open(criteria(), PIPELINE)
    runs.fail(run, "the disk is full")
    found = runs.client.get_run(run.id)
    assert (found.info.status, found.data.tags["problem"]) == ("FAILED", "the disk is full")
    assert found.info.run_name.startswith("failed · ")


def test_record_refuses_criteria_that_changed_during_the_training(trial: Trial) -> None:
    runs = trial.releases.models.runs
    run = runs.open(criteria(), PIPELINE)
    document = trial.document(run, criteria=criteria(confidence=0.5))
    with pytest.raises(Refused, match="fixed before the result"):
        runs.record(run, document, scorecard_html="", scorecard_markdown="")


def test_an_unreadable_document_is_refused(trial: Trial) -> None:
    document = trial.recorded()
    runs = trial.releases.models.runs
    decision_file = (
        Path(runs.client.get_run(document.run_id).info.artifact_uri.removeprefix("file://"))
        / "decision.json"
    )
    decision_file.write_text("{", encoding="utf-8")
    with pytest.raises(Refused, match="is not a verdict document"):
        runs.document(document.run_id)
    decision_file.unlink()
    with pytest.raises(Refused, match="cannot be fetched"):
        runs.document(document.run_id)


def test_a_deleted_experiment_is_reported_with_the_command_that_restores_it(trial: Trial) -> None:
    runs = trial.releases.models.runs
    runs.open(criteria(), PIPELINE)
    runs.client.delete_experiment(runs.client.get_experiment_by_name(trial.product).experiment_id)
    with pytest.raises(ConfigError, match="mlflow experiments restore"):
        runs.open(criteria(), PIPELINE)


def test_an_unsupported_tracking_uri_is_a_product_error(tmp_path: Path) -> None:
    settings = Settings(
        root=tmp_path, tracking_uri="nosuch://ada:secret@host", database_url="sqlite://"
    )
    with pytest.raises(ProductError, match="MLFLOW_TRACKING_URI") as caught:
        Runs(settings, "Radar")
    assert "secret" not in str(caught.value)


def test_metrics_have_readable_names() -> None:
    around = (Interval(low=0.5, high=0.7),)
    found = metrics_of(
        [
            Measurement(metric="recall", value=0.6, intervals=around),
            Measurement(metric="recall", value=0.6, by="region", slice="north"),
            Measurement(metric="recall", value=0.1, by="region", slice="north", other="east/2"),
            Measurement(metric="value", value=9, versus="champion"),
            Measurement(metric="brier", value=float("nan")),
            Measurement(metric="f1", problem="no leavers"),
        ]
    )
    assert list(found) == [
        "recall",
        "recall_low",
        "recall_high",
        "recall.region.north",
        "recall.region.north_minus_east_2",
        "value.versus_champion",
    ]


def test_slices_with_the_same_metric_name_are_numbered() -> None:
    found = metrics_of(
        [
            Measurement(metric="f1", value=v, by="size", slice=s)
            for s, v in (("a/b", 1.0), ("a+b", 2.0))
        ]
    )
    assert found == {"f1.size.a_b": 1.0, "f1.size.a_b_2": 2.0}


def test_shortened_cuts_a_long_text_and_names_the_full_one() -> None:
    assert shortened("short", 100) == "short"
    assert shortened("line\n" * 100, 100, file="look.md").endswith("is in look.md of the run.")
    cut = shortened("line\n" * 100, 100)
    assert len(cut) <= 100
    assert cut.endswith("scorecard.html of the run.")


def test_commit_of_returns_the_last_commit_and_marks_uncommitted_changes(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None
    (tmp_path / "file").write_text("one")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for words in (["init", "-q"], ["add", "file"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    commit = commit_of(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "file").write_text("two")
    assert commit_of(tmp_path) == f"{commit}+changes"
