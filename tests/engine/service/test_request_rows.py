"""Rows in a JSON request are validated by the same rules as rows in a batch."""

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.schema_validator import SchemaValidator
from mlproduct.data.validation import validate
from mlproduct.service.openapi import example_of, problems_json, request_schema
from mlproduct.service.request_rows import EXPECTED, RowProblem, Rows
from mlproduct.tables import Batch
from pandera.typing import Series
from trial_radar.sample import sample
from trial_radar.schemas import Features

RULES = Rows(Features)
COLUMNS = RULES.validator.columns
DAY = date(2026, 11, 2)


def as_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return found


def a_row(**changes: Any) -> dict[str, Any]:
    (row,) = as_json(sample(rows=1, until=DAY, span=0, dirty=0.0, seed=3)[list(COLUMNS.read)])
    return {**row, **changes}


def test_a_request_and_a_batch_accept_and_reject_the_same_cells() -> None:
    dirty = sample(rows=2_000, until=DAY, span=0, dirty=0.2, seed=5)[list(COLUMNS.read)]
    dirty = dirty.drop_duplicates([COLUMNS.key, COLUMNS.time or COLUMNS.key]).reset_index(drop=True)
    batch = validate([Batch(dirty, "dirty", 0)], Features, limit=1.0)
    checked = RULES.check(as_json(dirty))
    assert 0 < len(batch.rejected.rows) < len(dirty)
    assert sorted(set(range(len(dirty))) - set(checked.positions)) == sorted(
        batch.rejected.rows["row"]
    )
    pd.testing.assert_frame_equal(RULES.table(checked.cells), batch.rows)
    reply = {(each.row, each.field) for each in checked.problems}
    assert reply == set(
        batch.rejected.failures[["row", "column"]].itertuples(index=False, name=None)
    )


@pytest.mark.parametrize("row", [None, 1, "x", [], True, [{}], {"": ""}, {"a": {"b": []}}])
def test_any_json_value_in_place_of_a_row_is_a_problem_of_that_row_only(row: Any) -> None:
    checked = RULES.check([row, a_row()])
    assert checked.positions == [1]
    assert {each.row for each in checked.problems} == {0}


@pytest.mark.parametrize("value", [None, "one", True, [], {}, 1e400, -1e400, float("nan"), 10**400])
def test_a_value_that_is_not_a_number_is_reported(value: Any) -> None:
    needed = next(name for name in COLUMNS.numeric if name not in RULES.validator.nullable)
    (problem,) = RULES.check([a_row(**{needed: value})]).problems
    assert problem.field == needed


@pytest.mark.parametrize("value", [None, "", 1.5, True, [], "a\0b"])
def test_an_invalid_key_is_reported(value: Any) -> None:
    (problem,) = RULES.check([a_row(**{COLUMNS.key: value})]).problems
    assert problem.field == COLUMNS.key


@pytest.mark.parametrize(
    "value",
    ["11/24/26", "yesterday", 5, "0000-00-00", "2026-13-01", "", "0001-01-01T00:00:00+14:00"],
)
def test_an_invalid_date_is_reported(value: Any) -> None:
    assert COLUMNS.time is not None
    (problem,) = RULES.check([a_row(**{COLUMNS.time: value})]).problems
    assert problem.field == COLUMNS.time


def test_times_are_converted_to_utc_and_default_to_now() -> None:
    assert COLUMNS.time is not None
    zoned, utc = (
        a_row(**{COLUMNS.time: "2026-11-24T10:00:00+02:00"}),
        a_row(**{COLUMNS.time: "2026-11-24T08:00:00Z"}),
    )
    now = a_row()
    del now[COLUMNS.time]
    table = RULES.table(RULES.check([zoned, utc, now]).cells)
    assert table[COLUMNS.time][0] == table[COLUMNS.time][1] == pd.Timestamp("2026-11-24T08:00:00")
    assert table[COLUMNS.time][2] > pd.Timestamp("2026-01-01")


