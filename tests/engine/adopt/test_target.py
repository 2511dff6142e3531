"""Which problem a target states, and what is refused with a way out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.adopt.target import TargetFound, target_of
from mlproduct.errors import ConfigError, InvalidData
from mlproduct.reading import Reading

RANDOM = np.random.default_rng(0)


def found(cells: list[Any], **wishes: Any) -> TargetFound:
    return target_of(pd.Series([str(cell) for cell in cells]), "y", Reading(), **wishes)


def several(*values: Any, rows: int = 300) -> list[Any]:
    return [values[place % len(values)] for place in range(rows)]


def test_two_values_are_binary_and_the_rarer_one_is_positive() -> None:
    target = found(["no"] * 200 + ["yes"] * 50)
    assert (target.problem.name, target.classes, target.positive) == (
        "binary",
        ("no", "yes"),
        "yes",
    )
    assert "the rarer one, 20.0%" in str(target.findings[-1])
    assert found(["no"] * 50 + ["yes"] * 200).positive == "no"
    assert found(["no"] * 50 + ["yes"] * 200, positive="yes").positive == "yes"


def test_zero_and_one_are_whole_numbers() -> None:
    target = found([0] * 200 + [1] * 100)
    assert (target.is_text, target.classes, target.positive) == (False, (0, 1), 1)
    assert found(["0.0"] * 200 + ["1.0"] * 100).classes == (0, 1)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (several("red", "green", "blue"), "multiclass"),
        (several(0, 1, 2), "multiclass"),
        (RANDOM.integers(0, 500, 300).tolist(), "regression"),
        (RANDOM.normal(size=300).round(3).tolist(), "regression"),
        (several(0.5, 1.5, 2.5), "regression"),
    ],
)
def test_the_problem_of_a_target(cells: list[Any], problem: str) -> None:
    target = found(cells)
    assert target.problem.name == problem
    assert str(target.findings[1]).startswith(problem)
    assert "[--problem NAME]" in str(target.findings[1])


def test_a_flag_overrides_the_problem() -> None:
    assert found(several(1, 2, 3, 4, 5), problem="regression").problem.name == "regression"
    numbers = [*range(12)] * 30
    assert found(numbers).problem.name == "regression"
    assert found(numbers, problem="multiclass").classes == tuple(range(12))


REFUSED = {
    "one class": (["yes"] * 300, InvalidData, "only the value yes – expected at least two classes"),
    "a class with one row": (
        [*several("red", "green", "blue"), "pink"],
        InvalidData,
        "y: 'pink' occurs only once – expected at least 2 rows of each class – collect more rows",
    ),
    "gaps": (
        ["yes", "no", "no", ""] * 75,
        InvalidData,
        "y is missing in 25.0% of the training rows – .* --query",
    ),
    "free text": (
        [f"a remark about {n} things" for n in range(300)],
        InvalidData,
        "y has 300 different texts in 300 rows – expected classes that repeat",
    ),
    "too few rows": (["yes", "no"] * 20, InvalidData, "40 training rows – expected at least 100"),
}


@pytest.mark.parametrize(("cells", "error", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_target_without_a_problem_is_refused(
    cells: list[Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        found(cells)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"problem": "magic"}, "--problem magic: expected one of binary, multiclass, regression"),
        ({"problem": "binary"}, "--problem binary: y has 3 classes – expected two"),
        ({"positive": "red"}, "--positive red: y has 3 classes – expected two – leave it out"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused(wishes: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        found(several("red", "green", "blue"), **wishes)
    with pytest.raises(ConfigError, match="--positive maybe: the target has the values no and yes"):
        found(several("yes", "no"), positive="maybe")


def test_the_evidence_follows_the_data() -> None:
    assert "yes 50.0%" in str(found(several("yes", "no")).findings[0])
    assert "yes 75.0%" in str(found(several("yes", "yes", "yes", "no")).findings[0])
