"""A product with a feature of every kind, from training to monitoring and the service."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from mlproduct.clock import today
from mlproduct.data.generated_rows import generated_rows
from mlproduct.service.app import app_of
from mlproduct.service.options import ServiceSettings
from mlproduct.service.server import service_of
from mlproduct.tasks.logged_rows import chunks, logbook
from mlproduct.tasks.measured_again import measure_again
from mlproduct.tasks.monitoring import monitoring_context, monitoring_report
from mlproduct.testing import TrialProduct, make_trial
from trial_radar import flows

from .. import all_kinds
from ..products import DAY, in_log, settings, with_operations
from ..team import PRODUCT, PROJECT, main

SERVICE = ServiceSettings.from_environment("127.0.0.1", 0, {})


def act_on_none(features: pd.DataFrame) -> np.ndarray:
    """A rule without knowledge."""
    return np.zeros(len(features))


BINARY = PRODUCT.problem == all_kinds.PROBLEMS["binary"]
OF_KINDS = replace(
    PRODUCT,
    features=all_kinds.Features,
    labelled=all_kinds.Labelled if BINARY else all_kinds.Priced,
    rule=act_on_none,
    sample=None,
)

NAMES = [candidate.name for candidate in OF_KINDS.candidates]


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: None
) -> Iterator[TrialProduct]:
    """A product with a champion that was trained on generated rows."""
    root = tmp_path_factory.mktemp("kinds")
    with pytest.MonkeyPatch.context() as patch:
        for module in ("product", "flows"):
            patch.setattr(f"trial_radar.{module}.product", OF_KINDS)
        patch.setenv("PRODUCT_ROOT", str(root))
        patch.chdir(root)
        made = with_operations(make_trial(root, PROJECT, OF_KINDS, flows))
        pipeline = made.read("config/pipeline.yaml")
        tried = {**pipeline["search"], "trials": len(NAMES), "candidates": NAMES}
        made.write("config/pipeline.yaml", {**pipeline, "search": tried})
        result = made.train()
        made.releases.approve(result.version, by="Ada", because="It is better than nothing.")
        yield made


def rows_of(day: date, rows: int, seed: int) -> pd.DataFrame:
    generated = generated_rows(OF_KINDS, rows, seed=seed, until=day)
    moved = pd.Timestamp(day) - generated["at"]
    return generated.assign(at=pd.Timestamp(day), joined=generated["joined"] + moved)


def scored(product: TrialProduct, seed: int, **changes: Any) -> pd.DataFrame:
    frame = rows_of(DAY, 1_500, seed).drop(columns=OF_KINDS.columns.target).assign(**changes)
    scoring = product.read("config/scoring.yaml")
    path = product.save(frame, f"var/sample/scoring/{DAY}.parquet")
    source = {**scoring["source"], "path": path}
    product.write("config/scoring.yaml", {**scoring, "source": source})
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    return frame


def test_every_candidate_is_trained_and_none_of_the_features_leaks(product: TrialProduct) -> None:
    models = product.releases.models
    champion = product.releases.load_champion()
    assert champion is not None
    shown = champion.document.exhibits
    assert {trial.candidate for trial in shown.candidates} == set(NAMES)
    assert [trial.problem for trial in shown.candidates if trial.problem] == []
    importance = {each.feature: each.mean for each in shown.importance}
    assert set(importance) == set(OF_KINDS.columns.features)
    assert importance["joined"] > 0
    assert importance["note"] > 0
    profile, sample = models.reference(models.find(champion.version))
    assert "note (unknown words)" in profile
    assert "order" not in sample


def test_texts_dates_and_categories_are_measured_again(product: TrialProduct) -> None:
    assert measure_again(OF_KINDS, product.settings, "1").differences == ()


def test_a_batch_is_scored_and_monitored_and_the_service_predicts_the_same(
    product: TrialProduct,
) -> None:
    frame = scored(product, seed=5)
    batch = in_log(DAY, DAY).set_index("key")
    assert len(batch) == len(frame)
    rows = json.loads(frame.head(20).to_json(orient="records", date_format="iso"))
    with TestClient(app_of(service_of(OF_KINDS, settings(), SERVICE))) as client:
        content = client.post("/predict", json={"rows": rows}).json()
    assert content["errors"] == []
    for each in content["predictions"]:
        expected = batch.loc[each["key"], "decision"]
        assert each["decision"] == pytest.approx(expected, rel=1e-9)
    book = logbook(OF_KINDS, settings())
    served = list(chunks(book, DAY, today(), content["model"]["version"]))[-1]
    assert len(served) == 20
    logged = served.set_index("order")[["joined", "note", "at"]].sort_index()
    sent = frame.head(20).set_index("order")[["joined", "note", "at"]].sort_index()
    pd.testing.assert_frame_equal(logged, sent, check_dtype=False)
    report = monitoring_report(monitoring_context(OF_KINDS, DAY))
    watched = {finding.column for finding in report.findings or ()}
    assert {"joined (days)", "note (characters)", "note (unknown words)"} <= watched
    assert report.drifted == ()
    assert main(["monitor", "--day", str(DAY)]) == 0