def test_unknown_fields_are_reported_and_personal_data_is_dropped() -> None:
    near = COLUMNS.numeric[0] + "s"
    (problem,) = RULES.check([a_row(**{near: 1})]).problems
    assert (problem.field, problem.problem) == (
        near,
        f"unknown field – did you mean {COLUMNS.numeric[0]}?",
    )
    personal = RULES.check([a_row(**dict.fromkeys(COLUMNS.private, "someone@example.com"))])
    assert not personal.problems
    assert "someone@example.com" not in str(personal.cells)


BELOW_9 = {"min_value": 0, "max_value": 9, "include_max": False}


class WithCustomChecks(pa.DataFrameModel):
    """A schema with checks that only Pandera can run."""

    id: Series[str] = pa.Field(metadata={"role": "key"})
    low: Series[float] = pa.Field(metadata={"role": "feature"})
    high: Series[float] = pa.Field(in_range=BELOW_9, metadata={"role": "feature"})

    @pa.check("low")
    def is_even(cls, column: Series[float]) -> Series[bool]:
        return column % 2 == 0

    @pa.dataframe_check
    def in_order(cls, table: pd.DataFrame) -> Series[bool]:
        return table["low"] <= table["high"]


def test_custom_checks_are_run_by_pandera() -> None:
    rules = Rows(WithCustomChecks)
    assert rules.custom
    good, odd, unordered = (
        {"id": "a", "low": 2, "high": 3},
        {"id": "b", "low": 1, "high": 3},
        {"id": "c", "low": 4, "high": 3},
    )
    checked = rules.check([odd, good, unordered, good | {"high": 9}])
    assert checked.positions == [1]
    assert {(each.row, each.field) for each in checked.problems} == {
        (0, "low"),
        (2, None),
        (3, "high"),
    }


def test_the_request_schema_describes_the_rules() -> None:
    schema = request_schema(RULES, 1_000)
    fields = schema["properties"]["rows"]["items"]["properties"]
    assert set(fields) == {*COLUMNS.read, *COLUMNS.private}
    assert schema["properties"]["rows"]["maxItems"] == 1_000
    for name, values in COLUMNS.known_values.items():
        assert set(fields[name]["enum"]) - {None} == set(values)
    assert RULES.check([example_of(RULES)]).problems == []


def test_a_table_of_a_request_has_the_types_of_a_validated_one() -> None:
    table = RULES.table(RULES.check([a_row(), a_row()]).cells)
    assert {str(dtype) for dtype in table.dtypes} <= {"str", "float64", "int64", "datetime64[us]"}
    assert np.array_equal(RULES.validator.stored(table).dtypes, table.dtypes)


def test_a_very_long_key_or_text_is_reported() -> None:
    (problem,) = RULES.check([a_row(**{COLUMNS.key: "k" * 201})]).problems
    assert (problem.field, problem.problem) == (
        COLUMNS.key,
        "expected at most 200 characters, not 201",
    )
    assert not RULES.check([a_row(**{COLUMNS.key: "k" * 200})]).problems
    for name in COLUMNS.categorical:
        (problem,) = RULES.check([a_row(**{name: "x" * 10_001})]).problems
        assert (problem.field, problem.problem) == (
            name,
            "expected at most 10,000 characters, not 10,001",
        )


class WithLengthLimits(pa.DataFrameModel):
    """A schema that limits the length of its texts."""

    id: Series[str] = pa.Field(str_length={"max_value": 300}, metadata={"role": "key"})
    text: Series[str] = pa.Field(str_length={"min_value": 1}, metadata={"role": "feature"})


