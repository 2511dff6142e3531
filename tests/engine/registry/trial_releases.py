"""A product to decide on in tests: a registry, a small model, and documents with a chosen
verdict.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlproduct.config.settings import Pipeline, Settings
from mlproduct.gate.criteria import (
    ALWAYS,
    ALWAYS_DATA,
    Criteria,
    Criterion,
    Interval,
    Measurement,
    criteria_digest,
)
from mlproduct.gate.document import (
    CandidateRow,
    ChampionReference,
    DataSummary,
    Document,
    ModelSummary,
    Plots,
)
from mlproduct.gate.judge import judge
from mlproduct.registry.audit_log import AuditTrail
from mlproduct.registry.releases import Releases
from mlproduct.registry.runs import Run
from mlproduct.registry.versions import Saved

TODAY = date(2026, 11, 24)
PIPELINE = Pipeline.model_validate(
    {
        "source": {"path": "data/*.parquet"},
        "split": {"by": "time", "holdout": 0.2},
        "search": {"trials": 2},
    }
)


def rows(count: int = 201) -> pd.DataFrame:
    random = np.random.default_rng(7)
    tenure = random.normal(24, 6, count)
    tenure[3] = np.nan
    return pd.DataFrame({"plan": random.choice(["basic", "plus"], count), "tenure": tenure})


def fitted(seed: int = 7) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline as Steps
    from sklearn.preprocessing import OneHotEncoder

    prepare = ColumnTransformer(
        [("text", OneHotEncoder(), ["plan"]), ("numbers", SimpleImputer(), ["tenure"])]
    )
    labels = np.random.default_rng(seed).integers(0, 2, len(rows()))
    return Steps([("prepare", prepare), ("model", LogisticRegression())]).fit(rows(), labels)


def criteria(**changes: Any) -> Criteria:
    recall = {
        "id": "catch",
        "says": "We catch them.",
        "why": "It pays.",
        "metric": "recall",
        "at_least": 0.6,
    }
    quick = {
        "id": "quick",
        "says": "It is quick.",
        "why": "They wait.",
        "metric": "latency_p95_ms",
        "at_most": 50,
    }
    whole = {
        "decision": "Whom do we call?",
        "owner": {"name": "Retention", "contact": "retention@example.com"},
        "review_by": "2027-06-30",
        "primary": "recall",
        "criteria": [recall, quick | {"level": "should"}],
    }
    return Criteria.model_validate(whole | changes)


def measurement(metric: str, value: float, reach: float = 0.0) -> Measurement:
    around = Interval(low=value - reach, high=value + reach)
    return Measurement(metric=metric, value=value, intervals=(around,), rows=1000, support=300)


def passing(criterion: Criterion) -> Measurement:
    return measurement(
        criterion.metric, criterion.bar + (0.5 if criterion.at_least is not None else 0)
    )


RECALL = {"ready": (0.7, 0.05), "blocked": (0.5, 0.05), "needs review": (0.6, 0.05)}


@dataclass
class Trial:
    """The registry of one product and one saved model, as a training would use them."""

    settings: Settings
    product: str
    saved: Saved
    releases: Releases = field(init=False)

    def __post_init__(self) -> None:
        self.releases = Releases(self.settings, self.product)

    @property
    def champion(self) -> str | None:
        assert self.releases.models.alias("champion") == self.releases.champion()
        return self.releases.champion()

    @property
    def trail(self) -> AuditTrail:
        return self.releases.audit_log.read()

    def document(
        self, run: Run, wanted: str = "ready", *, latency: float = 10, **changes: Any
    ) -> Document:
        wanted_criteria = changes.pop("criteria", None) or criteria()
        champion = self.trail.current
        built_in = tuple(passing(each) for each in ALWAYS)
        measured = (
            measurement("recall", *RECALL[wanted]),
            measurement("latency_p95_ms", latency),
            *built_in,
        )
        of_data = tuple(passing(each) for each in ALWAYS_DATA)
        previous = wanted_criteria if champion else None
        trials = (CandidateRow(candidate="linear", parameters={"C": 1.0}, score=0.7, seconds=0.1),)
        whole: dict[str, Any] = {
            "product": self.product,
            "run_id": run.id,
            "created": datetime(2026, 11, 24, 14, 5, tzinfo=UTC),
            "judged_on": TODAY,
            "commit": None,
            "criteria": wanted_criteria,
            "criteria_digest": criteria_digest(wanted_criteria),
            "previous_criteria": previous,
            "data": DataSummary(source="data/*.parquet", digest="d" * 64, rows=1000, rejected=2),
            "model": ModelSummary(
                candidate="linear", parameters={}, digest=self.saved.digest, task="classification"
            ),
            "champion": ChampionReference(version=champion.version, digest=champion.model_digest)
            if champion
            else None,
            "data_measurements": of_data,
            "measurements": measured,
            "data_verdict": judge(of_data, wanted_criteria, on=TODAY, of="data"),
            "verdict": judge(measured, wanted_criteria, on=TODAY, previous=previous),
            "exhibits": Plots(primary="recall", candidates=trials),
            "rules": 2,
        }
        return Document(**whole | changes)

    def recorded(self, wanted: str = "ready", **changes: Any) -> Document:
        """The document of a completed training."""
        run = self.releases.models.runs.open(changes.get("criteria") or criteria(), PIPELINE)
        document = self.document(run, wanted, **changes)
        self.releases.models.runs.record(
            run, document, scorecard_html="<p>seen</p>", scorecard_markdown="# seen"
        )
        return document

    def trained(self, wanted: str = "ready", **changes: Any) -> str:
        """The registered version of a completed training."""
        document = self.recorded(wanted, **changes)
        return self.releases.models.register(document, self.saved, scorecard_markdown="# seen")

    def approve(self, version: str, **changes: Any) -> None:
        self.releases.approve(version, **{"by": "Ada", "because": "It pays."} | changes)


def settings_in(root: Path) -> Settings:
    (root / "product").mkdir(parents=True)
    (root / "product" / "success_criteria.yaml").write_text(
        "decision: Whom do we call?\n", encoding="utf-8"
    )
    return Settings.from_environment({"PRODUCT_ROOT": str(root)})
