"""Features that give the answer away are named, honest ones are not. Can run before anything was
trained.
"""

import numpy as np
import pandas as pd
import pytest
from mlproduct.errors import ConfigError
from mlproduct.problems import Task
from mlproduct.training.leaks import leaking_features

from ..data.small_tables import columns, table


def leaks(
    rows: pd.DataFrame, task: Task = "classification", accepted: tuple[str, ...] = ()
) -> list[str]:
    return [
        leak.feature for leak in leaking_features(rows, columns(task), at=0.98, accepted=accepted)
    ]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_honest_features_are_not_named(task: Task) -> None:
    assert leaks(table(task=task), task) == []


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_rescaled_target_is_named(task: Task) -> None:
    rows = table(task=task)
    assert leaks(rows.assign(b=np.exp(rows["y"] / 2)), task) == ["b"]


def test_being_missing_can_be_the_answer() -> None:
    rows = table()
    assert leaks(rows.assign(b=rows["a"].where(rows["y"] == 1))) == ["b"]


def test_a_text_can_be_the_answer() -> None:
    rows = table()
    assert leaks(rows.assign(c=np.where(rows["y"] == 1, "gone", "here"))) == ["c"]


def test_a_middle_range_can_be_the_answer() -> None:
    rows = table()
    inside = np.where(rows["y"] == 1, rows["a"] % 1, 3 + rows["a"].abs())
    assert leaks(
        rows.assign(
            b=np.where(np.arange(len(rows)) % 3 == 0, inside, np.where(rows["y"] == 1, 0.5, -4))
        )
    ) == ["b"]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("kind", ["c", "a"])
def test_a_code_with_hundreds_of_values_can_be_the_answer(task: Task, kind: str) -> None:
    random = np.random.default_rng(3)
    code = random.integers(0, 300, 6000)
    answer = random.integers(0, 2, 300) if task == "classification" else random.normal(size=300)
    value = pd.Series(code).map("b{}".format) if kind == "c" else code.astype(float)
    assert leaks(table(6000, task).assign(y=answer[code], **{kind: value}), task) == [kind]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_hundreds_of_values_that_say_nothing_are_no_leak(task: Task) -> None:
    code = pd.Series(np.random.default_rng(3).integers(0, 300, 6000))
    assert leaks(table(6000, task).assign(c=code.map("b{}".format)), task) == []


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_name_of_its_own_for_every_row_is_no_leak(task: Task) -> None:
    rows = table(task=task)
    assert leaks(rows.assign(c=rows["id"], b=1.0), task) == []


def test_two_numbers_that_add_up_to_the_target_are_named_together() -> None:
    rows = table(task="regression")
    part = pd.Series(np.random.default_rng(1).normal(size=len(rows)))
    assert leaks(rows.assign(a=part, b=rows["y"] - part), "regression") == ["a and b together"]


def test_a_pair_is_found_beside_columns_with_gaps() -> None:
    rows = table(2000, "regression")
    random = np.random.default_rng(1)
    part = pd.Series(random.normal(size=len(rows)))
    b = (rows["y"] - part).where(random.uniform(size=len(rows)) > 0.2)
    found = leaking_features(
        rows.assign(a=part, b=b, empty=np.nan),
        columns("regression", numeric=("a", "b", "empty")),
        at=0.98,
        accepted=(),
    )
    assert [leak.feature for leak in found] == ["a and b together"]


def test_two_numbers_whose_product_or_ratio_is_the_target_are_named_together() -> None:
    rows, random = table(task="regression"), np.random.default_rng(1)
    units, each = random.integers(1, 9, len(rows)).astype(float), random.lognormal(size=len(rows))
    assert leaks(rows.assign(a=units, b=each, y=units * each), "regression") == ["a and b together"]
    assert leaks(rows.assign(a=units, b=units * each, y=each), "regression") == ["a and b together"]


def test_an_accepted_leak_is_passed_over() -> None:
    rows = table()
    assert leaks(rows.assign(b=rows["y"] * 2.0), accepted=("b",)) == []


def test_accepting_what_is_no_feature_is_a_mistake_in_the_file() -> None:
    with pytest.raises(ConfigError, match="'cc' is not a feature"):
        leaks(table(), accepted=("cc",))
