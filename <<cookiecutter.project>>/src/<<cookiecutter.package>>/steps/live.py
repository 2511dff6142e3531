"""The product manager's criteria held against what came true, with the metrics and slices of a release."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .. import config
from ..columns import Columns
from ..criteria import Criteria, Measurement, Versus
from .bootstrap import clusters_of, resample, take
from .evaluate import Rival, against, by_slice, overall
from .metrics import METRICS
from .predict import Predictions
from .slices import families
from .study import study_of

__all__ = ["judged_live", "measure_live"]


def judged_live(criteria: Criteria) -> Criteria:
    """Those of the criteria that what came true can answer.

    What is about the model as a file (its speed, its size) was answered before the release; the
    champion cannot be compared with itself.
    """

    def can_be_told(metric: str) -> bool:
        found = METRICS.get(metric)
        return found is not None and found.combine is not None

    kept = tuple(c for c in criteria.criteria if c.versus != "champion" and can_be_told(c.metric))
    named = {criterion.id for criterion in kept}
    waivers = tuple(waiver for waiver in criteria.waivers if waiver.criterion in named)
    return criteria.model_copy(update={"criteria": kept, "waivers": waivers})


def measure_live(
    said: Predictions,
    rows: pd.DataFrame,
    identities: np.ndarray,
    rivals: Mapping[Versus, Rival],
    *,
    columns: Columns,
    criteria: Criteria,
    settings: config.Evaluation,
    seed: int,
) -> tuple[Measurement, ...]:
    """The measurements of what was ``said`` about ``rows``, which have the features and the target."""
    study = study_of(lambda _: said, rivals, rows, rows, identities, columns, criteria)
    clusters = clusters_of(study.holdout[columns.group or columns.key])
    taken = take(study.samples, resample(len(rows), settings.resamples, seed, clusters))
    return (
        *overall(study, taken),
        *(m for name in study.rivals for m in against(study, name, taken)),
        *(m for family in families(criteria) for m in by_slice(study, family, taken)),
    )
