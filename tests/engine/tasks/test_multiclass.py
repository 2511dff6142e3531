"""A product with several classes, from training to a new class that it adopts.

Each test runs with text labels and with integer labels, on SQLite and on PostgreSQL.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from fastapi.testclient import TestClient
from mlproduct.errors import InvalidData
from mlproduct.gate.criteria import Outcome
from mlproduct.log.label_log import Delivery
from mlproduct.monitoring.evidently_report import report_pages
from mlproduct.problems import MulticlassClassification
from mlproduct.product import Candidate, Product
from mlproduct.registry.release_checks import doubts
from mlproduct.service.app import app_of
from mlproduct.service.options import ServiceSettings
from mlproduct.service.server import service_of
from mlproduct.tasks import labelling
from mlproduct.tasks.labelling import label_context, record_labels
from mlproduct.tasks.measured_again import measure_again
from mlproduct.tasks.monitoring import decide, monitoring_context, monitoring_report
from mlproduct.tasks.monitoring_report import statements
from mlproduct.testing import TrialProduct, make_trial
from mlproduct.training.preprocess import preprocess
from pandera.typing import Series
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from trial_radar import flows

from ..databases import postgresql
from ..products import DAY, copy_of, in_log, settings, with_database, with_operations, with_registry
from ..team import PRODUCT, PROJECT, main

SERVICE = ServiceSettings.from_environment("127.0.0.1", 0, {})
CLASSES: dict[str, tuple[Any, ...]] = {"text": ("red", "green", "blue"), "integer": (30, 10, 20)}
NEW: dict[str, Any] = {"text": "violet", "integer": 40}
LABELLED = DAY + timedelta(days=3)


class Features(pa.DataFrameModel):
    k: Series[str] = pa.Field(metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
    a: Series[float] = pa.Field(metadata={"role": "feature"})
    b: Series[float] = pa.Field(metadata={"role": "feature"})
    shop: Series[str] = pa.Field(isin=["north", "south"], metadata={"role": "feature"})


def product_of(kind: str, *more: Any) -> Product:
    """The product with the classes of ``kind`` and ``more`` ones."""
    values = (*CLASSES[kind], *more)
    dtype: Any = str if kind == "text" else int

    class Labelled(Features):
        colour: Series[dtype] = pa.Field(isin=list(values), metadata={"role": "target"})

    return replace(
        PRODUCT,
        problem=MulticlassClassification(most_abstained=0.1),
        features=Features,
        labelled=Labelled,
        candidates=(Candidate("linear", "weights", build),),
        rule=lambda features: np.where(features["a"] > 0, values[0], values[1]),
        sample=None,
    )


def build(columns: Any, seed: int) -> Any:
    return make_pipeline(preprocess(columns), LogisticRegression(max_iter=500))


def rows(kind: str, count: int, seed: int, day: pd.Timestamp | None = None) -> pd.DataFrame:
    """Rows whose class follows from ``a`` and ``b``; a fourth part could be of the new class."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, count))
    places = np.where(a + 0.4 * random.normal(size=count) > 0, 0, np.where(b > 0.3, 1, 2))
    days = pd.Timestamp(DAY) - pd.to_timedelta(random.integers(1, 300, count), unit="D")
    frame = pd.DataFrame(
        {
            "k": [f"s{seed}-{number}" for number in range(count)],
            "at": days if day is None else pd.Timestamp(day),
            "a": a,
            "b": b,
            "shop": random.choice(["north", "south"], count),
            "colour": np.array(CLASSES[kind], dtype=object)[places],
        }
    )
    return frame.assign(colour=frame["colour"].astype("str" if kind == "text" else "int64"))


CRITERIA = [
    {"metric": "macro_f1", "at_least": 0.6},
    {"metric": "recall", "by_class": True, "at_least": 0.5},
    {"metric": "abstained_share", "at_most": 0.25},
    {"metric": "accuracy", "by": "shop", "gap_at_most": 0.2},
    {"metric": "value_per_1000", "versus": "rule", "at_least": 0},
]


