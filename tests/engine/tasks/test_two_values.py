"""A binary target with the values yes and no, from training to the service."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from fastapi.testclient import TestClient
from mlproduct.errors import ConfigError, InvalidData
from mlproduct.problems import BinaryClassification
from mlproduct.product import Candidate, Product
from mlproduct.service.app import app_of
from mlproduct.service.options import ServiceSettings
from mlproduct.service.server import service_of
from mlproduct.tasks.labelling import label_context, record_labels
from mlproduct.tasks.monitoring import monitoring_context, monitoring_report
from mlproduct.testing import TrialProduct, make_trial
from mlproduct.training.preprocess import preprocess
from pandera.typing import Series
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from trial_radar import flows

from ..products import DAY, in_log, settings, with_operations
from ..team import PRODUCT, PROJECT, main

SERVICE = ServiceSettings.from_environment("127.0.0.1", 0, {})


class Features(pa.DataFrameModel):
    k: Series[str] = pa.Field(metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
    a: Series[float] = pa.Field(metadata={"role": "feature"})
    b: Series[float] = pa.Field(metadata={"role": "feature"})


def labelled(values: list[Any], dtype: Any = str, **metadata: Any) -> Any:
    class Labelled(Features):
        left: Series[dtype] = pa.Field(isin=values, metadata={"role": "target", **metadata})

    return Labelled


def build(columns: Any, seed: int) -> Any:
    return make_pipeline(preprocess(columns), LogisticRegression())


def product_of(schema: Any) -> Product:
    return replace(
        PRODUCT,
        problem=BinaryClassification(),
        features=Features,
        labelled=schema,
        candidates=(Candidate("linear", "weights", build),),
        rule=lambda features: np.where(features["a"] > 0, "yes", "no"),
        sample=None,
    )


YES_OR_NO = product_of(labelled(["yes", "no"], positive="yes"))


def rows(count: int, seed: int, day: Any = None) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, count))
    days = pd.Timestamp(DAY) - pd.to_timedelta(random.integers(1, 300, count), unit="D")
    keys = [f"s{seed}-{number}" for number in range(count)]
    left = np.where(a + b + 0.5 * random.normal(size=count) > 0.5, "yes", "no")
    at = days if day is None else pd.Timestamp(day)
    return pd.DataFrame({"k": keys, "at": at, "a": a, "b": b, "left": left})


def used(product: Product, patch: pytest.MonkeyPatch, root: Path) -> TrialProduct:
    for module in ("product", "flows"):
        patch.setattr(f"trial_radar.{module}.product", product)
    patch.setenv("PRODUCT_ROOT", str(root))
    patch.chdir(root)
    made = with_operations(make_trial(root, PROJECT, product, flows))
    content = made.read("product/success_criteria.yaml")
    value = {"currency": "EUR", "true_positive": 10, "false_positive": -5}
    made.write("product/success_criteria.yaml", content | {"value": value})
    return made


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: None
) -> Iterator[TrialProduct]:
    with pytest.MonkeyPatch.context() as patch:
        made = used(YES_OR_NO, patch, tmp_path_factory.mktemp("yes-or-no"))
        made.save(rows(4_000, seed=1), "data/rows.parquet")
        registered = made.train()
        assert registered.document.decision.is_ready, registered.document.verdict.reasons
        made.releases.approve(registered.version, by="Ada", because="It beats the rule.")
        yield made


def test_predictions_labels_and_live_criteria_use_the_values_of_the_schema(
    product: TrialProduct,
) -> None:
    frame = rows(700, seed=5, day=DAY)
    scoring = product.read("config/scoring.yaml")
    path = product.save(frame.drop(columns="left"), f"var/sample/scoring/{DAY}.parquet")
    product.write("config/scoring.yaml", {**scoring, "source": {**scoring["source"], "path": path}})
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    batch = in_log(DAY, DAY).set_index("key")
    assert set(batch["decision"]) == {0.0, 1.0}
    (part,) = (product.root / "var" / "predictions").rglob("part-*.parquet")
    written = pd.read_parquet(part, partitioning=None).set_index("k")["prediction_decision"]
    assert (written == np.where(batch.loc[written.index, "decision"] == 1, "yes", "no")).all()
    sent = frame.head(20).drop(columns="left").assign(at=lambda f: f["at"].astype("str"))
    with TestClient(app_of(service_of(YES_OR_NO, settings(), SERVICE))) as client:
        answer = client.post("/predict", json={"rows": sent.to_dict("records")}).json()
    assert {each["key"]: each["decision"] for each in answer["predictions"]} == written.loc[
        sent["k"]
    ].to_dict()

    delivery = record_labels(
        label_context(YES_OR_NO), DAY, product.save(frame[["k", "at", "left"]], "labels.parquet")
    )
    assert delivery is not None
    assert (delivery.new, delivery.rejected) == (700, 0)
    assert set(in_log(DAY, DAY, labelled=True)["outcome"]) == {"yes", "no"}
    report = monitoring_report(monitoring_context(YES_OR_NO, DAY))
    assert report.live is not None
    assert report.live.trust == "confirmed"
    assert set(report.live.labelled["outcome"]) == {0.0, 1.0}
    again = product.train().document
    assert again.data.rows == 4_700  # with the labels of the log


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (labelled(["yes", "no"]), "left has the values yes, no and names no positive one"),
        (labelled(["yes", "no", "maybe"], positive="yes"), "left has the values yes, no, maybe"),
    ],
    ids=["no positive value", "a third value"],
)
def test_doctor_and_train_refuse_another_target_in_one_line(
    schema: Any,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("mlproduct.testing.trial.trial_rows", lambda product: rows(50, 1))
    used(product_of(schema), monkeypatch, tmp_path)
    with pytest.raises(ConfigError, match=message):
        assert product_of(schema).columns.target
    assert main(["train"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert message in line
    assert main(["doctor"]) != 0
    shown = capsys.readouterr()
    assert any(message in line for line in (shown.out + shown.err).splitlines())


def test_a_third_value_that_the_schema_does_not_forbid_is_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: None
) -> None:
    class Numbers(Features):
        left: Series[int] = pa.Field(metadata={"role": "target"})

    table = rows(600, seed=1).assign(left=lambda f: (f["a"] > 0).astype("int64"))
    table.loc[7, "left"] = 2
    monkeypatch.setattr("mlproduct.testing.trial.trial_rows", lambda product: table)
    made = used(product_of(Numbers), monkeypatch, tmp_path)
    with pytest.raises(InvalidData, match="left has the value 2 in 1 of"):
        made.train()
