"""``verify --measure``: a model is measured again, and a false measurement is found."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import Pipeline, read_pipeline
from mlproduct.gate.document import Document
from mlproduct.registry.model_files import RECORDED_FILE, RecordedRows, save, sha256
from mlproduct.registry.runs import Runs
from mlproduct.registry.versions import Saved
from mlproduct.tasks import measured_again
from mlproduct.tasks.measured_again import MeasuredAgain, measure_again
from mlproduct.testing import TrialProduct

from ..products import COLUMNS, DAY, deliver, to_score, with_registry
from ..team import PRODUCT, main

pytestmark = pytest.mark.usefixtures("prefect_server")
TARGET, KEY = str(COLUMNS.target), COLUMNS.key
SOURCE = "data/rows.parquet"


@pytest.fixture
def own(
    product: TrialProduct, released: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    """A product with its own registry and data, the champion 1 and the challenger 2."""
    found = with_registry(product, released, monkeypatch)
    shutil.copytree(released.root / "data", found.root / "data")
    return found


def verified(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of ``verify --measure``, and all that it printed."""
    capsys.readouterr()
    code = main(["verify", "--measure", *arguments])
    printed = "".join(capsys.readouterr())
    assert "Traceback" not in printed
    return code, printed


def again(own: TrialProduct, number: str = "1") -> MeasuredAgain:
    return measure_again(PRODUCT, own.settings, number)


def source_rows(own: TrialProduct) -> pd.DataFrame:
    return pd.read_parquet(own.root / SOURCE)


def own_rows(own: TrialProduct) -> pd.DataFrame:
    """The rows of the source that the training of version 1 used."""
    found = measured_again._Found(PRODUCT, own.settings, pipeline_of(own).source)
    return found.in_source


def pipeline_of(own: TrialProduct) -> Pipeline:
    return read_pipeline(own.settings.pipeline_file)


# --- the same ---------------------------------------------------------------------------------