@pytest.fixture(scope="module", params=CLASSES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def trained(
    kind: str, tmp_path_factory: pytest.TempPathFactory, prefect_server: None
) -> Iterator[TrialProduct]:
    """A product with version 1 as the champion; tests copy it."""
    root = tmp_path_factory.mktemp(f"classes-{kind}")
    with pytest.MonkeyPatch.context() as patch:
        used(product_of(kind), patch)
        patch.setenv("PRODUCT_ROOT", str(root))
        patch.chdir(root)
        made = with_operations(make_trial(root, PROJECT, product_of(kind), flows))
        content = made.read("product/success_criteria.yaml")
        named = [
            {"id": f"criterion-{place}", "says": "It is good.", "why": "Or why use it?", **each}
            for place, each in enumerate(CRITERIA)
        ]
        first, other = CLASSES[kind][:2]
        value = {"currency": "EUR", "right": 2, "wrong": -4, "person": -1}
        content |= {"primary": "value_per_1000", "criteria": named}
        content["value"] = {**value, "matrix": {first: {other: -6}}}
        made.write("product/success_criteria.yaml", content)
        made.save(rows(kind, 4_000, seed=1), "data/rows.parquet")
        registered = made.train()
        assert registered.document.decision.is_ready, registered.document.verdict.reasons
        made.releases.approve(registered.version, by="Ada", because="It is better than the rule.")
        yield made


def used(product: Product, patch: pytest.MonkeyPatch) -> None:
    for module in ("product", "flows"):
        patch.setattr(f"trial_radar.{module}.product", product)


@pytest.fixture(params=["sqlite", "postgresql"])
def product(
    request: pytest.FixtureRequest,
    kind: str,
    trained: TrialProduct,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TrialProduct]:
    used(product_of(kind), monkeypatch)
    noon = datetime.combine(LABELLED, time(12), UTC)
    monkeypatch.setattr(labelling, "now", lambda: noon)
    copied = with_registry(copy_of(trained, tmp_path, monkeypatch), trained, monkeypatch)
    found = replace(copied, product=product_of(kind))
    found.save(rows(kind, 4_000, seed=1), "data/rows.parquet")
    if request.param == "sqlite":
        yield found
    else:
        with postgresql("classes") as url:
            yield with_database(found, url, monkeypatch)


def scored(product: TrialProduct, kind: str, seed: int = 5, count: int = 800) -> pd.DataFrame:
    frame = rows(kind, count, seed, DAY)
    product.save(frame.drop(columns="colour"), f"var/sample/scoring/{DAY}.parquet")
    scoring = product.read("config/scoring.yaml")
    source = {**scoring["source"], "path": "var/sample/scoring/{day}.parquet"}
    product.write("config/scoring.yaml", {**scoring, "source": source})
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    return frame


def delivered(product: TrialProduct, frame: pd.DataFrame) -> Delivery:
    path = product.save(frame[["k", "at", "colour"]], "labels.parquet")
    delivery = record_labels(label_context(product.product), LABELLED, path)
    assert delivery is not None
    return delivery


def test_the_verdict_names_the_classes_and_each_criterion_is_met(
    product: TrialProduct, kind: str
) -> None:
    champion = product.releases.load_champion()
    assert champion is not None
    document, model = champion.document, champion.document.model
    assert model is not None
    assert model.classes == tuple(map(str, CLASSES[kind]))
    assert model.threshold is not None
    assert model.threshold > 0
    assert all(result.outcome is Outcome.MET for result in document.verdict.results)
    by_class = next(r for r in document.verdict.results if r.criterion.by_class)
    assert {each.slice for each in by_class.slices} == set(model.classes)
    counts = np.array(document.exhibits.confusion)
    assert counts.sum() == document.data.holdout_rows
    assert product.releases.verify(champion.version) == ()
    again = measure_again(product.product, product.settings, champion.version)
    assert again.differences == ()


def test_batch_and_service_return_the_same_class_or_need_a_person(
    product: TrialProduct, kind: str
) -> None:
    frame = scored(product, kind)
    batch = in_log(DAY, DAY).set_index("key")
    (part,) = (product.root / "var" / "predictions").rglob("part-*.parquet")
    written = pd.read_parquet(part, partitioning=None).set_index("k")
    asked = written["prediction_needs_person"]
    assert 0 < asked.mean() < 0.3
    assert written.loc[asked, "prediction_decision"].isna().all()
    codes = batch.loc[written.index[~asked], "decision"].astype(int)
    decided = written.loc[~asked, "prediction_decision"].tolist()
    assert decided == [CLASSES[kind][code] for code in codes]
    service = service_of(product.product, settings(), SERVICE)
    sent = frame.head(40).drop(columns="colour").assign(at=lambda f: f["at"].astype("str"))
    body = {"rows": sent.to_dict("records")}
    with TestClient(app_of(service)) as client:
        answer = client.post("/predict", json=body).json()
        once, again = (
            client.post("/predict", json=body, headers={"Idempotency-Key": "one"}).json()
            for _ in range(2)
        )
        described = client.get("/openapi.json").json()
    assert answer["errors"] == []
    fields = described["paths"]["/predict"]["post"]["responses"]["200"]["content"]
    decision = fields["application/json"]["schema"]["properties"]["predictions"]["items"]
    assert decision["properties"]["decision"]["enum"] == [*CLASSES[kind], None]
    for each in answer["predictions"]:
        assert each["needs_person"] == asked[each["key"]]
        assert each["decision"] == (
            None if each["needs_person"] else written["prediction_decision"][each["key"]]
        )
        assert sum(each["probabilities"].values()) == pytest.approx(1)
        assert list(each["probabilities"]) == list(map(str, CLASSES[kind]))
        assert each["score"] == max(each["probabilities"].values())
    for each, other in zip(once["predictions"], again["predictions"], strict=True):
        assert each["decision"] == other["decision"]
        assert each["probabilities"] == pytest.approx(other["probabilities"], abs=1e-8)


def test_labels_confirm_the_criteria_live(product: TrialProduct, kind: str) -> None:
    delivery = delivered(product, scored(product, kind))
    assert (delivery.new, delivery.unmatched, delivery.unseen) == (800, 0, None)
    report = monitoring_report(monitoring_context(product.product, LABELLED))
    assert report.problem is None
    assert report.live is not None
    assert report.live.trust == "confirmed"
    outcomes = {r.criterion.id: r.outcome for r in report.live.verdict.results}
    assert set(outcomes.values()) == {Outcome.MET}
    assert len(outcomes) == len(CRITERIA)
    assert report.unseen is None
    pages = report_pages(
        monitoring_context(product.product, LABELLED).reference_rows,
        report.sample,
        product.product.columns,
        report.live.labelled,
    )
    assert str(CLASSES[kind][0]) in pages["performance.html"]
    assert main(["monitor", "--day", str(LABELLED)]) == 0


def test_a_new_class_is_quarantined_reported_and_adopted(
    product: TrialProduct,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    frame = scored(product, kind)
    new = frame["b"] > 0.8  # every fifth row is of a class that no one has seen before
    delivery = delivered(product, frame.assign(colour=frame["colour"].where(~new, NEW[kind])))
    count = int(new.sum())
    assert count > 100
    assert delivery.unseen == {str(NEW[kind]): count}
    assert (delivery.new, delivery.rejected) == (800 - count, count)
    report = monitoring_report(context := monitoring_context(product.product, LABELLED))
    assert report.unseen is not None
    assert report.unseen.alarm
    assert any(f"list: {NEW[kind]} ({count})" in sentence for *_, sentence in statements(report))
    assert "schemas.py does not list" in decide(context, report).sentence
    run = f"labels-{LABELLED}"
    assert main(["quarantine", "replay", run]) == 0  # nothing changes without the class
    assert f"0 rows pass now and are recorded as labels; {count}" in capsys.readouterr().out

    wider = product_of(kind, NEW[kind])
    used(wider, monkeypatch)
    adopting = replace(product, product=wider)
    assert main(["quarantine", "replay", run]) == 0
    assert f"{count} rows pass now and are recorded as labels; 0" in capsys.readouterr().out
    labelled = in_log(DAY, DAY, labelled=True)
    assert (labelled["outcome"] == NEW[kind]).sum() == count
    assert monitoring_report(monitoring_context(wider, LABELLED)).unseen is None
    source = rows(kind, 4_000, seed=2)
    of_class = source["colour"].where(source["b"] <= 0.8, NEW[kind])
    adopting.save(source.assign(colour=of_class), "data/rows.parquet")
    registered = adopting.train()
    model = registered.document.model
    assert model is not None
    assert model.classes == tuple(map(str, (*CLASSES[kind], NEW[kind])))
    assert registered.version == "2", registered.document.verdict.reasons
    # The champion does not know the class; both are compared on the same rows.
    versus = [m for m in registered.document.measurements if m.versus == "champion"]
    assert {m.problem for m in versus} == {None}

    adopting.releases.approve(
        "2", by="Ada", because="A new class.", despite=doubts(registered.document)
    )
    later = rows(kind, 300, 9, DAY)
    product.save(later.drop(columns="colour"), f"var/sample/scoring/{DAY}.parquet")
    assert main(["score", "--day", str(DAY + timedelta(days=1)), "--no-shadow"]) != 0  # no file
    assert adopting.releases.verify("1") == adopting.releases.verify("2") == ()
    adopting.releases.rollback(by="Ada", because="A trial.")
    assert adopting.releases.champion() == "1"
    service = service_of(wider, settings(), SERVICE)
    with TestClient(app_of(service)) as client:
        sent = later.head(5).drop(columns="colour").assign(at=lambda f: f["at"].astype("str"))
        answer = client.post("/predict", json={"rows": sent.to_dict("records")}).json()
    assert answer["model"]["version"] == "1"
    assert set(answer["predictions"][0]["probabilities"]) == set(map(str, CLASSES[kind]))


def test_the_wrong_file_is_still_refused(product: TrialProduct, kind: str) -> None:
    frame = scored(product, kind)
    with pytest.raises(InvalidData, match="break the schema"):
        delivered(product, frame.assign(colour=NEW[kind]))
    assert in_log(DAY, DAY)["outcome"].isna().all()