def test_a_schema_may_limit_the_length_of_its_texts() -> None:
    rules = Rows(WithLengthLimits)
    assert not rules.check([{"id": "k" * 300, "text": "x" * 10_000}]).problems
    named = rules.check([{"id": "k" * 301, "text": "x" * 10_001}]).problems
    assert {(each.field, each.problem) for each in named} == {
        ("id", "expected at most 300 characters, not 301"),
        ("text", "expected at most 10,000 characters, not 10,001"),
    }
    fields = request_schema(rules, 1)["properties"]["rows"]["items"]["properties"]
    assert {name: field["maxLength"] for name, field in fields.items()} == {
        "id": 300,
        "text": 10_000,
    }


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names for which a similar name was searched."""
    found: list[str] = []
    plain = SchemaValidator.nearest

    def counted(self: SchemaValidator, name: str, others: Iterable[str]) -> str:
        found.append(name)
        return plain(self, name, others)

    monkeypatch.setattr(SchemaValidator, "nearest", counted)
    return found


def test_very_many_unknown_fields_are_counted_and_only_some_are_listed(searched: list[str]) -> None:
    """Each unknown name would cost a similarity search, and one body could delay all other requests
    for seconds.
    """
    checked = RULES.check([a_row(**{f"field_{number}": 1 for number in range(115_000)}), a_row()])
    assert checked.positions == [1]
    assert len(checked.problems) == 21
    assert checked.problems[-1].to_json() == {
        "row": 0,
        "field": None,
        "problem": "and 114,980 more unknown fields",
    }
    assert len(searched) <= 20


def test_a_similar_name_is_searched_once_per_unknown_name_of_a_request(searched: list[str]) -> None:
    near = COLUMNS.numeric[0] + "s"
    problems = RULES.check(
        [a_row(**{near: 1, f"field_{number}": 1}) for number in range(100)]
    ).problems
    named = [each.problem for each in problems if each.field == near]
    assert named == [f"unknown field – did you mean {COLUMNS.numeric[0]}?"] * 100
    assert searched.count(near) == 1
    assert len(searched) <= 20


def test_no_similar_name_is_searched_for_a_very_long_one(searched: list[str]) -> None:
    (problem,) = RULES.check([a_row(**{"x" * 100_000: 1})]).problems
    assert (problem.field, problem.problem) == ("x" * 80, "unknown field")
    assert searched == []


def test_a_deep_or_long_value_is_shown_shortened() -> None:
    needed = next(name for name in COLUMNS.numeric if name not in RULES.validator.nullable)
    deep: Any = 1
    for _ in range(1_000):
        deep = [deep]
    for value, shown in (
        (deep, "a list"),
        ({"a": deep}, "an object"),
        ("x" * 10**6, f"'{'x' * 79}"),
    ):
        (problem,) = RULES.check([a_row(**{needed: value})]).problems
        assert problem.problem.endswith(f", not {shown}")


def test_very_many_problems_are_counted_and_only_some_are_listed() -> None:
    reply = problems_json([RowProblem(row, "plan", "is missing") for row in range(1_005)])
    assert len(reply) == 1_001
    assert reply[-1] == {
        "row": 1_000,
        "field": None,
        "problem": "and 5 more problems from this row on",
    }
    assert [each["row"] for each in problems_json([RowProblem(3, None, "is missing")])] == [3]


class WithBooleans(pa.DataFrameModel):
    id: Series[str] = pa.Field(metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
    old: Series[bool] = pa.Field(metadata={"role": "feature"})
    new: Series[bool] = pa.Field(nullable=True, metadata={"role": "feature"})


YES = [True, 1, 1.0, "Yes", " yes ", "YES", "y", "T", "true", "True", "1", "1.0", "\u00a0yes"]
NO = [False, 0, 0.0, -0.0, "No", "n", "F", "false", "0", "0.0"]
NEITHER = [
    2,
    -1,
    0.5,
    float("inf"),
    10**30,
    "perhaps",
    "2",
    "on",
    "ja",
    "yes!",
    "ye s",
    [],
    {},
    [True],
    "\0",
]
NOTHING = [None, "", " ", "NA", "null", "NaN"]


@pytest.mark.parametrize("value", [*YES, *NO, *NEITHER, *NOTHING])
def test_booleans_are_read_the_same_in_a_request_and_in_a_batch(value: Any) -> None:
    rules = Rows(WithBooleans)
    for name in ("old", "new"):
        row = {"id": "a", "at": "2026-11-24T00:00:00", "old": True, "new": True, name: value}
        checked = rules.check([row])
        for column in (pd.Series([value]), pd.Series([value], dtype=object)):
            table = pd.DataFrame({"id": ["a"], "at": row["at"], "old": True, "new": True}).assign(
                **{name: column}
            )
            batch = validate([Batch(table, "rows", 0)], WithBooleans, limit=1.0)
            pd.testing.assert_frame_equal(
                rules.table(checked.cells), batch.rows, check_dtype=bool(checked.cells)
            )
            assert [each.field for each in checked.problems] == batch.rejected.failures[
                "column"
            ].tolist()
    expected = [1.0] if value in YES[1:] or value is True else [0.0] if value in NO else None
    if value in NEITHER:
        assert checked.problems[0].problem.startswith(
            "expected true or false, yes or no, 1 or 0, not "
        )
    elif expected:
        assert rules.table(checked.cells)["new"].tolist() == expected
    else:
        assert rules.table(checked.cells)["new"].isna().tolist() == [True]
        (problem,) = rules.check([row | {"old": value}]).problems
        assert problem.problem == "is missing"


class Ruled(pa.DataFrameModel):
    """A column of each kind with each sort of rule."""

    id: Series[int] = pa.Field(ge=-5, metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(ge=pd.Timestamp("2026-01-01"), metadata={"role": "time"})
    share: Series[float] = pa.Field(
        in_range={"min_value": 0, "max_value": 1, "include_max": False},
        nullable=True,
        metadata={"role": "feature"},
    )
    count: Series[int] = pa.Field(gt=0, notin=[13], metadata={"role": "feature"})
    plan: Series[str] = pa.Field(isin=["a", "b"], nullable=True, metadata={"role": "feature"})
    code: Series[str] = pa.Field(
        str_matches="[A-Z]{2}", str_length={"max_value": 4}, metadata={"role": "feature"}
    )
    new: Series[bool] = pa.Field(isin=[0, 1], metadata={"role": "feature"})


SOUND = {
    "id": 1,
    "at": "2026-11-24",
    "share": 0.5,
    "count": 3,
    "plan": "a",
    "code": "ABC",
    "new": 1,
}
VALUES: list[Any] = [
    *(None, True, False, 0, 1, 3, 13, -1, -6, 0.0, 0.5, 1.0, 3.0, 3.5, 1e300, 2**63, 10**400),
    *("", " ", "a", "b", "c", "AB", "ab", "ABCDE", "3", "13", "-6", "1.0", "yes", "no", "\0"),
    *("2025-12-31", "2026-11-24", "2026-11-24T10:00:00Z", "9999-12-31T23:59:59-14:00"),
    *([], [1], {}, {"a": 1}, float("inf"), float("nan")),
]


@pytest.mark.parametrize("name", SOUND)
def test_pydantic_accepts_a_value_exactly_if_no_rule_explains_a_refusal(name: str) -> None:
    """Pydantic decides, and the column explains: both have to apply the same rules."""
    rules = Rows(Ruled)
    column = rules.columns[rules.places[name]]
    for value in VALUES:
        checked = rules.check([SOUND | {name: value}])
        try:
            cell = column.coerce(value)
            accepted = (
                column.nullable or column.defaults_to_now
                if cell is None
                else all(rule.test is not None and rule.test(cell) for rule in column.rules)
            )
        except ValueError:
            accepted = False
        assert bool(checked.positions) == accepted, value
        if accepted:
            continue
        (problem,) = checked.problems
        assert problem.field == name
        assert re.fullmatch(r"is missing|expected .+, not .+", problem.problem)
        if problem.problem != "is missing" and "characters" not in problem.problem:
            words = [EXPECTED[column.kind], *(rule.words for rule in column.rules), "a key as"]
            assert any(problem.problem.startswith(f"expected {each}") for each in words)
