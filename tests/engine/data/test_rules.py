"""Rules of Pandera in words, as a test of one cell, and in JSON Schema."""

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.rules import RULES, rule_of
from pandera.errors import SchemaErrors

NUMBERS = [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 7.0]
TEXTS = ["", "a", "ab", "abc", "xab", "ab|", "north", "b", "ba"]
CHECKS: list[tuple[pa.Check, str, list[Any]]] = [
    (pa.Check.gt(1), "more than 1", NUMBERS),
    (pa.Check.ge(1), "at least 1", NUMBERS),
    (pa.Check.lt(1.5), "less than 1.5", NUMBERS),
    (pa.Check.le(1), "at most 1", NUMBERS),
    (pa.Check.in_range(0, 2), "between 0 and 2", NUMBERS),
    (pa.Check.in_range(0, 2, include_min=False), "between 0 and 2", NUMBERS),
    (pa.Check.in_range(0, 2, include_max=False), "between 0 and 2", NUMBERS),
    (pa.Check.isin([1, 2]), "one of 1, 2", NUMBERS),
    (pa.Check.isin(["a", "b", "ab", "c", "d"]), "one of a, b, ab, c…", TEXTS),
    (pa.Check.notin(["a", "b"]), "none of a, b", TEXTS),
    (pa.Check.eq(1), "equal to 1", NUMBERS),
    (pa.Check.ne(1), "not 1", NUMBERS),
    (pa.Check.str_matches("ab|b"), "matches ab|b", TEXTS),
    (pa.Check.str_matches("^ab$"), "matches ^ab$", TEXTS),
    (pa.Check.str_contains("ab"), "contains ab", TEXTS),
    (pa.Check.str_startswith("ab"), "starts with ab", TEXTS),
    (pa.Check.str_endswith("ab"), "ends with ab", TEXTS),
    (pa.Check.str_length(1, 2), "1 to 2 characters", TEXTS),
    (pa.Check.str_length(min_value=2), "at least 2 characters", TEXTS),
    (pa.Check.str_length(max_value=2), "at most 2 characters", TEXTS),
    (pa.Check.str_length(exact_value=2), "exactly 2 characters", TEXTS),
]
NAMES = [f"{check.name} {words}" for check, words, _ in CHECKS]


def accepted_by_pandera(check: pa.Check, cells: list[Any]) -> list[bool]:
    schema = pa.DataFrameSchema({"cell": pa.Column(checks=[check])})
    broken: set[int] = set()
    try:
        schema.validate(pd.DataFrame({"cell": cells}), lazy=True)
    except SchemaErrors as errors:
        broken = set(errors.failure_cases["index"])
    return [place not in broken for place in range(len(cells))]


def test_every_rule_has_a_case_in_this_file() -> None:
    assert {str(check.name) for check, _, _ in CHECKS} == set(RULES)


@pytest.mark.parametrize(("check", "words", "cells"), CHECKS, ids=NAMES)
def test_a_rule_agrees_with_pandera_in_words_test_and_json_schema(
    check: pa.Check, words: str, cells: list[Any]
) -> None:
    rule = rule_of(check)
    assert rule.words == words
    assert rule.test
    accepted = accepted_by_pandera(check, cells)
    assert 0 < sum(accepted) < len(accepted)
    assert [rule.test(cell) for cell in cells] == accepted
    if rule.keywords:
        validator = jsonschema.Draft202012Validator(dict(rule.keywords))
        assert [validator.is_valid(cell) for cell in cells] == accepted


def test_a_bound_on_a_date_has_no_json_schema() -> None:
    rule = rule_of(pa.Check.ge(pd.Timestamp("2026-11-24")))
    assert (rule.words, rule.keywords) == ("at least 2026-11-24", {})


def test_a_custom_check_is_left_to_pandera() -> None:
    rule = rule_of(pa.Check(lambda cells: cells > 1, name="larger_than_one"))
    assert (rule.words, rule.code, rule.test, rule.keywords) == (
        "larger than one",
        "rule",
        None,
        {},
    )
