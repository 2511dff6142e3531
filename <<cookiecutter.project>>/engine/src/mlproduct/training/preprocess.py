"""Building blocks for candidates: columns of a table as the numbers a model takes."""

from typing import Literal

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from ..data.columns import Columns

__all__ = ["preprocess"]


def preprocess(
    columns: Columns, texts: Literal["one-hot", "ordinal"] = "one-hot"
) -> ColumnTransformer:
    """A transformer of the features; missing values and texts never seen before are welcome.

    ``one-hot`` is for models that add up or measure distances: numbers are filled with the median
    and scaled, and their being missing becomes a column of its own. ``ordinal`` is for trees, which
    need neither and take what is missing as it is.
    """
    if texts == "one-hot":
        numbers: Pipeline | str = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
        )
        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist", min_frequency=10, sparse_output=False
        )
    else:
        numbers = "passthrough"
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=float("nan"),
            encoded_missing_value=float("nan"),
        )
    return ColumnTransformer(
        [
            ("numbers", numbers, list(columns.numeric)),
            ("texts", encoder, list(columns.categorical)),
        ],
        verbose_feature_names_out=False,
    )
