"""Evidently's report on a bounded sample: drift, data quality and, with labels, performance.

The report is only for people. Alarms are computed from all rows (``drift.py``).
"""

import warnings
from typing import Any

import pandas as pd

from ..data.columns import Columns
from ..problems.problem import Performance
from .profile import PREDICTION

__all__ = ["report_pages"]


def report_pages(
    reference: pd.DataFrame, window: pd.DataFrame, columns: Columns, labelled: pd.DataFrame | None
) -> dict[str, str]:
    """The HTML pages by file name; each is self-contained. With labels, one is on performance.

    ``reference`` has the features, ``prediction``, ``decision`` and ``outcome``; ``window`` has the
    features and ``prediction``; ``labelled`` has ``decision`` and ``outcome``, or is None.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on constant columns and divisions in NumPy
        # Imported only when needed, because the import takes several seconds.
        from evidently import Report
        from evidently.presets import DataDriftPreset, DataSummaryPreset

        monitored = [*columns.features, PREDICTION]
        # The page reports drift if one column drifts; by default, half of them have to.
        one_is_enough = 1 / len(monitored)
        drifting = DataDriftPreset(columns=monitored, drift_share=one_is_enough)
        drift = Report([drifting, DataSummaryPreset(columns=monitored)])
        shift = drift.run(_dataset(window, columns), _dataset(reference, columns))
        pages = {"drift.html": shift.get_html_str(as_iframe=False)}
        if labelled is not None and len(labelled):
            performance = columns.of_target.performance()
            seen = Report([performance.preset]).run(
                _with_labels(labelled, performance), _with_labels(reference, performance)
            )
            pages["performance.html"] = seen.get_html_str(as_iframe=False)
        return pages


def _dataset(rows: pd.DataFrame, columns: Columns) -> Any:
    from evidently import DataDefinition, Dataset

    numbers = [*columns.numeric, PREDICTION]
    definition = DataDefinition(
        numerical_columns=numbers, categorical_columns=list(columns.categorical)
    )
    return Dataset.from_pandas(_plain(rows[[*columns.features, PREDICTION]], columns), definition)


def _with_labels(rows: pd.DataFrame, performance: Performance) -> Any:
    from evidently import Dataset

    table = rows[["outcome", "decision"]].astype(performance.dtype).reset_index(drop=True)
    return Dataset.from_pandas(table, performance.definition)


def _plain(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The features and predictions in the types that Evidently supports: objects and floats."""
    table = rows.reset_index(drop=True)
    for name in table.columns:
        texts = name in columns.categorical
        table[name] = (
            table[name].astype(object).where(table[name].notna(), None)
            if texts
            else table[name].astype(float)
        )
    return table
