"""A row that nobody has: the example that is shown with a model."""

import pandas as pd

__all__ = ["typical_row"]


def typical_row(features: pd.DataFrame) -> pd.DataFrame:
    """One row of medians and most frequent values, in the dtypes of ``features``."""
    return pd.DataFrame({name: _middle(column) for name, column in features.items()})


def _middle(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return pd.Series([column.median()]).astype(column.dtype)
    return column.mode().head(1).astype(column.dtype).reset_index(drop=True).reindex([0])
