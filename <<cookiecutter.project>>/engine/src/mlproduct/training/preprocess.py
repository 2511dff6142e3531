"""A building block for candidates: convert table columns to the numbers that a model needs."""

from typing import Any, Literal

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from ..data.columns import Columns
from ..feature_estimators import DateParts, TextParts, TimeParts

__all__ = ["preprocess"]

# Columns of a category at most. The most frequent values have their own, so that the width of the
# table does not grow with the number of values.
VALUES_AT_MOST = 100
# Columns of a free text for trees, which would need thousands of splits for thousands of words.
COMPONENTS = 16


def preprocess(
    columns: Columns,
    texts: Literal["one-hot", "ordinal"] = "one-hot",
    components: int | None = None,
) -> ColumnTransformer:
    """A transformer of the features that accepts missing values and unknown texts.

    ``one-hot`` is for linear models, networks and models that use distances. Missing numbers are
    replaced by the median, numbers are scaled, and additional columns mark which were missing.
    ``ordinal`` is for trees, which need no scaling and handle missing values themselves.

    A date becomes parts of the calendar and the days before the row's time. The row's time itself
    becomes parts of the calendar if the schema says so (``calendar``). A free text becomes
    weights of its words, which can make the table sparse, or ``components`` dense columns: 16 for
    ``ordinal``, and for models that accept no sparse table, such as naive Bayes, if you ask for
    them.
    """
    linear = texts == "one-hot"
    if not linear and components is None:
        components = COMPONENTS
    parts: list[tuple[str, Any, Any]] = [
        ("numbers", _numbers() if linear else "passthrough", list(columns.numeric)),
        ("texts", _one_hot() if linear else _ordinal(), list(columns.categorical)),
    ]
    if columns.dates:
        dates = DateParts(columns.time, cyclic=linear)
        names = [*columns.dates, *([columns.time] if columns.time else [])]
        parts.append(("dates", _scaled(dates) if linear else dates, names))
    if columns.calendar:
        time = TimeParts(cyclic=linear)
        parts.append(("time", _scaled(time) if linear else time, [columns.time]))
    for number, name in enumerate(columns.texts, 1):
        # By its number, because scikit-learn accepts no name with two underscores.
        parts.append((f"text {number}", TextParts(components=components), name))
    return ColumnTransformer(parts, verbose_feature_names_out=False)


def _numbers() -> Any:
    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())


def _scaled(dates: DateParts | TimeParts) -> Any:
    # Without an indicator, because a part states which dates are missing. A column without any
    # date is kept, so that the model has the same columns in every fold.
    return make_pipeline(
        dates, SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )


def _one_hot() -> Any:
    # Values in fewer than 10 rows share a column, which also receives unknown values. Dense,
    # because some models, such as naive Bayes, accept no sparse table.
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=10,
        max_categories=VALUES_AT_MOST,
        sparse_output=False,
    )


def _ordinal() -> Any:
    # Unknown values become missing values, which the trees handle.
    return OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=float("nan"),
        encoded_missing_value=float("nan"),
    )
