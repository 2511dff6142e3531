"""A product on which the gate is tried: the team's own schema, candidates and flow, small data,
strict criteria.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import yaml

from ..config.settings import Settings
from ..data.validation import validate
from ..evaluation.metrics import METRICS
from ..product import Product
from ..registry.releases import Releases
from ..tables import Batch, Validated
from .generated_rows import generated_rows

__all__ = ["ROWS", "TrialProduct", "compared", "make_trial", "trial_rows", "validated"]

ROWS = 6_000
"""Of a training: enough for intervals that tell a model from nothing, and fitted in a moment."""


def trial_rows(product: Product, **knobs: Any) -> pd.DataFrame:
    """Rows of the product's sample.py, or rows generated from its schema where there is none."""
    if product.sample is None:
        return generated_rows(product, ROWS, **knobs)
    return product.sample(rows=ROWS, **knobs)


def validated(product: Product, rows: pd.DataFrame, schema: Any = None) -> Validated:
    """The rows held against the product's labelled schema, or another one; none is too many to
    reject.
    """
    return validate([Batch(rows, "a test", 0)], schema or product.labelled, limit=1.0)


@dataclass(frozen=True)
class TrialProduct:
    """A product's folder, with the team's product and flows, and what a test does with it."""

    root: Path
    product: Product
    flows: ModuleType

    @property
    def settings(self) -> Settings:
        return Settings.from_environment({"PRODUCT_ROOT": str(self.root)})

    @property
    def releases(self) -> Releases:
        return Releases(self.settings, self.product.name)

    def read(self, name: str) -> Any:
        """The content of a YAML file."""
        return yaml.safe_load((self.root / name).read_text(encoding="utf-8"))

    def write(self, name: str, content: Any) -> None:
        """Writes text as it is, and anything else as YAML."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, encoding="utf-8")

    def save(self, rows: pd.DataFrame, name: str) -> str:
        """The rows as a file that ``train`` can be pointed at; its name."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path, index=False)
        return name

    def train(self, source: str | None = None) -> Any:
        """What one run of the team's own training flow came to."""
        from ..tasks.local_runner import run_locally

        with changed_environment({"PRODUCT_ROOT": str(self.root)}):
            return run_locally(self.flows.train, cause="in a test", source=source).result()

    def standing(self) -> tuple[str | None, ...]:
        """The champion by the audit log and by MLflow's alias, and the challenger: what no
        refusal may move.
        """
        releases = self.releases
        models = releases.models
        return releases.champion(), models.alias("champion"), models.alias("challenger")


def compared(primary: str, versus: str, bar: float = 0.0, **more: Any) -> dict[str, Any]:
    """A criterion by which the primary metric has to beat something, or may lose by at most
    ``-bar``.
    """
    side = {"at_least": -bar} if METRICS[primary].better == "higher" else {"at_most": bar}
    words = {
        "id": f"beats-{versus.replace('_', '-')}",
        "says": f"It beats {versus}.",
        "why": "Or why change?",
    }
    return {**words, "metric": primary, "versus": versus, **side, **more}


def make_trial(
    root: Path, project: Path, product: Product, flows: ModuleType, *, margin: float = 0.0
) -> TrialProduct:
    """A product in ``root`` made of the team's own in ``project``.

    Its criteria are to beat doing nothing and, by less than ``margin`` lost, the champion; it is
    trained on ``trial_rows``, with the first candidate alone.
    """
    own, made = TrialProduct(project, product, flows), TrialProduct(root, product, flows)
    criteria = own.read("product/success_criteria.yaml")
    primary = criteria["primary"]
    bars = [compared(primary, "do_nothing"), compared(primary, "champion", margin, if_none="met")]
    made.write(
        "product/success_criteria.yaml",
        {**criteria, "approval": "required", "criteria": bars, "data": [], "waivers": []},
    )
    pipeline = own.read("config/pipeline.yaml")
    pipeline["source"] = {"path": "data/rows.parquet"}
    pipeline["search"] = {
        **pipeline["search"],
        "trials": 1,
        "candidates": [product.candidates[0].name],
    }
    pipeline["evaluation"] = {"resamples": 300, "importance_rows": 200}
    made.write("config/pipeline.yaml", pipeline)
    made.write("config/product.yaml", own.read("config/product.yaml"))
    made.save(trial_rows(product), "data/rows.parquet")
    return made


@contextmanager
def changed_environment(changes: Mapping[str, str]) -> Iterator[None]:
    """The environment variables as given inside, as they were afterwards."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
