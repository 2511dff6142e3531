"""The kind of each feature follows from the schema."""

from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.columns import columns_of
from mlproduct.data.feature_kinds import KINDS, kind_of
from mlproduct.errors import ConfigError
from pandera.typing import Series

from .. import all_kinds


def test_the_kind_follows_from_the_type_and_the_metadata() -> None:
    columns = all_kinds.columns()
    assert columns.numeric == ("price", "paid")
    assert columns.categorical == ("shop",)
    assert columns.dates == ("joined",)
    assert columns.texts == ("note",)
    assert columns.features == ("price", "paid", "shop", "joined", "note")
    kinds = [columns.kind_of(name).name for name in columns.features]
    assert kinds == ["number", "number", "category", "date", "text"]


def test_the_model_receives_the_time_only_if_there_are_dates() -> None:
    columns = all_kinds.columns()
    assert columns.inputs == (*columns.features, "at")

    class Dateless(pa.DataFrameModel):
        who: Series[str] = pa.Field(metadata={"role": "key"})
        at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
        size: Series[float] = pa.Field(metadata={"role": "feature"})

    assert columns_of(Dateless).inputs == ("size",)


def test_a_column_without_a_kind_is_no_feature() -> None:
    with pytest.raises(KeyError):
        all_kinds.columns().kind_of("order")


@pytest.mark.parametrize(
    ("dtype", "metadata", "expected"),
    [
        (str, {"role": "feature", "kind": "txt"}, "extra has the kind 'txt' – expected one of"),
        (
            float,
            {"role": "feature", "kind": "text"},
            "extra has the kind 'text' and the type float",
        ),
        (str, {"role": "feature", "kind": "date"}, "expected category or text for this type"),
        (pd.Timestamp, {"role": "feature", "kind": "number"}, "expected date for this type"),
        (str, {"role": "ignored", "kind": "text"}, "the role ignored – expected a kind only"),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(dtype: Any, metadata: Any, expected: str) -> None:
    schema = type(
        "More",
        (all_kinds.Features,),
        {
            "extra": pa.Field(metadata=metadata),
            "__annotations__": {"extra": Series[dtype]},
            "__module__": __name__,
        },
    )
    with pytest.raises(ConfigError, match=expected):
        columns_of(schema)


@pytest.mark.parametrize("name", KINDS)
def test_a_typical_cell_keeps_the_type_and_is_no_text_of_a_row(name: str) -> None:
    table, columns = all_kinds.table(), all_kinds.columns()
    for feature in columns.features:
        if columns.kind_of(feature).name == name:
            cell = columns.kind_of(feature).typical(table[feature])
            assert len(cell) == 1
            assert cell.dtype == table[feature].dtype
            assert name != "text" or cell[0] not in set(table[feature])


def test_a_column_without_values_has_a_missing_typical_cell() -> None:
    assert kind_of("datetime64[us]").typical(pd.Series([None], dtype="datetime64[us]")).isna().all()
    assert kind_of("float64").typical(pd.Series([None], dtype="float64")).isna().all()
