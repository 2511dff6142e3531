"""A product of 0.2.0 under this engine: its models are loaded, verified, served and rolled back to.

``fixtures/product-0.2.0-<kit>.tar.xz`` is ``var/`` of a product baked from commit 45a7db6, written
by its own commands: two champions in turn, a scored day, its labels and one monitoring run.
"""

import importlib
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from mlproduct import Product
from mlproduct.config.settings import Settings
from mlproduct.estimators import Calibrated, PredictionIntervals
from mlproduct.log.decision_log import DecisionLog
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.registry.releases import Releases
from mlproduct.service.app import app_of
from mlproduct.service.options import ServiceSettings
from mlproduct.service.server import service_of

from ..databases import whole
from ..team import make_project

FIXTURES = Path(__file__).parents[1] / "fixtures"
OURS = {"churn": Calibrated, "price": PredictionIntervals}


@pytest.fixture(params=["churn", "price"])
def kit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(kit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of the product of 0.2.0, with the file that 0.3.0 requires to be added
    by hand.
    """
    make_project(tmp_path, kit, f"product_of_{kit}")
    with tarfile.open(FIXTURES / f"product-0.2.0-{kit}.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    (tmp_path / "config" / "product.yaml").write_text("name: churn-radar\ntitle: Churn Radar\n")
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    return Settings.from_environment()


@pytest.fixture
def product(kit: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    monkeypatch.syspath_prepend(str(settings.root / "src"))
    package = f"product_of_{kit}"
    yield importlib.import_module(f"{package}.product").product
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    shutil.rmtree(settings.root, ignore_errors=True)


def test_both_versions_load_with_the_estimator_classes_of_their_files(
    kit: str, product: Product, settings: Settings
) -> None:
    releases = Releases(settings, product.name)
    assert releases.champion() == "2"
    for version in ("1", "2"):
        assert releases.verify(version) == ()
        loaded = releases.models.load(version)
        assert OURS[kit] in {type(part) for part in parts_of(loaded.model)}


def parts_of(model: object) -> Iterator[object]:
    """The estimator and the estimators inside it."""
    yield model
    for name in ("estimator", "estimator_", "classifier", "classifier_", "regressor"):
        if (inner := getattr(model, name, None)) is not None:
            yield from parts_of(inner)


def test_the_model_and_the_service_predict_what_0_2_0_logged(
    product: Product, settings: Settings
) -> None:
    """The rows of the scored day get the predictions that 0.2.0 recorded."""
    releases = Releases(settings, product.name)
    log = PredictionLog(settings.database_url)
    (day,) = log.partitions()
    logged = whole(log, day.day, day.day)
    folder = settings.var / "predictions"
    import pandas as pd

    rows = pd.concat([pd.read_parquet(folder / name) for name in sorted(set(logged["file"]))])
    model = releases.models.load(day.version).model
    features = rows[list(product.feature_columns.features)]
    predicted = model.predict(features)
    assert np.allclose(predicted.astype(float), rows["prediction_decision"].astype(float))
    with TestClient(app_of(service_of(product, settings, service_settings()))) as client:
        inputs = features.head(20).astype(object).where(features.head(20).notna(), None)
        keys = [f"k{number}" for number in range(20)]
        payload = [
            {**row, product.columns.key: key}
            for row, key in zip(inputs.to_dict("records"), keys, strict=True)
        ]
        while client.get("/health/ready").status_code != 200:
            pass
        response = client.post("/predict", json={"rows": payload}).json()
    assert response["model"]["version"] == day.version
    assert np.allclose(
        [each["decision"] for each in response["predictions"]],
        rows["prediction_decision"].head(20).astype(float),
    )


def service_settings() -> ServiceSettings:
    return ServiceSettings.from_environment("127.0.0.1", 0, {"SERVICE_DRAIN_SECONDS": "0"})


def test_the_product_can_be_rolled_back_and_its_logs_are_complete(
    product: Product, settings: Settings
) -> None:
    releases = Releases(settings, product.name)
    releases.rollback(by="Ada", because="The second is worse.")
    assert (releases.champion(), releases.models.alias("champion")) == ("1", "1")
    assert [entry.action for entry in releases.audit_log.read().entries] == [
        "approve",
        "approve",
        "rollback",
    ]
    (day,) = PredictionLog(settings.database_url).partitions()
    assert day.rows > 300
    (covered,) = PredictionLog(settings.database_url).coverage(day.day, day.day)
    assert covered.labelled > 300
    assert len(DecisionLog(settings.database_url).decisions()) == 1
