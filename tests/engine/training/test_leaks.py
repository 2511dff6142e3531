"""Features that reveal the target are reported, and honest ones are not."""

import numpy as np
import pandas as pd
import pytest
from mlproduct.errors import ConfigError
from mlproduct.training.leaks import leaking_features

from .. import all_kinds
from ..data.small_tables import columns, table


def leaks(
    rows: pd.DataFrame, task: str = "classification", accepted: tuple[str, ...] = ()
) -> list[str]:
    return [
        leak.feature for leak in leaking_features(rows, columns(task), at=0.98, accepted=accepted)
    ]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_honest_features_are_not_reported(task: str) -> None:
    assert leaks(table(task=task), task) == []


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_rescaled_target_is_reported(task: str) -> None:
    rows = table(task=task)
    assert leaks(rows.assign(b=np.exp(rows["y"] / 2)), task) == ["b"]


def test_a_feature_whose_missing_values_reveal_the_target_is_reported() -> None:
    rows = table()
    assert leaks(rows.assign(b=rows["a"].where(rows["y"] == 1))) == ["b"]


def test_a_text_that_reveals_the_target_is_reported() -> None:
    rows = table()
    assert leaks(rows.assign(c=np.where(rows["y"] == 1, "gone", "here"))) == ["c"]


def test_a_feature_whose_middle_range_reveals_the_target_is_reported() -> None:
    rows = table()
    inside = np.where(rows["y"] == 1, rows["a"] % 1, 3 + rows["a"].abs())
    assert leaks(
        rows.assign(
            b=np.where(np.arange(len(rows)) % 3 == 0, inside, np.where(rows["y"] == 1, 0.5, -4))
        )
    ) == ["b"]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("kind", ["c", "a"])
def test_a_code_with_hundreds_of_values_that_reveals_the_target_is_reported(
    task: str, kind: str
) -> None:
    random = np.random.default_rng(3)
    code = random.integers(0, 300, 6000)
    label = random.integers(0, 2, 300) if task == "classification" else random.normal(size=300)
    value = pd.Series(code).map("b{}".format) if kind == "c" else code.astype(float)
    assert leaks(table(6000, task).assign(y=label[code], **{kind: value}), task) == [kind]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_code_with_hundreds_of_uninformative_values_is_not_reported(task: str) -> None:
    code = pd.Series(np.random.default_rng(3).integers(0, 300, 6000))
    assert leaks(table(6000, task).assign(c=code.map("b{}".format)), task) == []


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_unique_text_per_row_is_not_reported(task: str) -> None:
    rows = table(task=task)
    assert leaks(rows.assign(c=rows["id"], b=1.0), task) == []


def test_two_numbers_whose_sum_is_the_target_are_reported_together() -> None:
    rows = table(task="regression")
    part = pd.Series(np.random.default_rng(1).normal(size=len(rows)))
    assert leaks(rows.assign(a=part, b=rows["y"] - part), "regression") == ["a and b together"]


def test_a_pair_is_reported_despite_missing_values_and_empty_columns() -> None:
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


def test_two_numbers_whose_product_or_ratio_is_the_target_are_reported_together() -> None:
    rows, random = table(task="regression"), np.random.default_rng(1)
    units, each = random.integers(1, 9, len(rows)).astype(float), random.lognormal(size=len(rows))
    assert leaks(rows.assign(a=units, b=each, y=units * each), "regression") == ["a and b together"]
    assert leaks(rows.assign(a=units, b=units * each, y=each), "regression") == ["a and b together"]


def test_an_accepted_leak_is_not_reported() -> None:
    rows = table()
    assert leaks(rows.assign(b=rows["y"] * 2.0), accepted=("b",)) == []


def test_accepting_an_unknown_feature_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="'cc' is not a feature"):
        leaks(table(), accepted=("cc",))


def leaks_of_kinds(rows: pd.DataFrame, accepted: tuple[str, ...] = ()) -> list[str]:
    found = leaking_features(rows, all_kinds.columns(), at=0.98, accepted=accepted)
    return [leak.feature for leak in found]


def test_honest_dates_and_texts_are_not_reported() -> None:
    assert leaks_of_kinds(all_kinds.table(2_000)) == []


def test_a_text_with_a_word_that_reveals_the_target_is_reported() -> None:
    rows = all_kinds.table(2_000)
    word = pd.Series(np.where(rows["returned"] == 1, " refunded ", " "))
    notes = rows["note"].fillna("") + word + [f"n{number}" for number in range(2_000)]
    found = rows.assign(note=notes.astype("str"))
    assert leaks_of_kinds(found) == ["note (the word 'refunded')"]
    assert leaks_of_kinds(found, accepted=("note",)) == []


def test_a_text_whose_length_reveals_the_target_is_reported() -> None:
    rows = all_kinds.table(2_000)
    lengths = np.where(rows["returned"] == 1, 40, 20) + np.arange(2_000) % 15
    # Letters of each row's own, so that no word and no text is in two rows.
    notes = [f"{number:05d}".ljust(length, "x") for number, length in enumerate(lengths)]
    assert leaks_of_kinds(rows.assign(note=pd.Series(notes, dtype="str"))) == ["note (its length)"]


def test_a_date_after_the_time_that_reveals_the_target_is_reported() -> None:
    rows = all_kinds.table(2_000)
    random = np.random.default_rng(1)
    later = np.where(rows["returned"] == 1, 20, -20) + random.integers(-9, 9, 2_000)
    minutes = pd.to_timedelta(random.integers(0, 1440, 2_000), unit="min")
    joined = rows["at"] + pd.to_timedelta(later, unit="D") + minutes
    assert leaks_of_kinds(rows.assign(joined=joined)) == ["joined (days before at)"]
