"""Products on which the gate is tried: the project's own kit and flow, small data, strict criteria."""

from pathlib import Path
from typing import Any

import pandas as pd

from <<cookiecutter.package>>.candidates import CANDIDATES
from <<cookiecutter.package>>.columns import columns_of
from <<cookiecutter.package>>.sample import sample
from <<cookiecutter.package>>.schemas import Labelled
from <<cookiecutter.package>>.steps.metrics import METRICS

from ..conftest import PROJECT, Stage

ROWS = 6_000
COLUMNS = columns_of(Labelled)
SLICES = next(name for name in COLUMNS.categorical if name in COLUMNS.known_values)


def rows(**knobs: Any) -> pd.DataFrame:
    return sample(rows=ROWS, **knobs)


def compared(versus: str, bar: float = 0.0, **more: Any) -> dict[str, Any]:
    """A criterion by which the primary metric has to beat something."""
    criteria = Stage(PROJECT).read("product/success_criteria.yaml")
    higher = METRICS[criteria["primary"]].better == "higher"
    side = {"at_least": -bar} if higher else {"at_most": bar}
    words = {"id": f"beats-{versus.replace('_', '-')}", "says": f"It beats {versus}.", "why": "Or why change?"}
    return {**words, "metric": criteria["primary"], "versus": versus, **side, **more}


def stage(root: Path, *, margin: float = 0.0) -> Stage:
    """A product whose criteria are to beat doing nothing and, by less than ``margin`` lost, the champion."""
    found = Stage(root)
    criteria = Stage(PROJECT).read("product/success_criteria.yaml")
    bars = [compared("do_nothing"), compared("champion", margin, if_none="met")]
    found.write("product/success_criteria.yaml", {**criteria, "criteria": bars, "data": [], "waivers": []})
    pipeline = Stage(PROJECT).read("config/pipeline.yaml")
    pipeline["source"] = {"path": "data/rows.parquet"}
    pipeline["search"] |= {"trials": 1, "candidates": [CANDIDATES[0].name]}
    pipeline["evaluation"] = {"resamples": 300, "importance_rows": 200}
    found.write("config/pipeline.yaml", pipeline)
    found.save(rows(), "data/rows.parquet")
    return found
