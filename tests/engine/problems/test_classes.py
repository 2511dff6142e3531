"""The target of a classification: any values, and which one is the positive one."""

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.columns import columns_of
from mlproduct.errors import ConfigError, InvalidData
from mlproduct.problems import BinaryClassification, Problem, Regression, Target
from pandera.typing import Series


def schema(kind: Any, positive: Any = None, **rules: Any) -> Any:
    named = {} if positive is None else {"positive": positive}

    class Labelled(pa.DataFrameModel):
        k: Series[str] = pa.Field(metadata={"role": "key"})
        x: Series[float] = pa.Field(metadata={"role": "feature"})
        y: Series[kind] = pa.Field(metadata={"role": "target", **named}, **rules)

    return Labelled


def problem_of(problem: Problem, *given: Any, **rules: Any) -> Problem:
    return columns_of(schema(*given, **rules), problem).of_target


@pytest.mark.parametrize(
    ("kind", "values", "positive", "codes"),
    [
        (str, ["yes", "no"], "yes", [1, 0]),
        (str, ["left", "stayed"], "left", [1, 0]),
        (int, [0, 1], None, [0, 1]),
        (int, [0, 1], 0, [1, 0]),
        (int, [1, 2], 2, [0, 1]),
        (bool, [False, True], None, [0, 1]),
        (float, [0.0, 1.0], None, [0, 1]),
    ],
)
def test_a_binary_target_has_any_two_values(
    kind: Any, values: list[Any], positive: Any, codes: list[int]
) -> None:
    problem = problem_of(BinaryClassification(), kind, positive, isin=values)
    assert problem.encode(pd.Series(values)).tolist() == codes
    assert problem.decode(np.array(codes)).tolist() == [problem_value(v) for v in values]


def problem_value(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


@pytest.mark.parametrize(
    ("kind", "values", "positive", "message"),
    [
        (str, ["yes", "no"], None, "y has the values yes, no and names no positive one.*'no'"),
        (str, ["yes", "no", "maybe"], "yes", "y has the values yes, no, maybe – expected exactly"),
        (int, [1, 2], None, "names no positive one"),
        (str, ["yes", "no"], "Yes", "the positive value of y is 'Yes' – expected one of yes, no"),
        (int, [0, 1, 2], None, "expected exactly two for BinaryClassification"),
    ],
)
def test_a_schema_without_two_values_and_a_positive_one_is_refused(
    kind: Any, values: list[Any], positive: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        problem_of(BinaryClassification(), kind, positive, isin=values)


def test_a_text_target_has_to_list_its_values() -> None:
    with pytest.raises(ConfigError, match="list two with isin"):
        problem_of(BinaryClassification(), str, "yes")


def test_a_text_is_no_target_of_a_regression() -> None:
    with pytest.raises(ConfigError, match="y is a text – expected a number for Regression"):
        problem_of(Regression(), str, isin=["a", "b"])


def test_a_third_value_is_refused_in_one_line_with_its_count() -> None:
    problem = BinaryClassification().of(Target("churned"))
    with pytest.raises(InvalidData) as refused:
        problem.encode(pd.Series([0, 1, 2, 2]))
    assert "churned has the value 2 in 2 of 4 rows – expected one of 0, 1" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_target_with_one_value_names_it_as_the_schema_does() -> None:
    problem = BinaryClassification().of(Target("y", True, ("yes", "no"), "yes"))
    complaint = problem.complaint(problem.encode(["no"] * 5))
    assert str(complaint).startswith("y is no in all 5 training rows – expected several of no, yes")


@pytest.mark.parametrize("found", [["yes", "no"], [True, False]])
def test_a_rule_returns_values_of_the_target_or_a_mask(found: list[Any]) -> None:
    problem = BinaryClassification().of(Target("y", True, ("yes", "no"), "yes"))
    rows = pd.DataFrame({"x": [1, 2]})
    assert problem.by_rule(lambda rows: np.array(found))(rows).decision.tolist() == [1, 0]
