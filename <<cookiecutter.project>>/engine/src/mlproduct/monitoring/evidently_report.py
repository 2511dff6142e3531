"""Evidently's report for people to look at: drift, data quality and, with labels, performance, on a
bounded sample.

It decides nothing: alarms are computed on all rows (``drift.py``).
"""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from ..data.columns import Columns
from .profile import PREDICTION

__all__ = ["report_pages"]


def report_pages(
    reference: pd.DataFrame, window: pd.DataFrame, columns: Columns, labelled: pd.DataFrame | None
) -> dict[str, str]:
    """The pages by file name; each needs nothing else. There is one about performance where there
    are labels.

    ``reference`` has the features, prediction, decision and outcome; ``window`` features and
    prediction; ``labelled``, where there is any, decision and outcome.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant columns, of NumPy's divisions
        from evidently import Report
        from evidently.presets import DataDriftPreset, DataSummaryPreset

        looked_at = [*columns.features, PREDICTION]
        one_is_enough = 1 / len(
            looked_at
        )  # to say at the top that there is drift; as a rule half of the columns are
        drifting = DataDriftPreset(columns=looked_at, drift_share=one_is_enough)
        drift = Report([drifting, DataSummaryPreset(columns=looked_at)])
        pages = {
            "drift.html": _html(drift.run(_dataset(window, columns), _dataset(reference, columns)))
        }
        if labelled is not None and len(labelled):
            performance = Report([_performance(columns)])
            seen = performance.run(
                _with_labels(labelled, columns), _with_labels(reference, columns)
            )
            pages["performance.html"] = _html(seen)
        return pages


def _dataset(rows: pd.DataFrame, columns: Columns) -> Any:
    from evidently import DataDefinition, Dataset

    numbers = [*columns.numeric, PREDICTION]
    definition = DataDefinition(
        numerical_columns=numbers, categorical_columns=list(columns.categorical)
    )
    return Dataset.from_pandas(_plain(rows[[*columns.features, PREDICTION]], columns), definition)


def _with_labels(rows: pd.DataFrame, columns: Columns) -> Any:
    from evidently import BinaryClassification, DataDefinition, Dataset, Regression

    if columns.task == "classification":
        roles = BinaryClassification(target="outcome", prediction_labels="decision", pos_label=1)
        definition = DataDefinition(classification=[roles])
        return Dataset.from_pandas(
            rows[["outcome", "decision"]].astype(int).reset_index(drop=True), definition
        )
    definition = DataDefinition(regression=[Regression(target="outcome", prediction="decision")])
    return Dataset.from_pandas(
        rows[["outcome", "decision"]].astype(float).reset_index(drop=True), definition
    )


def _performance(columns: Columns) -> Any:
    from evidently.presets import ClassificationPreset, RegressionPreset

    return ClassificationPreset() if columns.task == "classification" else RegressionPreset()


def _plain(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Texts as plain objects, numbers as floats: what Evidently knows."""
    table = rows.reset_index(drop=True)
    for name in table.columns:
        texts = name in columns.categorical
        table[name] = (
            table[name].astype(object).where(table[name].notna(), None)
            if texts
            else table[name].astype(float)
        )
    return table


def _html(snapshot: Any) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        snapshot.save_html(str(path))
        return path.read_text(encoding="utf-8")
