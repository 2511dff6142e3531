"""Measure the product manager's criteria on labelled predictions, with a release's metrics and
slices.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..config import settings
from ..data.columns import Columns
from ..evaluation.bootstrap import clusters_of, resample, take
from ..evaluation.comparison import comparison_of
from ..evaluation.measure import Baseline, against, by_slice, overall
from ..evaluation.slices import sliced_metrics
from ..gate.criteria import Criteria, Measurement, Versus
from ..problems import Predictions, Problem

__all__ = ["judged_live", "measure_live"]


def judged_live(criteria: Criteria, problem: Problem) -> Criteria:
    """The criteria that labels can answer, and their waivers.

    Criteria on the model file (latency, size) were judged before the release. The champion cannot
    be compared with itself.
    """
    kept = tuple(
        c
        for c in criteria.criteria
        if c.versus != "champion"
        and c.metric in (problem.class_metrics if c.by_class else problem.metrics)
    )
    named = {criterion.id for criterion in kept}
    waivers = tuple(waiver for waiver in criteria.waivers if waiver.criterion in named)
    return criteria.model_copy(update={"criteria": kept, "waivers": waivers})


def measure_live(
    predictions: Predictions,
    rows: pd.DataFrame,
    identities: np.ndarray,
    baselines: Mapping[Versus, Baseline],
    *,
    columns: Columns,
    criteria: Criteria,
    settings: settings.EvaluationBudget,
    seed: int,
) -> tuple[Measurement, ...]:
    """The measurements of ``predictions`` for ``rows``, which have the features and the target.

    ``identities`` are those of the rows.
    """
    # The logged predictions are judged, so the champion is not called. The rows are passed as
    # training rows as well, so that the slices are those that occur in them.
    comparison = comparison_of(
        lambda _: predictions, baselines, rows, rows, identities, columns, criteria
    )
    clusters = clusters_of(comparison.holdout[columns.group or columns.key])
    estimates = take(comparison.samples, resample(len(rows), settings.resamples, seed, clusters))
    return (
        *overall(comparison, estimates),
        *(m for name in comparison.baselines for m in against(comparison, name, estimates)),
        *(
            m
            for sliced in sliced_metrics(criteria)
            for m in by_slice(comparison, sliced, estimates)
        ),
    )
