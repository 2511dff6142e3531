"""A building block for candidates: convert table columns to the numbers that a model needs."""

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
    """A transformer of the features that accepts missing values and unknown texts.

    ``one-hot`` is for linear models, networks and models that use distances. Missing numbers are
    replaced by the median, numbers are scaled, and additional columns mark which were missing.
    ``ordinal`` is for trees, which need no scaling and handle missing values themselves.
    """
    if texts == "one-hot":
        numbers: Pipeline | str = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
        )
        # Texts in fewer than 10 rows share a column, which also receives unknown texts. Dense,
        # because some models, such as naive Bayes, accept no sparse table.
        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist", min_frequency=10, sparse_output=False
        )
    else:
        numbers = "passthrough"
        # Unknown texts become missing values, which the trees handle.
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
