"""Features that give the answer away are named, honest ones are not. Can run before anything was trained."""

import numpy as np
import pandas as pd
import pytest

from <<cookiecutter.package>>.columns import Task
from <<cookiecutter.package>>.errors import ConfigError
from <<cookiecutter.package>>.steps.leaks import leaking_features

from .tables import columns, table


def leaks(rows: pd.DataFrame, task: Task = "classification", accepted: tuple[str, ...] = ()) -> list[str]:
    return [leak.feature for leak in leaking_features(rows, columns(task), at=0.98, accepted=accepted)]


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
    assert leaks(rows.assign(b=np.where(np.arange(len(rows)) % 3 == 0, inside, np.where(rows["y"] == 1, 0.5, -4)))) == [
        "b"
    ]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_name_of_its_own_for_every_row_is_no_leak(task: Task) -> None:
    rows = table(task=task)
    assert leaks(rows.assign(c=rows["id"], b=1.0), task) == []


def test_two_numbers_that_add_up_to_the_target_are_named_together() -> None:
    rows = table(task="regression")
    part = pd.Series(np.random.default_rng(1).normal(size=len(rows)))
    assert leaks(rows.assign(a=part, b=rows["y"] - part), "regression") == ["a and b together"]


def test_an_accepted_leak_is_passed_over() -> None:
    rows = table()
    assert leaks(rows.assign(b=rows["y"] * 2.0), accepted=("b",)) == []


def test_accepting_what_is_no_feature_is_a_mistake_in_the_file() -> None:
    with pytest.raises(ConfigError, match="'cc' is not a feature"):
        leaks(table(), accepted=("cc",))