def test_the_same_rows_give_the_same_measurements(
    own: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    before = own.standing()
    code, printed = verified(capsys, "1")
    assert code == 0, printed
    assert "measured again on its " in printed
    assert "measurements that can be repeated are the same" in printed
    assert "note:" not in printed
    document = own.releases.models.load("1").document
    with_value = [m for m in document.measurements if m.problem is None]
    # All but three speeds and the seconds of the training, and of the data all but the rejections.
    assert again(own).compared == len(with_value) - 4 + len(document.data_measurements) - 1
    assert own.standing() == before


def test_a_comparison_with_the_champion_of_that_time_is_measured_again(own: TrialProduct) -> None:
    own.releases.approve("2", by="Ada", because="It is as good.")
    found = measure_again(PRODUCT, own.settings, "2", "data/others.parquet")
    assert found.differences == ()
    document = own.releases.models.load("2").document
    assert document.champion is not None
    assert document.champion.version == "1"
    assert any(m.versus == "champion" and not m.problem for m in document.measurements)


def test_new_and_reordered_rows_of_the_source_change_nothing(
    own: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = source_rows(own)
    other = own_rows(own).head(20).assign(**{KEY: [f"Z-{n}" for n in range(20)]})
    own.save(pd.concat([other, rows]).sample(frac=1, random_state=1), SOURCE)
    code, printed = verified(capsys, "1")
    assert code == 0, printed
    assert "the source has 20 other rows that the training did not use" in printed


def test_rows_of_the_quarantine_and_of_the_log_are_found(
    own: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = to_score(own)
    assert main(["score", "--day", str(DAY)]) == 0
    assert main(["label", deliver(own, scored)]) == 0
    without_target = own_rows(own).head(1).assign(**{KEY: "Q-1", TARGET: None})
    own.save(pd.concat([source_rows(own), without_target]), SOURCE)
    own.write("config/pipeline.yaml", {**own.read("config/pipeline.yaml"), "labelled_log": True})
    before = own.train().document
    run = before.run_id
    exported = own.root / "exported.csv"
    assert main(["quarantine", "export", run, "--to", str(exported)]) == 0
    rows = pd.read_csv(exported, dtype="str", keep_default_na=False)
    rows.loc[rows[KEY] == "Q-1", TARGET] = str(own_rows(own)[TARGET].iloc[0])
    rows.to_csv(exported, index=False)
    assert main(["quarantine", "replay", run, "--repaired", str(exported)]) == 0
    registered = own.train()
    # The rows of the log, and then the repaired row as well.
    assert before.data.rows > len(own_rows(own)) + len(scored) // 2
    assert registered.document.data.rows == before.data.rows + 1
    # Rows from elsewhere do not pass as rows of the source.
    assert " + the labelled log (" in before.data.source
    assert " + the repaired quarantine (1) + the labelled log (" in (
        registered.document.data.source
    )
    assert again(own, registered.version).differences == ()
    assert main(["forget", str(scored[KEY].iloc[0]), "--by", "Ada"]) == 0
    code, printed = verified(capsys, registered.version)
    assert code == 4
    assert "1 can no longer be found and 0 have changed" in printed


# --- cannot be verified -----------------------------------------------------------------------


def test_rows_that_are_gone_or_changed_are_counted(
    own: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = own_rows(own)
    changed = rows[TARGET].copy()
    changed.iloc[20:50] = changed.iloc[20:50].to_numpy()[::-1]
    differ = int((changed != rows[TARGET]).sum())
    assert differ
    own.save(rows.assign(**{TARGET: changed}).iloc[:-15], SOURCE)
    code, printed = verified(capsys, "1")
    assert code == 4
    sentence = f"of its {len(rows):,} rows, 15 can no longer be found and {differ} have changed"
    assert f"version 1 cannot be verified: {sentence}" in printed


def test_a_source_that_is_gone_cannot_be_verified(
    own: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    (own.root / SOURCE).unlink()
    code, printed = verified(capsys, "1")
    assert code == 4
    assert "version 1 cannot be verified: its rows cannot be read again: " in printed
    assert SOURCE in printed
    # The file of that time can be given.
    shutil.copy(own.root / "data/others.parquet", own.root / "data/kept.parquet")
    assert verified(capsys, "2", "--source", "data/kept.parquet")[0] == 0


def test_another_version_of_an_estimator_cannot_be_verified(
    own: TrialProduct, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = own.releases.models.load("1").document
    assert document.model is not None
    assert {"mlproduct", "numpy", "pandas", "scikit-learn"} <= document.model.packages.keys()
    present = {**document.model.packages, "scikit-learn": "99.1"}
    monkeypatch.setattr(measured_again, "installed_versions", lambda names: present)
    code, printed = verified(capsys, "1")
    assert code == 4
    before = document.model.packages["scikit-learn"]
    assert f"measured with scikit-learn {before} (installed: 99.1)" in printed


def test_a_version_of_an_earlier_release_cannot_be_verified(
    own: TrialProduct, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = own.releases.models
    models.client.delete_model_version_tag(models.name, "1", "recorded_rows_digest")
    code, printed = verified(capsys, "1")
    assert code == 4
    assert "its rows and its configuration were not recorded" in printed


# --- false measurements -----------------------------------------------------------------------


@pytest.fixture
def forged(own: TrialProduct, tmp_path: Path) -> Any:
    """Registers a version through the registry's own functions, as an attacker can who may write to
    MLflow: the files of version 1, changed by ``files``, and its document, changed by ``says``.
    """
    models = own.releases.models
    version = models.find("1")

    def register(files: Any = lambda folder: None, says: Any = lambda document: document) -> str:
        folder = Path(shutil.copytree(Path(version.source.removeprefix("file://")), tmp_path / "f"))
        files(folder)
        content = (folder / "model.skops").read_bytes()
        document = own.releases.models.load("1").document
        run = Runs(own.settings, PRODUCT.name).open(document.criteria, pipeline_of(own))
        saved = Saved(folder, sha256(content), len(content))
        assert document.model is not None
        document = document.model_copy(
            update={
                "run_id": run.id,
                "model": document.model.model_copy(update={"digest": saved.digest}),
            }
        )
        document = says(document)
        models.runs.record(run, document, scorecard_html="", scorecard_markdown="")
        return models.register(document, saved, scorecard_markdown="")

    return register


def differs(own: TrialProduct, capsys: pytest.CaptureFixture[str], version: str) -> str:
    """All that ``verify`` prints: without ``--measure`` nothing is found, with it the version is
    not verified, and the champion stays.
    """
    before = own.standing()
    assert main(["verify", version]) == 0
    code, printed = verified(capsys, version)
    assert code == 3, printed
    assert own.standing() == before
    return printed


def test_a_bad_model_with_copied_measurements_is_found(
    own: TrialProduct, forged: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def bad_model(folder: Path) -> None:
        rows = source_rows(own).drop_duplicates(KEY).dropna()
        shuffled = rows[TARGET].sample(frac=1, random_state=3).to_numpy()
        features = rows[list(COLUMNS.inputs)]
        encoded = COLUMNS.encoded_target(rows.assign(**{TARGET: shuffled}))
        candidate = next(c for c in PRODUCT.candidates)
        model = candidate.build(COLUMNS, 7).fit(features, encoded)
        made = save(model, folder.parent / "bad", features=features, training_rows=np.zeros(1))
        shutil.copy(made.path / "model.skops", folder / "model.skops")

    printed = differs(own, capsys, forged(bad_model))
    primary = own.read("product/success_criteria.yaml")["primary"]
    assert f"\n  {primary} is " in printed
    assert " in the document, and " in printed


def test_a_measurement_that_was_improved_is_found(
    own: TrialProduct, forged: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = []

    def better(document: Document) -> Document:
        measurements = list(document.measurements)
        # Not one that a criterion uses: the verdict stays the same.
        used = {result.criterion.metric for result in document.verdict.results}
        place = next(
            n
            for n, m in enumerate(measurements)
            if m.metric not in used and m.versus is None and m.support and m.value
        )
        changed.append(measurements[place].metric)
        measurements[place] = measurements[place].model_copy(
            update={"value": measurements[place].value * 1.01}
        )
        return document.model_copy(update={"measurements": tuple(measurements)})

    printed = differs(own, capsys, forged(says=better))
    assert f"1 of {again(own).compared} comparisons differ" in printed
    assert f"\n  {changed[0]} " in printed


def test_a_holdout_that_the_policy_does_not_choose_is_found(
    own: TrialProduct, forged: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def other_holdout(folder: Path) -> None:
        rows = RecordedRows.from_bytes((folder / RECORDED_FILE).read_bytes())
        swapped = RecordedRows(rows.identities, rows.contents, ~rows.held_out)
        (folder / RECORDED_FILE).write_bytes(swapped.to_bytes())

    assert "on the other side than recorded" in differs(own, capsys, forged(other_holdout))


def test_training_rows_that_were_replaced_are_found(
    own: TrialProduct, forged: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With fewer training rows, a model that was trained on holdout rows would look clean."""

    def none(folder: Path) -> None:
        np.save(folder / "training_rows.npy", np.zeros(1, dtype=np.uint64))

    assert "training_rows.npy differs from the training side in" in differs(
        own, capsys, forged(none)
    )


def test_rows_that_were_left_out_are_found(
    own: TrialProduct, forged: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def fewer(folder: Path) -> None:
        rows = RecordedRows.from_bytes((folder / RECORDED_FILE).read_bytes())
        kept = np.arange(len(rows)) % 10 != 0
        cut = RecordedRows(rows.identities[kept], rows.contents[kept], rows.held_out[kept])
        (folder / RECORDED_FILE).write_bytes(cut.to_bytes())

    printed = differs(own, capsys, forged(fewer))
    assert "the recorded rows are not those whose digest the document has" in printed
    assert "other rows that the training did not use" in printed


def test_recorded_rows_that_were_replaced_are_refused(
    own: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    models = own.releases.models
    models.client.set_model_version_tag(models.name, "1", "recorded_rows_digest", "0" * 64)
    code, printed = verified(capsys, "1")
    assert code == 3
    assert "recorded_rows.npy of version 1 has the sha256" in printed


# --- use --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [None, "decision.json", "nonsense"])
def test_only_a_version_can_be_measured(
    own: TrialProduct, capsys: pytest.CaptureFixture[str], what: str | None
) -> None:
    (own.root / "decision.json").write_text("{}")
    code, printed = verified(capsys, *([what] if what else []))
    assert code == 2
    assert f"--measure: {what or 'no version was given'} – expected the number of one" in printed
