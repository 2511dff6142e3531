"""The canonical form of keys from files, databases, requests and the command line."""

import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.keys import key_of, keys_of, of_subject
from mlproduct.data.validation import validate
from mlproduct.errors import ConfigError, InvalidData
from mlproduct.service.request_rows import Rows
from mlproduct.tables import Batch, Validated
from pandera.typing import Series

LARGE = 2**53 + 1
FORMS: list[tuple[Any, str]] = [
    (1, "1"),
    (1.0, "1"),
    ("1.0", "1"),
    ("1", "1"),
    (np.int32(1), "1"),
    (np.float32(1), "1"),
    (Decimal("1.00"), "1"),
    (-0.0, "0"),
    (LARGE, str(LARGE)),
    (Decimal(LARGE), str(LARGE)),
    (str(LARGE), str(LARGE)),
    (2**70, str(2**70)),
    ("007", "007"),
    ("007.0", "007.0"),
    (" KEY\t", "KEY"),
    ("\u00a0KEY", "KEY"),
    ("a b", "a b"),
    ("12e5", "12e5"),
    ("10.15", "10.15"),
    (uuid.UUID(int=5), str(uuid.UUID(int=5))),
]
INVALID = [
    True,
    np.True_,
    1.5,
    2.0**53,
    -(2.0**60),
    float("inf"),
    np.float32(2**24),
    Decimal("1.5"),
]
INVALID += [Decimal("Infinity"), "1.23457E+12", "9007199254740992.0", "1e+16", "a\0b", [], {}]
EMPTY = [None, float("nan"), pd.NA, pd.NaT, "", " \t", Decimal("NaN")]


@pytest.mark.parametrize(("value", "form"), FORMS)
def test_every_spelling_of_a_key_has_one_form(value: Any, form: str) -> None:
    assert key_of(value) == form
    assert key_of(form) == form
    for column in (pd.Series([value, None], dtype=object), pd.Series([value])):
        texts, wrong = keys_of(column)
        assert (texts[0], wrong[0]) == (form, False)


@pytest.mark.parametrize("value", INVALID)
def test_a_value_that_is_not_exactly_one_key_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"key"):
        key_of(value)
    for column in (pd.Series([value, None], dtype=object), pd.Series([value])):
        texts, wrong = keys_of(column)
        assert (texts.isna()[0], wrong[0]) == (True, True)


@pytest.mark.parametrize("value", EMPTY)
def test_an_empty_value_is_missing_and_not_invalid(value: Any) -> None:
    assert key_of(value) is None
    for column in (pd.Series([value, "a"], dtype=object), pd.Series([value])):
        texts, wrong = keys_of(column)
        assert (texts.isna()[0], wrong[0]) == (True, False)


def test_columns_of_every_dtype_result_in_the_same_keys() -> None:
    plain = pd.Series([3, 1, 2])
    for dtype in (
        "int64",
        "Int64",
        "float64",
        "Float64",
        "object",
        "str",
        "category",
        "uint8",
        "float32",
    ):
        texts, wrong = keys_of(plain.astype(dtype))
        assert (texts.tolist(), wrong.any()) == (["3", "1", "2"], False), dtype
        assert texts.dtype == "str"


def test_of_subject_finds_every_spelling_of_the_key() -> None:
    column = pd.Series(["KEY", " KEY ", "KEYS", None, "1.0", "1", "9007199254740992.0"])
    assert np.flatnonzero(of_subject(column, "KEY ")).tolist() == [0, 1]
    assert np.flatnonzero(of_subject(column, "1")).tolist() == [4, 5]
    assert np.flatnonzero(of_subject(column, "9007199254740992.0")).tolist() == [6]


class TextKey(pa.DataFrameModel):
    key: Series[str] = pa.Field(metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
    value: Series[float] = pa.Field(metadata={"role": "feature"})


class NumberKey(TextKey):
    key: Series[int] = pa.Field(metadata={"role": "key"})


def validated(
    keys: Any, schema: type[pa.DataFrameModel] = TextKey, limit: float = 1.0
) -> Validated:
    rows = pd.DataFrame({"key": keys, "at": "2026-01-01", "value": 1.0})
    return validate([Batch(rows, "rows", 0)], schema, limit=limit)


@pytest.mark.parametrize("schema", [TextKey, NumberKey])
def test_inexact_floats_as_keys_are_refused_with_column_and_example(
    schema: type[pa.DataFrameModel],
) -> None:
    keys = np.arange(2**53, 2**53 + 200).astype("float64")
    with pytest.raises(InvalidData, match="key is not a key in 100% of its cells") as caught:
        validated(keys, schema, 0.05)
    assert "text or whole numbers" in str(caught.value)
    assert "9007199254740992.0" in str(caught.value)
    again = validated(
        caught.value.rejected.rows["key"] if caught.value.rejected is not None else [], schema
    )
    assert len(again.rows) == 0, "rejected rows contain the keys unchanged"


@pytest.mark.parametrize("schema", [TextKey, NumberKey])
def test_large_whole_numbers_as_keys_are_exact(schema: type[pa.DataFrameModel]) -> None:
    keys = list(range(2**53, 2**53 + 200))
    for column in (
        pd.Series(keys),
        pd.Series([*keys, None], dtype="Int64"),
        pd.Series(keys).astype("str"),
    ):
        assert validated(column, schema).rows["key"].astype("str").tolist() == [
            str(key) for key in keys
        ]


def test_two_spellings_of_one_key_are_a_duplicate() -> None:
    result = validated(pd.Series(["1", "1.0", " 1", "01"]))
    assert result.rows["key"].tolist() == ["1", "01"]
    assert result.rejected.failures["row"].tolist() == [1, 2]
    assert set(result.rejected.failures["rule"]) == {"unique"}


def test_a_request_and_a_batch_accept_the_same_keys() -> None:
    for schema in (TextKey, NumberKey):
        rules = Rows(schema)
        values = [
            1,
            1.0,
            "1.0",
            "007",
            " 7 ",
            "KEY",
            "",
            " ",
            None,
            True,
            1.5,
            2.0**53,
            str(LARGE),
            LARGE,
            [],
            "a\0b",
        ]
        for value in values:
            rows = [{"key": value, "at": "2026-01-01T00:00:00", "value": 1.0}]
            asked = rules.check(rows)
            batch = validated(pd.Series([value], dtype=object), schema)
            assert rules.table(asked.cells)["key"].tolist() == batch.rows["key"].tolist(), value
            assert len(asked.problems) == len(batch.rejected.rows), value


@pytest.mark.parametrize("dtype", [float, bool])
def test_a_schema_whose_key_is_neither_text_nor_a_whole_number_is_refused(dtype: type) -> None:
    class Wrong(TextKey):
        key: Series[dtype] = pa.Field(metadata={"role": "key"})

    with pytest.raises(ConfigError, match=r"key .*expected Series\[str\] or Series\[int\]"):
        validated([1.0], Wrong)
