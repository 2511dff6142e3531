"""The configuration of the demo for a product that reads its own data.

The rows of the demo are generated from the schema, and neither the product's sources nor its bars
are for them. The demo's copy of the configuration therefore has sources under ``var/sample/`` and
two criteria: a bar that only a model of unchanged rows meets, and better than the champion.
"""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ..cli.data_verbs import sample_path
from ..cli.project import Project
from ..config.settings import Settings
from ..data.generated_rows import generated_rows
from ..errors import ConfigError
from ..gate.criteria import read_criteria
from ..problems import OutOfFold
from ..product import Product

__all__ = ["configure", "reads_own_data"]

# Rows on which the bar is measured, and the share of them that the models are fitted to.
ROWS, FITTED = 6_000, 0.67

# The bar, between the metric of doing nothing (0) and that of the best candidate (1): so close to
# the candidate that the change of half of what the target depends on leads below it.
BAR = 0.85


def reads_own_data(project: Project) -> bool:
    """Whether the product has no sample, and its rows are not synthetic ones under var/sample/."""
    if project.product.sample is not None:
        return False
    try:
        sample_path(project.settings)
    except ConfigError:
        return True
    return False


def configure(product: Product, stage: Settings) -> None:
    """Replaces sources, search budget and criteria in the configuration of the demo's folder."""
    _change(
        stage.pipeline_file,
        lambda content: {
            **content,
            "source": {"path": "var/sample/rows.parquet"},
            # Each candidate once: the rows are easy to learn from.
            "search": {**content["search"], "trials": len(product.candidates)},
            "labelled_log": True,
        },
    )
    _change(
        stage.scoring_file,
        lambda content: {
            **content,
            "source": {"path": "var/sample/scoring/{day}.parquet"},
            "labels": {"source": {"path": "var/sample/labels/{day}.parquet"}},
        },
    )
    criteria = _criteria(product, stage)
    _change(stage.criteria_file, lambda content: {**_without_draft(content), **criteria})


def _change(path: Path, change: Any) -> None:
    content = change(yaml.safe_load(path.read_text(encoding="utf-8")))
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _without_draft(content: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in content.items() if name != "draft"}


def _criteria(product: Product, stage: Settings) -> dict[str, Any]:
    primary = read_criteria(stage.criteria_file).primary
    side = "at_least" if product.problem.metric(primary).better == "higher" else "at_most"
    champion = {"versus": "champion", side: 0, "if_none": "met"}
    return {
        "approval": "required",
        "criteria": [
            {
                "id": "good-enough",
                "says": "The model is good enough on generated rows.",
                "why": "The bar is one of the demo.",
                "metric": primary,
                side: _bar(product, stage),
            },
            {
                "id": "better-than-the-champion",
                "says": "The model is better than the model in use.",
                "why": "A change must pay for its risk.",
                "metric": primary,
                **champion,
            },
        ],
        "data": [],
        "waivers": [],
    }


def _bar(product: Product, stage: Settings) -> float:
    """A bar for the primary metric, measured on generated rows."""
    criteria = read_criteria(stage.criteria_file)
    columns, problem = product.columns, product.columns.of_target
    objective = problem.objective(criteria.primary, criteria.value)
    rows = generated_rows(product, ROWS)
    inputs, target = rows[list(columns.inputs)], columns.encoded_target(rows)
    fitted = int(FITTED * len(rows))
    left = inputs.iloc[fitted:].reset_index(drop=True)

    def score(candidate: Any) -> float:
        model = candidate.build(columns, 0).fit(inputs.iloc[:fitted], target[:fitted])
        found = OutOfFold(target[fitted:], problem.out_of_fold(model, left))
        return float(problem.trial_score(found, objective))

    scores = [score(candidate) for candidate in product.candidates]
    best = max if product.problem.metric(criteria.primary).better == "higher" else min
    nothing = float(objective.score(target[fitted:], problem.do_nothing(target[:fitted])(left)))
    # Doing nothing has no value of some metrics, such as precision.
    base = nothing if np.isfinite(nothing) else 0.0
    return float(f"{base + BAR * (best(scores) - base):.3g}")
