"""Saving, registering and loading models: what is refused before a model file is opened."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.errors import ConfigError, Refused
from mlproduct.estimators import Calibrated, PredictionIntervals, SoftmaxOfMargins
from mlproduct.gate.judge import judge
from mlproduct.registry import allowed_types
from mlproduct.registry.allowed_types import ALLOWED_TYPES, opened, unreviewed
from mlproduct.registry.model_files import input_example, save
from mlproduct.registry.models import Models
from mlproduct.registry.versions import Saved
from sklearn.base import BaseEstimator, ClassifierMixin

from .trial_releases import Trial, fitted, measurement, rows


def artifact(trial: Trial, version: str, name: str) -> Path:
    return Path(trial.releases.models.find(version).source.removeprefix("file://")) / name


def test_a_saved_model_has_a_signature_and_an_example_without_real_values(saved: Saved) -> None:
    from mlflow.models import Model

    written = Model.load(str(saved.path))
    assert written.signature.inputs.input_names() == ["plan", "tenure"]
    assert written.signature.outputs is not None
    assert saved.bytes == (saved.path / "model.skops").stat().st_size
    example = (saved.path / "input_example.json").read_text()
    assert all(str(each) not in example for each in rows()["tenure"].dropna())


def test_the_input_example_keeps_the_column_types() -> None:
    text = ["b", "b", "a", None]
    frame = pd.DataFrame(
        {"whole": [1, 2, 4, 9], "text": text, "none": [np.nan] * 4, "flag": [True] * 4}
    )
    row = input_example(frame)
    assert row.loc[0, ["whole", "text", "flag"]].tolist() == [3, "b", True]
    assert row.dtypes.equals(frame.dtypes)


def test_save_refuses_an_unreviewed_type_by_name(tmp_path: Path) -> None:
    model = fitted()
    model.named_steps["model"].note = Stranger()
    with pytest.raises(ConfigError, match=r"Stranger.*allowed_types\.py"):
        save(model, tmp_path / "model", features=rows(), training_rows=np.zeros(1))


def test_opened_refuses_an_unreviewed_type() -> None:
    import skops.io

    with pytest.raises(Refused, match="Stranger"):
        opened(skops.io.dumps(Stranger()), "version 1")


def test_a_loaded_model_equals_the_saved_one(trial: Trial) -> None:
    loaded = trial.releases.models.load(trial.trained())
    assert np.array_equal(loaded.model.predict(rows()), fitted().predict(rows()))
    assert (loaded.version, loaded.digest) == ("1", trial.saved.digest)
    assert loaded.training_rows.tolist() == [3, 5, 2**63]


def test_a_ready_version_becomes_the_challenger_and_has_tags_and_a_description(
    trial: Trial,
) -> None:
    version = trial.trained()
    models = trial.releases.models
    assert models.alias("challenger") == version
    found = models.find("challenger")
    assert found.tags["verdict"] == "ready"
    assert found.tags["model_digest"] == trial.saved.digest
    assert models.client.get_model_version(models.name, version).description == "# seen"


def test_a_version_with_warnings_becomes_the_challenger_and_one_to_review_does_not(
    trial: Trial,
) -> None:
    warned, doubtful = trial.trained(latency=90), trial.trained("needs review")
    assert trial.releases.models.find(warned).tags["verdict"] == "ready with warnings"
    assert trial.releases.models.find(doubtful).tags["verdict"] == "needs review"
    assert trial.releases.models.alias("challenger") == warned


def test_a_blocked_model_is_never_registered(trial: Trial) -> None:
    with pytest.raises(Refused, match=r"blocked.*catch"):
        trial.trained("blocked")
    assert trial.releases.models.versions() == ()


def test_a_model_with_a_blocked_data_verdict_is_not_registered(trial: Trial) -> None:
    leaks = (measurement("leaking_features", 1),)
    document = trial.recorded()
    verdict = judge(leaks, document.criteria, on=document.judged_on, of="data")
    changed = document.model_copy(update={"data_measurements": leaks, "data_verdict": verdict})
    with pytest.raises(Refused, match="no-leak"):
        trial.releases.models.register(changed, trial.saved, scorecard_markdown="")


def test_a_verdict_that_contradicts_its_measurements_is_not_registered(trial: Trial) -> None:
    document = trial.recorded()
    changed = document.model_copy(update={"measurements": (measurement("recall", 0.1),)})
    with pytest.raises(Refused, match="computed again it is blocked"):
        trial.releases.models.register(changed, trial.saved, scorecard_markdown="")


def test_a_file_other_than_the_judged_one_is_not_registered(trial: Trial, tmp_path: Path) -> None:
    other = save(fitted(8), tmp_path / "other", features=rows(), training_rows=np.zeros(1))
    with pytest.raises(Refused, match=f"{other.digest} – expected {trial.saved.digest}, as judged"):
        trial.releases.models.register(trial.recorded(), other, scorecard_markdown="")
    with pytest.raises(Refused, match="register the model that was judged"):
        trial.releases.models.register(
            trial.recorded(), replace(other, digest=trial.saved.digest), scorecard_markdown=""
        )


def test_registering_twice_returns_the_same_version(trial: Trial) -> None:
    document = trial.recorded()
    twice = [
        trial.releases.models.register(document, trial.saved, scorecard_markdown="")
        for _ in range(2)
    ]
    assert twice == ["1", "1"]


def test_a_tampered_model_file_is_refused_with_both_digests(trial: Trial) -> None:
    version = trial.trained()
    file = artifact(trial, version, "model.skops")
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(
        Refused, match=rf"has the sha256 \w+ – expected {trial.saved.digest}, as judged"
    ):
        trial.releases.models.load(version)


def test_tampered_training_rows_are_refused(trial: Trial) -> None:
    version = trial.trained()
    np.save(artifact(trial, version, "training_rows.npy"), np.zeros(1, dtype=np.uint64))
    with pytest.raises(Refused, match=r"training_rows\.npy"):
        trial.releases.models.load(version)


def test_a_missing_model_file_is_refused(trial: Trial) -> None:
    version = trial.trained()
    artifact(trial, version, "model.skops").unlink()
    with pytest.raises(Refused, match="is missing"):
        trial.releases.models.load(version)


def test_load_ignores_the_list_of_types_inside_the_model(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = trial.trained()
    monkeypatch.setattr(allowed_types, "ALLOWED_TYPES", ())
    with pytest.raises(Refused, match=r"numpy\.dtype"):
        trial.releases.models.load(version)


def test_an_unknown_version_is_refused_with_the_registered_versions(trial: Trial) -> None:
    models = trial.releases.models
    with pytest.raises(ConfigError, match="registered versions: none yet"):
        models.find("1")
    trial.trained()
    for wanted in ("7", "champion", "nonsense"):
        with pytest.raises(
            ConfigError, match=f"no version {wanted} of {models.name} – registered versions: 1"
        ):
            models.find(wanted)


def test_any_product_name_can_be_registered(trial: Trial) -> None:
    models = Models(trial.settings, "Ada's price/cost: 1 % 日本")
    assert models.versions() == ()
    models._make_sure_of_the_name()
    assert models.versions() == ()


def estimators() -> dict[str, Any]:
    """The estimators that the kits build, constructed in the same way."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
    )
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import FixedThresholdClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    def calibrated(model: Any, curve: Any) -> Any:
        calibrated_model = Calibrated(model, curve.fit([[0.0], [1.0]], [0, 1]))
        return FixedThresholdClassifier(calibrated_model, threshold=0.4)

    def of_logarithm(model: Any) -> Any:
        return TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1)

    return {
        "linear": calibrated(LogisticRegression(), LogisticRegression()),
        "boosting": calibrated(HistGradientBoostingClassifier(max_iter=2), IsotonicRegression()),
        "forest": RandomForestClassifier(2),
        "network": MLPClassifier((2,), max_iter=2),
        "network, plain descent": MLPClassifier((2,), max_iter=2, solver="sgd"),
        "nothing": DummyClassifier(),
        "scaled": StandardScaler(),
        "price, linear": of_logarithm(Ridge()),
        "price, boosting": of_logarithm(HistGradientBoostingRegressor(max_iter=2)),
        "price, median": DummyRegressor(strategy="median"),
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", estimators())
def test_the_types_of_an_estimator_of_the_kits_are_reviewed(name: str) -> None:
    random = np.random.default_rng(7)
    model = estimators()[name].fit(random.normal(size=(60, 2)), random.integers(0, 2, 60))
    assert unreviewed(model) == ()


def test_the_engines_estimators_are_reviewed() -> None:
    from sklearn.linear_model import Ridge

    inputs = np.random.default_rng(7).normal(size=(60, 2))
    assert unreviewed(PredictionIntervals(Ridge()).fit(inputs, inputs[:, 0])) == ()


def test_the_models_of_texts_are_reviewed() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import ComplementNB
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.svm import LinearSVC

    parts = [
        ("words", TfidfVectorizer(dtype=np.float32)),
        ("letters", TfidfVectorizer(analyzer="char")),
    ]
    texts, classes = ["my card", "my parcel", "late parcel"], [0, 1, 2]
    for model in (SoftmaxOfMargins(LinearSVC()), ComplementNB()):
        pipeline = make_pipeline(FeatureUnion(parts, transformer_weights={"words": 0.5}), model)
        assert unreviewed(pipeline.fit(texts, classes)) == ()


def test_the_list_of_allowed_types_contains_nothing_that_runs_code() -> None:
    ours = tuple(
        f"mlproduct.{name}." for name in ("estimators", "feature_estimators", "text_vectors")
    )
    assert all(name.startswith(("sklearn.", "numpy.dtype", *ours)) for name in ALLOWED_TYPES)
    assert not any("pickle" in name or "function" in name.lower() for name in ALLOWED_TYPES)


class Stranger(ClassifierMixin, BaseEstimator):
    """An unreviewed type."""
