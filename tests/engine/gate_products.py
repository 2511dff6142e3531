"""Products for tests of the engine: the kit's schema, candidates and flow, little data, strict
criteria.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlproduct.testing import TrialProduct, make_trial, trial_rows
from mlproduct.testing import trial as trials
from trial_radar import flows

from .team import PRODUCT, PROJECT, trial_at

COLUMNS = PRODUCT.columns
PRIMARY = PRODUCT.problem.metrics[
    trial_at(PROJECT).read("product/success_criteria.yaml")["primary"]
]


def rows(**knobs: Any) -> pd.DataFrame:
    return trial_rows(PRODUCT, **knobs)


def compared(versus: str, bar: float = 0.0, **more: Any) -> dict[str, Any]:
    """A criterion that compares the primary metric with another predictor."""
    return trials.compared(PRIMARY, versus, bar, **more)


def stage(root: Path, *, margin: float = 0.0) -> TrialProduct:
    """A product whose criteria require a model that beats doing nothing and that loses less than
    ``margin`` to the champion.
    """
    return make_trial(root, PROJECT, PRODUCT, flows, margin=margin)
