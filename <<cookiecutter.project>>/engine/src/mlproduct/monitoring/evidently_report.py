"""Evidently's report on a bounded sample: drift, data quality and, with labels, performance.

The report is only for people. Alarms are computed from all rows (``drift.py``).
"""

import warnings
from typing import Any

import pandas as pd

from ..data.columns import Columns
from ..derived_numbers import characters, days_before
from ..problems import Performance
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

        monitored = [*_watched(window, columns).columns]
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

    table = _watched(rows, columns)
    definition = DataDefinition(
        numerical_columns=[name for name in table if name not in columns.categorical],
        categorical_columns=list(columns.categorical),
    )
    return Dataset.from_pandas(table, definition)


def _with_labels(rows: pd.DataFrame, performance: Performance) -> Any:
    from evidently import Dataset

    table = pd.DataFrame({name: performance.shown(rows[name]) for name in ("outcome", "decision")})
    table = table.reset_index(drop=True)
    return Dataset.from_pandas(table, performance.definition)


def _watched(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The features and predictions in the types that Evidently supports: objects and floats.

    A date is shown as its days and a text as its length, so that the page contains no text. The
    unknown words of a text are only in the alarms, because their vocabulary is in the profile.
    """
    table, time = rows.reset_index(drop=True), columns.time
    found = {}
    for name in columns.features:
        column = table[name]
        for measure in columns.kind_of(name).measures:
            if measure == "value":
                found[name] = column
            elif measure == "days":
                found[f"{name} (days)"] = days_before(column, table[time] if time else None)
            elif measure == "characters":
                found[f"{name} (characters)"] = characters(column)
    found[PREDICTION] = table[PREDICTION]
    return pd.DataFrame(
        {
            name: column.astype(object).where(column.notna(), None)
            if name in columns.categorical
            else column.astype(float)
            for name, column in found.items()
        }
    )
