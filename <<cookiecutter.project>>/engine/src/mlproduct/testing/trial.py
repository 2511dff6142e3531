"""A product for tests of the gate: the team's schema, candidates and flow, with little data and
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
from ..data.generated_rows import generated_rows
from ..data.validation import validate
from ..problems import Metric
from ..product import Product
from ..registry.releases import Releases
from ..tables import Batch, Validated

__all__ = ["ROWS", "TrialProduct", "compared", "make_trial", "trial_rows", "validated"]

# Rows of a training: enough for intervals that separate a model from doing nothing, and few enough
# to fit a model in a moment.
ROWS = 6_000


def trial_rows(product: Product, rows: int = ROWS, **knobs: Any) -> pd.DataFrame:
    """Rows of the product's sample.py, or rows generated from its schema if it has none."""
    if product.sample is None:
        return generated_rows(product, rows, **knobs)
    return product.sample(rows=rows, **knobs)


def validated(product: Product, rows: pd.DataFrame, schema: Any = None) -> Validated:
    """The rows, validated against ``schema`` or the product's labelled schema.

    There is no limit on the share of rejected rows.
    """
    return validate([Batch(rows, "a test", 0)], schema or product.labelled, limit=1.0)


@dataclass(frozen=True)
class TrialProduct:
    """A product's folder with the team's product and flows, and the actions of a test on it."""

    root: Path
    product: Product
    flows: ModuleType

    @property
    def settings(self) -> Settings:
        """The settings of this folder, without the variables of the environment."""
        return Settings.from_environment({"PRODUCT_ROOT": str(self.root)})

    @property
    def releases(self) -> Releases:
        """The champion of this product and the decisions about it."""
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
        """Writes the rows as Parquet and returns ``name``, the source to give to ``train``."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path, index=False)
        return name

    def train(self, source: str | None = None) -> Any:
        """The result of one run of the team's training flow."""
        from ..tasks.local_runner import run_locally

        with changed_environment({"PRODUCT_ROOT": str(self.root)}):
            return run_locally(self.flows.train, cause="in a test", source=source).result()

    def standing(self) -> tuple[str | None, ...]:
        """The champion by the audit log, the champion by MLflow's alias, and the challenger.

        A refusal must change none of them.
        """
        releases = self.releases
        models = releases.models
        return releases.champion(), models.alias("champion"), models.alias("challenger")


def compared(metric: Metric, versus: str, bar: float = 0.0, **more: Any) -> dict[str, Any]:
    """A criterion that compares ``metric`` with ``versus``.

    With ``bar`` 0 the metric has to be better; otherwise it may be worse by less than ``bar``.
    """
    side = {"at_least": -bar} if metric.better == "higher" else {"at_most": bar}
    words = {
        "id": f"beats-{versus.replace('_', '-')}",
        "says": f"It beats {versus}.",
        "why": "Or why change?",
    }
    return {**words, "metric": metric.name, "versus": versus, **side, **more}


def make_trial(
    root: Path, project: Path, product: Product, flows: ModuleType, *, margin: float = 0.0
) -> TrialProduct:
    """A product in ``root``, made from the team's product in ``project``.

    Its criteria: a model has to beat doing nothing, and must not be worse than the champion by
    ``margin`` or more. It is trained on ``trial_rows`` with the first candidate only.
    """
    own, made = TrialProduct(project, product, flows), TrialProduct(root, product, flows)
    criteria = own.read("product/success_criteria.yaml")
    primary = product.problem.metrics[criteria["primary"]]
    # if_none: the first model has no champion. Approval is required, so that no ready version of a
    # test replaces the champion.
    bars = [compared(primary, "do_nothing"), compared(primary, "champion", margin, if_none="met")]
    # Without approvers, because the tests decide as "a test".
    own_lists: dict[str, Any] = {"approvers": [], "data": [], "waivers": []}
    criteria = {name: each for name, each in criteria.items() if name != "draft"}
    made.write(
        "product/success_criteria.yaml",
        {**criteria, "approval": "required", "criteria": bars, **own_lists},
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
    """Sets the environment variables inside the context, and restores them afterwards."""
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
