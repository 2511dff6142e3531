"""Doubts in a whole training: no model is promoted until a named person has accepted them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.errors import Refused
from mlproduct.gate.criteria import Decision
from mlproduct.registry.model_files import MODEL_FILE
from mlproduct.testing import TrialProduct
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from ..gate_products import COLUMNS, rows, stage

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> TrialProduct:
    """A product with a champion, whose criteria promote a ready model without a person."""
    made = stage(tmp_path_factory.mktemp("doubts"), margin=1e9)
    criteria = made.read("product/success_criteria.yaml")
    made.write("product/success_criteria.yaml", {**criteria, "approval": "automatic"})
    assert made.train().promoted
    return made


def is_a_doubt(trial: TrialProduct, registered: Any, by: str) -> None:
    """Asserts that the version was not promoted, and is promoted once ``by`` is accepted."""
    before = trial.releases.champion()
    assert (registered.document.decision, registered.promoted) == (Decision.REVIEW, False)
    approval = {"by": "a test", "because": "We checked it."}
    with pytest.raises(Refused, match=f"needs review: {by} – accept these risks"):
        trial.releases.approve(registered.version, **approval)
    assert trial.releases.champion() == before
    entry = trial.releases.approve(registered.version, despite=(by,), **approval)
    assert (entry.champion, entry.taken_on) == (registered.version, (by,))


def test_a_candidate_that_reads_the_holdout_from_disk_is_a_doubt(
    trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its training rows are honest, so that only the result can show it."""
    everything = pd.read_parquet(trial.root / "data" / "rows.parquet")
    honest = Pipeline.fit

    def fit(self: Pipeline, features: pd.DataFrame, target: Any, **rest: Any) -> Pipeline:
        self.steps[-1] = ("tree", DecisionTreeClassifier(random_state=0))
        known = everything.dropna(subset=[str(COLUMNS.target)])
        return honest(self, known[list(features.columns)], COLUMNS.encoded_target(known))

    monkeypatch.setattr(Pipeline, "fit", fit)
    is_a_doubt(trial, trial.train(), by="not-too-good")


def test_a_feature_that_agrees_with_most_targets_is_a_doubt(trial: TrialProduct) -> None:
    table = rows(seed=8)
    random = np.random.default_rng(0)
    target = COLUMNS.encoded_target(table)
    seen = np.where(random.uniform(size=len(table)) < 0.03, 1 - target, target)
    name = COLUMNS.numeric[0]
    changed = table.assign(**{name: (1 + seen * 8).astype(table[name].dtype)})
    registered = trial.train(trial.save(changed, "data/doubtful.parquet"))
    (found,) = (m for m in registered.document.data_measurements if m.metric == "doubtful_features")
    assert str(found.note).startswith(f"{name} (0.9")
    is_a_doubt(trial, registered, by="no-doubtful-feature")


def test_bars_that_were_loosened_while_the_champion_cannot_be_loaded_are_a_doubt(
    trial: TrialProduct,
) -> None:
    models = trial.releases.models
    champion = models.find(str(trial.releases.champion()))
    file = Path(champion.source.removeprefix("file://")) / MODEL_FILE
    content, criteria = file.read_bytes(), trial.read("product/success_criteria.yaml")
    kept = [each for each in criteria["criteria"] if each.get("versus") != "champion"]
    assert len(kept) < len(criteria["criteria"])
    file.unlink()
    trial.write("product/success_criteria.yaml", {**criteria, "criteria": kept})
    try:
        registered = trial.train()
        assert registered.document.contradictions() == ()
        is_a_doubt(trial, registered, by="review")
    finally:
        file.write_bytes(content)
        trial.write("product/success_criteria.yaml", criteria)
