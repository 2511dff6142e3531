"""Validation: which rows are accepted, which are rejected, and what is refused."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.validation import validate
from mlproduct.errors import ConfigError, InvalidData
from mlproduct.reading import PLAIN, Reading
from mlproduct.tables import Batch, Validated
from pandera.typing import Series

FEATURE = {"role": "feature"}


class Unlabelled(pa.DataFrameModel):
    key: Series[str] = pa.Field(str_length={"min_value": 2}, metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(ge=pd.Timestamp("2020-01-01"), metadata={"role": "time"})
    email: Series[str] = pa.Field(nullable=True, metadata={"role": "ignored", "pii": True})
    city: Series[str] = pa.Field(isin=["north", "south"], nullable=True, metadata=FEATURE)
    amount: Series[float] = pa.Field(ge=0, le=1000, nullable=True, metadata=FEATURE)
    calls: Series[int] = pa.Field(nullable=True, metadata=FEATURE)
    paid: Series[float] = pa.Field(metadata=FEATURE)

    @pa.dataframe_check(error="paid is at most amount")
    def pays_no_more(cls, table: pd.DataFrame) -> Any:
        return ~(table["paid"] > table["amount"])


class Labelled(Unlabelled):
    left: Series[bool] = pa.Field(metadata={"role": "target"})


class Timeless(pa.DataFrameModel):
    key: Series[int] = pa.Field(metadata={"role": "key"})
    code: Series[str] = pa.Field(nullable=True, unique=True, metadata={"role": "ignored"})
    value: Series[float] = pa.Field(metadata=FEATURE)


def table(rows: int = 20, **columns: Any) -> pd.DataFrame:
    good = {
        "key": [f"{row:05}" for row in range(rows)],
        "at": "2026-01-01",
        "email": "secret@example.com",
        "city": "north",
        "amount": "5.5",
        "calls": "3",
        "paid": 1.0,
        "left": "yes",
    }
    return pd.DataFrame(good | columns)


def table_with(row: int, **cells: Any) -> pd.DataFrame:
    other = table().astype(object)
    for name, value in cells.items():
        other.loc[row, name] = value
    return other


def validated(
    *tables: pd.DataFrame, schema: type[pa.DataFrameModel] = Labelled, limit: float = 0.5
) -> Validated:
    return validate(
        [Batch(rows, f"part-{at}", 0) for at, rows in enumerate(tables)], schema, limit=limit
    )


def refusal(
    *tables: pd.DataFrame, limit: float = 0.05, schema: type[pa.DataFrameModel] = Labelled
) -> InvalidData:
    with pytest.raises(InvalidData) as caught:
        validated(*tables, limit=limit, schema=schema)
    assert str(caught.value).split("\n")[0].count(" – ") >= 2
    return caught.value


def test_valid_rows_are_returned_in_order_with_the_types_of_the_schema() -> None:
    result = validated(table(), table(3, key=["aa", "bb", "cc"], calls=None))
    assert list(result.rows.columns) == ["key", "at", "amount", "calls", "paid", "city", "left"]
    assert result.rows.dtypes.astype(str).tolist() == [
        "str",
        "datetime64[us]",
        "float64",
        "float64",
        "float64",
        "str",
        "int64",
    ]
    assert isinstance(result.rows.index, pd.RangeIndex)
    assert result.rows["key"].tolist()[-4:] == ["00019", "aa", "bb", "cc"]
    assert (result.seen, result.rejected_share, result.rows["left"].sum()) == (23, 0.0, 23)


def test_rows_are_validated_by_a_schema_without_a_target() -> None:
    result = validated(table().drop(columns="left"), schema=Unlabelled)
    assert "left" not in result.rows
    assert len(result.rows) == 20


@pytest.mark.parametrize(
    ("cells", "rule", "reason"),
    [
        ({"amount": "abc"}, "type: number", "type"),
        ({"amount": "1,5"}, "type: number", "type"),
        ({"amount": np.inf}, "finite", "range"),
        ({"amount": "-inf"}, "finite", "range"),
        ({"amount": 1001}, "at most 1000", "range"),
        ({"calls": "2.5"}, "type: whole number", "type"),
        ({"calls": 1e300}, "type: whole number", "type"),
        ({"at": "24.11.2026"}, "type: date", "type"),
        ({"at": 1_700_000_000}, "type: date", "type"),
        ({"at": "2019-12-31"}, "at least 2020-01-01", "range"),
        ({"at": None}, "not missing", "missing"),
        ({"key": None}, "not missing", "missing"),
        ({"key": "x"}, "at least 2 characters", "rule"),
        ({"key": "00006"}, "unique", "duplicate"),
        ({"city": "mars"}, "one of north, south", "category"),
        ({"paid": None}, "not missing", "missing"),
        ({"paid": 7}, "paid is at most amount", "rule"),
        ({"left": "perhaps"}, "type: yes or no", "type"),
        ({"left": None}, "not missing", "missing"),
    ],
)
def test_an_invalid_cell_is_rejected_with_its_rule_and_value(
    cells: dict[str, Any], rule: str, reason: str
) -> None:
    result = validated(table_with(7, **cells))
    (failure,) = result.rejected.failures.to_dict("records")
    ((column, value),) = cells.items()
    assert (failure["row"], failure["rule"], failure["reason"], failure["source"]) == (
        7,
        rule,
        reason,
        "part-0",
    )
    if rule != "paid is at most amount":
        assert (failure["column"], failure["value"]) == (
            column,
            "" if value is None else str(value).removesuffix(".0"),
        )
    assert len(result.rows) == 19
    assert result.rejected.rows[["row", "source"]].values.tolist() == [[7, "part-0"]]


@pytest.mark.parametrize(
    ("cells", "column", "value"),
    [
        ({"amount": " 7 "}, "amount", 7.0),
        ({"amount": "1e2"}, "amount", 100.0),
        ({"amount": Decimal("1.25")}, "amount", 1.25),
        ({"amount": "NULL", "paid": 0}, "amount", None),
        ({"calls": "4.0"}, "calls", 4.0),
        ({"calls": None}, "calls", None),
        ({"left": " No "}, "left", 0),
        ({"left": 1.0}, "left", 1),
        ({"left": False}, "left", 0),
        ({"at": "2026-01-01T01:00:00+02:00"}, "at", pd.Timestamp("2025-12-31 23:00")),
        (
            {"at": pd.Timestamp("2026-01-01", tz="America/New_York")},
            "at",
            pd.Timestamp("2026-01-01 05:00"),
        ),
        ({"at": "9999-12-31"}, "at", pd.Timestamp("9999-12-31")),
        ({"city": "NA"}, None, None),
    ],
)
def test_a_cell_is_converted_when_its_meaning_is_clear(
    cells: dict[str, Any], column: str | None, value: Any
) -> None:
    result = validated(table_with(7, **cells))
    if column is None:
        assert result.rejected.failures["value"].tolist() == ["NA"], (
            "NA is a text and not a missing value"
        )
        return
    got = result.rows.loc[7, column]
    assert pd.isna(got) if value is None else got == value


def test_typed_columns_are_converted_like_texts() -> None:
    typed = table(
        at=pd.date_range("2026-01-01", periods=20, tz="Europe/Berlin"),
        city=pd.Categorical(["north"] * 20),
        amount=np.arange(20, dtype="int32"),
        calls=pd.array([None] + [1] * 19, dtype="Int64"),
        paid=np.zeros(20, dtype="float32"),
        left=np.arange(20) % 2 == 0,
    )
    result = validated(typed)
    assert (
        result.rows.dtypes.astype(str).tolist()
        == validated(table()).rows.dtypes.astype(str).tolist()
    )
    assert result.rows["at"].iloc[0] == pd.Timestamp("2025-12-31 23:00")
    assert result.rows["left"].sum() == 10


def test_large_whole_numbers_keep_every_digit() -> None:
    big = 2**62 + 1
    for keys in (
        [str(big), "7", "x"],
        pd.array([big, 7, None], dtype="Int64"),
        np.array([big, 7, 2**63], dtype="uint64"),
    ):
        rows = pd.DataFrame({"key": keys, "code": ["a", "b", "c"], "value": 1.0})
        assert validated(rows, schema=Timeless).rows["key"].tolist() == [big, 7]


def test_every_failure_of_a_row_is_recorded() -> None:
    result = validated(table_with(7, amount="abc", city="mars", calls=None))
    assert result.rejected.failures[["column", "reason"]].values.tolist() == [
        ["amount", "type"],
        ["city", "category"],
    ]
    assert len(result.rejected.rows) == 1
    assert result.rejected.rows["amount"].tolist() == ["abc"]


def test_the_later_of_two_equal_rows_is_rejected_across_batches() -> None:
    result = validated(table(2), table(3, amount="6"))
    assert result.rejected.failures[["row", "source", "rule"]].values.tolist() == [
        [0, "part-1", "unique"],
        [1, "part-1", "unique"],
    ]
    assert result.rows["amount"].tolist() == [5.5, 5.5, 6.0]
    assert len(validated(table(2), table(2, at="2026-02-01")).rows) == 4


def test_a_schema_without_time_allows_repeated_keys_and_rejects_repeated_rows() -> None:
    rows = pd.DataFrame(
        {"key": [1, 1, 1, 2], "code": [None, None, None, "a"], "value": [1.0, 2.0, 1.0, 1.0]}
    )
    result = validated(rows, schema=Timeless)
    assert result.rejected.failures["row"].tolist() == [2]
    again = pd.DataFrame({"key": [3], "code": ["a"], "value": [9.0]})
    failures = validated(rows, again, schema=Timeless).rejected.failures
    assert failures[failures["source"] == "part-1"]["column"].tolist() == ["code"]


def test_a_repaired_row_is_dropped_when_the_source_contains_it() -> None:
    repaired = Batch(table(3, amount="6"), "quarantine", 0, repaired=True)
    result = validate([Batch(table(2), "source", 0), repaired], Labelled, limit=0)
    assert result.rows["amount"].tolist() == [5.5, 5.5, 6.0]
    assert result.seen == 3
    assert result.rejected.rows.empty


def test_rows_repaired_under_an_older_schema_do_not_stop_a_run() -> None:
    older = table(2, key=["xx", "yy"])
    without = [
        Batch(older.drop(columns=name), "quarantine", 0, repaired=True) for name in ("city", "paid")
    ]
    result = validate([Batch(table(), "source", 0), *without], Labelled, limit=0.5)
    assert result.rows["key"].tolist()[-2:] == ["xx", "yy"], "city may be missing"
    assert result.rejected.failures["column"].tolist() == ["paid", "paid"]


def test_personal_data_and_unknown_columns_are_removed() -> None:
    result = validated(table_with(7, amount="abc").assign(unknown=1))
    for got in (result.rows, result.rejected.rows, result.rejected.failures):
        assert "secret" not in got.to_csv()
        assert "unknown" not in got


def test_a_missing_column_is_refused_with_the_nearest_column_name() -> None:
    batch = Batch(table().drop(columns=["city", "calls"]), "rows.csv", 0, unread=("citty",))
    with pytest.raises(InvalidData) as caught:
        validate([batch], Labelled, limit=1)
    assert "rows.csv: no columns calls, city" in str(caught.value)
    assert ("city", "column is there", 20, "did you mean citty?") in caught.value.reasons


def test_a_column_whose_type_is_wrong_in_half_of_its_cells_is_refused() -> None:
    problem = refusal(table(amount=["x"] * 10 + ["1"] * 10), limit=0.9)
    assert problem.reasons == (("amount", "type: number", 10, "x"),)
    assert "amount is not a number in 50% of its cells" in str(problem)
    assert problem.rejected is not None
    assert len(problem.rejected.rows) == 10
    assert len(validated(table(amount=["x"] * 9 + ["1"] * 11)).rows) == 11


def test_a_column_of_another_type_is_refused_with_advice() -> None:
    assert "decimal point" in str(refusal(table(amount="1,5")))
    assert "2026-11-24" in str(refusal(table(at="24.11.2026")))
    assert "Series[bool]" in str(refusal(table(amount="yes")))


def test_too_many_invalid_rows_are_refused_with_a_table_and_returned() -> None:
    problem = refusal(
        table(40, amount=["-1", "-2"] + ["1"] * 38, paid=-9, city=["mars"] + ["north"] * 39),
        limit=0.04,
    )
    lines = str(problem).split("\n")
    assert lines[0].startswith("2 of 40 rows (5.0%) break the schema – expected at most 4.0%")
    assert [line.split() for line in lines[1:3]] == [
        ["column", "rule", "rows", "examples"],
        ["amount", "at", "least", "0", "2", "'-1'", "(row", "0),", "'-2'", "(row", "1)"],
    ]
    assert problem.rejected is not None
    assert sorted(problem.rejected.failures["reason"]) == ["category", "range", "range"]
    assert (
        len(validated(table(40, amount=["-1", "-2"] + ["1"] * 38, paid=-9), limit=0.05).rows) == 38
    )


@pytest.mark.parametrize("rows", [table(0), pd.DataFrame()])
def test_a_source_without_rows_is_refused(rows: pd.DataFrame) -> None:
    assert "part-0: no rows" in str(refusal(rows, limit=1))


def test_every_row_may_be_rejected_when_the_limit_is_1() -> None:
    result = validated(table(amount="x"), limit=1)
    assert result.rows.empty
    assert list(result.rows.columns) == list(validated(table()).rows.columns)
    assert result.rejected_share == 1


def schema_with_check(check: Callable[..., Any]) -> type[pa.DataFrameModel]:
    class Checked(Unlabelled):
        @pa.check("amount", name="my check")
        def own(cls, values: Any) -> Any:
            return check(values)

    return Checked


def test_a_check_that_raises_is_an_error_of_the_schema() -> None:
    with pytest.raises(ConfigError, match=r"my check.*amount failed"):
        validated(table(), schema=schema_with_check(lambda values: values.no_such_thing))


def test_a_failed_check_of_a_whole_column_rejects_every_row() -> None:
    problem = refusal(table(), schema=schema_with_check(lambda values: bool(values.mean() > 99)))
    assert problem.reasons == (("amount", "my check", 20, ""),)


GERMAN = Reading(",", ".", "€%")


def test_numbers_are_read_as_the_source_spells_them() -> None:
    given = table(
        amount=["1.000,5 €", " 7,25", "NA", "5.5", "12.34"] * 4, calls="1.000", paid="0,5"
    )
    given["amount"] = given["amount"].str.replace("1.000,5", "100,5")
    result = validate([Batch(given, "rows.csv", 0, reading=GERMAN)], Labelled, limit=1.0)
    assert result.rows["amount"].head(3).tolist()[:2] == [100.5, 7.25]
    assert result.rows["calls"].tolist() == [1000] * 12
    assert set(result.rejected.failures["value"]) == {"5.5", "12.34"}


def test_a_typed_number_does_not_depend_on_the_reading() -> None:
    for dtype in ("float64", "Float64", object):
        given = table(amount=pd.Series([1.5, 234.567, None, 8] * 5, dtype=dtype), paid=0)
        result = validate([Batch(given, "rows", 0, reading=GERMAN)], Labelled, limit=0)
        assert result.rows["amount"].head(2).tolist() == [1.5, 234.567]


def test_a_key_does_not_depend_on_the_reading() -> None:
    given = pd.DataFrame({"key": ["1.0", "2.000", "3,0"], "code": ["a", "b", "c"], "value": "1,5"})
    result = validate([Batch(given, "rows", 0, reading=GERMAN)], Timeless, limit=1.0)
    assert result.rows["key"].tolist() == [1, 2]


def spelled(name: str, of: Any, nullable: bool = True, **metadata: Any) -> type[pa.DataFrameModel]:
    """A schema whose column ``name`` has this type and metadata."""
    field = pa.Field(nullable=nullable, metadata={"role": "ignored", **metadata})
    return type(
        "Spelled",
        (Timeless,),
        {name: field, "__annotations__": {name: Series[of]}, "__module__": __name__},
    )


def read_as(of: Any, cells: Any, reading: Reading = PLAIN, **metadata: Any) -> list[Any]:
    """The validated cells of a column, None for a missing and "wrong" for a wrong one."""
    schema = spelled("own", of, **metadata)
    given = pd.DataFrame({"key": range(len(cells)), "code": None, "value": 1.0, "own": cells})
    result = validate([Batch(given, "rows", 0, reading=reading)], schema, limit=1.0)
    found = dict(zip(result.rows["key"], result.rows["own"].astype(object), strict=True))
    return [
        "wrong" if place not in found else None if pd.isna(found[place]) else found[place]
        for place in range(len(cells))
    ]


def test_values_that_mean_missing_in_a_column_are_missing() -> None:
    missing = [999, -1, "?", "-"]
    texts = ["1", "999", "999.0", " 9.99e2 ", " ?", "-", "-1", "NA", "?!", "998"]
    numbers = [1.0, None, None, None, None, None, None, None, "wrong", 998.0]
    assert read_as(float, texts, missing=missing) == numbers
    assert read_as(int, texts, missing=missing) == numbers
    assert read_as(float, ["999,00 €", "-1"], GERMAN, missing=missing) == [None, None]
    assert read_as(str, texts, missing=missing) == [
        *("1", None, None, None, None, None, None, "NA", "?!", "998")
    ]
    assert read_as(bool, ["yes", "?", "-1", "9"], missing=missing) == [1, None, None, "wrong"]
    assert read_as(bool, [True, False], missing=[1]) == [1, 0]
    dates = ["2026-11-24", "?", "999", "00.00.0000"]
    assert read_as(pd.Timestamp, dates, missing=missing) == [
        *(pd.Timestamp("2026-11-24"), None, None, "wrong")
    ]


@pytest.mark.parametrize("dtype", ["float64", "int64", "Int64", object])
def test_values_that_mean_missing_are_found_in_typed_columns(dtype: Any) -> None:
    large = 2**53 + 1
    cells = pd.Series([1, 999, -1, large if dtype != "float64" else 7], dtype=dtype)
    found = read_as(int, cells, missing=[999, "-1"])
    assert found[:3] == [1, None, None]
    days = pd.Series([pd.Timestamp("9999-12-31"), pd.Timestamp("2026-11-24")])
    found = read_as(pd.Timestamp, days, missing=["31.12.9999"], format="%d.%m.%Y")
    assert found == [None, days[1]]


def test_a_missing_value_in_a_required_column_is_rejected() -> None:
    schema = spelled("own", float, nullable=False, missing=[999])
    given = pd.DataFrame({"key": [1, 2], "code": None, "value": 1.0, "own": ["999", "5"]})
    (failure,) = validated(given, schema=schema).rejected.failures.to_dict("records")
    assert (failure["rule"], failure["value"]) == ("not missing", "999")


def test_dates_are_read_in_the_format_of_their_column_only() -> None:
    day = pd.Timestamp("2026-11-24")
    texts = ["24.11.2026", " 24.11.2026 ", "NA", "2026-11-24", "11/24/2026", "today", "now", "1.1"]
    assert read_as(pd.Timestamp, texts, format="%d.%m.%Y") == [day, day, None, *["wrong"] * 5]
    zoned = ["24.11.2026 01:00 +0100", "23.11.2026 20:00 -0400", "24.11.2026 00:00"]
    form = "%d.%m.%Y %H:%M %z"
    assert read_as(pd.Timestamp, zoned, format=form) == [day, day, "wrong"]
    assert read_as(pd.Timestamp, [day, day], format=form) == [day, day]


def test_a_date_is_no_word_and_no_year_outside_of_the_calendar() -> None:
    texts = ["now", "today", "0000-01-01", "9999-12-31T23:59:59-14:00", "-2026-01-01", "2026-01-01"]
    assert read_as(pd.Timestamp, texts) == [*["wrong"] * 5, pd.Timestamp("2026-01-01")]


def test_nanoseconds_in_one_cell_do_not_affect_the_dates_of_others() -> None:
    texts = ["2026-11-24T10:00:00.123456789", "9999-12-31"]
    expected = [pd.Timestamp("2026-11-24T10:00:00.123456"), pd.Timestamp("9999-12-31")]
    assert read_as(pd.Timestamp, texts) == expected


def test_a_typed_date_is_quarantined_in_the_format_of_its_column() -> None:
    schema = spelled("own", pd.Timestamp, format="%d.%m.%Y")
    days = [pd.Timestamp("2026-11-24"), pd.Timestamp("2026-11-24 10:00"), None]
    given = pd.DataFrame({"key": [1, 2, 3], "code": None, "value": "x", "own": pd.Series(days)})
    rows = validated(given, schema=schema, limit=1.0).rejected.rows
    # Its format would cut the time of day off.
    assert rows["own"].tolist()[:2] == ["24.11.2026", "2026-11-24 10:00:00"]
    assert pd.isna(rows["own"][2])
    again = validated(rows.assign(value=1.0), schema=schema, limit=1.0)
    assert again.rejected.failures["value"].tolist() == ["2026-11-24 10:00:00"]


def test_a_refusal_shows_three_examples_of_each_rule_with_their_rows_and_files() -> None:
    amounts = ["a", "a", "b", "c", "d"] + ["1"] * 15
    shown = str(refusal(table(amount=amounts)))
    assert "amount  type: number     5  'a' (row 0), 'b' (row 2), 'c' (row 3)" in shown
    several = str(refusal(table(amount=amounts), table(at="2026-02-01", city="mars")))
    assert "'mars' (part-1 row 0)" in several
