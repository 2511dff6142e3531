"""Features that reveal the target are reported, and honest ones are not."""

from typing import Literal

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import AcceptedLeak, Checks, Split
from mlproduct.data.columns import Columns
from mlproduct.errors import ConfigError
from mlproduct.problems import MulticlassClassification, Regression, Target
from mlproduct.training.leaks import Level, find_leaks
from sklearn import datasets

from .. import all_kinds
from ..data.small_tables import columns, table

WHERE_KNOWN = "b (where it is known)"
HASH = Split(by="hash", holdout=0.25)


def found_in(
    rows: pd.DataFrame,
    of: Columns,
    level: Level = Level.BLOCK,
    accepted: tuple[str, ...] = (),
    by: Literal["hash", "group", "time"] = "hash",
    **limits: float,
) -> list[str]:
    reasons = tuple(AcceptedLeak(feature=name, because="known before") for name in accepted)
    checks = Checks.model_validate({"accepted_leaks": reasons, **limits})
    split = Split(by=by, holdout=0.25)
    return [leak.described for leak in find_leaks(rows, of, checks, split) if leak.level is level]


def leaks(
    rows: pd.DataFrame, task: str = "classification", accepted: tuple[str, ...] = ()
) -> list[str]:
    return found_in(rows, columns(task), accepted=accepted)


def doubts(rows: pd.DataFrame, task: str = "classification") -> list[str]:
    assert leaks(rows, task) == []
    return found_in(rows, columns(task), Level.DOUBT)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_honest_features_are_not_reported(task: str) -> None:
    assert leaks(table(task=task), task) == []


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_rescaled_target_is_reported(task: str) -> None:
    rows = table(task=task)
    assert leaks(rows.assign(b=np.exp(rows["y"] / 2)), task) == ["b"]


@pytest.mark.parametrize(("wrong", "reported"), [(0.005, ["b"]), (0.05, [])])
def test_a_copy_of_the_target_with_a_few_wrong_rows_is_reported(
    wrong: float, reported: list[str]
) -> None:
    """As the birth weight in pounds, which was typed wrong for a few heavy children."""
    rows = table(2_000, task="regression")
    extreme = rows["y"].abs() > rows["y"].abs().quantile(1 - wrong)
    others = np.random.default_rng(3).permutation(rows["y"])
    assert leaks(rows.assign(b=rows["y"].mask(extreme, others) / 16), "regression") == reported


def test_a_doubt_stays_one_if_it_is_weaker_without_the_largest_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = table(2_000, task="regression")
    strong = rows.assign(b=rows["y"] + np.random.default_rng(3).normal(0, 0.2, len(rows)))
    assert doubts(strong, "regression") == ["b"]
    monkeypatch.setattr(Regression, "usual_rows", lambda _, target, guess: abs(target - 0.5) < 0.2)
    assert doubts(strong, "regression") == ["b"]


def test_a_feature_whose_missing_values_reveal_the_target_is_reported() -> None:
    rows = table()
    assert leaks(rows.assign(b=rows["a"].where(rows["y"] == 1))) == ["b"]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.85])
def test_a_feature_that_reveals_the_target_where_it_is_known_is_reported(
    task: str, share: float
) -> None:
    """As a column that someone fills for some rows, after the target is known."""
    rows = table(2_000, task=task)
    known = np.random.default_rng(3).uniform(size=len(rows)) < share
    assert leaks(rows.assign(b=rows["y"].where(known)), task) in ([WHERE_KNOWN], ["b"])
    assert leaks(rows.assign(b=rows["b"].where(known)), task) == []


def test_a_feature_that_few_rows_of_a_class_have_is_not_reported() -> None:
    """Ten rows can have the highest values by chance."""
    rows = table(2_000)
    rows["y"] = (np.arange(len(rows)) % 50 == 0).astype(int)
    known = np.arange(len(rows)) < 500
    assert leaks(rows.assign(b=(rows["a"] + 9 * rows["y"]).where(known))) == []


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
    roles = columns("regression", numeric=("a", "b", "empty"))
    found = found_in(rows.assign(a=part, b=b, empty=np.nan), roles)
    assert found == ["a and b together"]


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
    return found_in(rows, all_kinds.columns(), accepted=accepted)


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


# --- combinations -------------------------------------------------------------------------------


@pytest.mark.parametrize("terms", [3, 5])
def test_numbers_whose_sum_is_the_target_are_reported_together(terms: int) -> None:
    rows, random = table(task="regression"), np.random.default_rng(1)
    names = tuple("abdef"[:terms])
    parts = random.normal(size=(terms - 1, len(rows)))
    found = rows.assign(**dict(zip(names, (*parts, rows["y"] - parts.sum(axis=0)), strict=True)))
    noise = {"more": random.normal(size=len(rows)), "gaps": rows["b"]}
    roles = columns("regression", numeric=(*names, *noise))
    words = f"{', '.join(names[:-1])} and {names[-1]} together"
    assert found_in(found.assign(**noise), roles) == [words]


def test_sums_are_found_beside_numbers_that_are_empty_or_constant_where_the_others_are_known() -> (
    None
):
    rows, random = table(task="regression"), np.random.default_rng(1)
    parts = random.normal(size=(2, len(rows)))
    known = random.uniform(size=len(rows)) < 0.8
    found = rows.assign(
        a=parts[0],
        b=parts[1],
        d=np.where(known, rows["y"] - parts.sum(axis=0), np.nan),
        empty=np.nan,
        zero=np.where(known, 0.0, random.normal(size=len(rows))),
    )
    roles = columns("regression", numeric=("a", "b", "d", "empty", "zero"))
    assert found_in(found, roles) == ["a, b and d together"]
    constant = rows.assign(**found[["a", "b", "d"]], y=np.where(known, 1.0, rows["y"]))
    assert "a, b and d together" not in found_in(
        constant, columns("regression", numeric=("a", "b", "d"))
    )


def test_three_factors_of_the_target_are_reported_together() -> None:
    rows, random = table(task="regression"), np.random.default_rng(1)
    a, b, d = random.lognormal(size=(3, len(rows)))
    roles = columns("regression", numeric=("a", "b", "d"))
    assert found_in(rows.assign(a=a, b=b, d=d, y=a * b * d), roles) == ["a, b and d together"]


def test_a_law_of_three_numbers_with_a_little_noise_is_only_a_doubt() -> None:
    rows, random = table(task="regression"), np.random.default_rng(1)
    a, b, d = random.normal(size=(3, len(rows)))
    y = 3 * a - 0.7 * b + 2 * d + 0.1 * random.normal(size=len(rows))
    roles = columns("regression", numeric=("a", "b", "d"))
    assert found_in(rows.assign(a=a, b=b, d=d, y=y), roles) == []
    assert found_in(rows.assign(a=a, b=b, d=d, y=y), roles, Level.DOUBT) == ["a, b and d together"]


def test_a_pair_is_found_beside_a_feature_that_is_a_doubt_alone() -> None:
    """Most rentals are by registered customers, and the others are the rest of the sum."""
    rows, random = table(2_000, "regression"), np.random.default_rng(1)
    a, b = random.gamma(2, 50, len(rows)), random.gamma(2, 7, len(rows))
    found = rows.assign(a=a, b=b, y=a + b)
    assert leaks(found, "regression") == ["a and b together"]
    assert found_in(found, columns("regression"), Level.DOUBT) == ["a"]


@pytest.mark.parametrize("kind", ["flags", "numbers", "names"])
def test_two_features_that_reveal_a_class_only_together_are_reported(kind: str) -> None:
    rows, random = table(), np.random.default_rng(1)
    one = random.integers(0, 2, len(rows))
    other = one ^ rows["y"].to_numpy()
    changed: dict[str, object] = {"a": one, "b": other}
    if kind == "numbers":
        inside = random.uniform(1, 2, (2, len(rows)))
        changed = {"a": np.where(one, 9, 1) * inside[0], "b": np.where(other, 9, 1) * inside[1]}
    if kind == "names":
        changed = {"a": one, "c": pd.Series(other).map({0: "no", 1: "yes"})}
    assert leaks(rows.assign(**changed)) == [f"{' and '.join(changed)} together"]


def test_the_larger_of_two_numbers_reveals_the_class() -> None:
    rows, random = table(2_000), np.random.default_rng(1)
    one = random.normal(100, 20, len(rows))
    gap = random.exponential(10, len(rows)) + 0.5
    other = one + np.where(rows["y"] == 1, gap, -gap)
    assert leaks(rows.assign(a=one, b=other)) == ["a and b together"]


def test_a_pair_that_agrees_with_the_class_in_most_rows_is_a_doubt() -> None:
    rows, random = table(2_000), np.random.default_rng(1)
    one = random.integers(0, 2, len(rows))
    wrong = random.uniform(size=len(rows)) < 0.03
    other = one ^ rows["y"].to_numpy() ^ wrong
    assert doubts(rows.assign(a=one, b=other)) == ["a and b together"]


# --- one feature --------------------------------------------------------------------------------


def test_a_feature_that_agrees_with_the_target_in_96_of_100_rows_is_a_doubt() -> None:
    rows, random = table(2_000), np.random.default_rng(1)
    wrong = random.uniform(size=len(rows)) < 0.04
    assert doubts(rows.assign(b=(rows["y"] ^ wrong).astype(float))) == ["b"]


def test_a_feature_whose_interval_contains_the_limit_is_a_doubt_whatever_the_limit_of_doubts() -> (
    None
):
    """A project of an earlier release can have a limit below the default of ``doubt_at``."""
    rows, random = table(), np.random.default_rng(1)
    wrong = random.uniform(size=len(rows)) < 0.08
    found = rows.assign(b=(rows["y"] ^ wrong).astype(float))
    assert found_in(found, columns(), leak_at=0.91, doubt_at=0.99) == []
    assert found_in(found, columns(), Level.DOUBT, leak_at=0.91, doubt_at=0.99) == ["b"]


def test_a_strong_honest_feature_in_few_rows_does_not_block() -> None:
    """The width of a petal alone reaches 0.96 to 0.99 in 75 rows, depending on the halves."""
    iris = datasets.load_iris(as_frame=True).frame.rename(columns={"petal width (cm)": "a"})
    rows = iris.assign(y=iris["target"].map("kind {}".format), id=range(150), b=0.0, c="x")
    target = Target("y", is_text=True, values=("kind 0", "kind 1", "kind 2"))
    roles = columns(problem=MulticlassClassification().of(target), time=None, group=None)
    for seed in range(5):
        assert found_in(rows.sample(frac=1, random_state=seed), roles) == []


@pytest.mark.parametrize(
    ("written", "words"),
    [("{kind}-{number:05d}", "its first character"), ("k{number:05d}{kind}", "its last character")],
)
def test_an_identifier_that_encodes_the_class_is_reported(written: str, words: str) -> None:
    rows = table()
    kinds = np.where(rows["y"] == 1, "A", "B")
    unique = [written.format(kind=kind, number=place) for place, kind in enumerate(kinds)]
    assert leaks(rows.assign(c=unique)) == [f"c ({words})"]


def test_a_running_number_whose_last_digit_is_the_class_is_reported() -> None:
    rows = table()
    place = np.random.default_rng(1).permutation(len(rows))
    assert leaks(rows.assign(b=place * 10 + rows["y"])) == ["b (its remainder of 10)"]


def test_a_row_number_in_a_sorted_file_is_reported() -> None:
    rows = table().sort_values("y", ignore_index=True)
    assert leaks(rows.assign(b=range(len(rows)))) == ["b"]


def test_a_date_at_midnight_reveals_the_class() -> None:
    rows = all_kinds.table(2_000)
    random = np.random.default_rng(1)
    seconds = np.where(rows["returned"] == 1, 0, random.integers(1, 86_400, 2_000))
    joined = rows["joined"].dt.floor("D") + pd.to_timedelta(seconds, unit="s")
    assert leaks_of_kinds(rows.assign(joined=joined)) == ["joined (its time of day)"]


# --- subjects and time --------------------------------------------------------------------------


def one_target_per_family() -> pd.DataFrame:
    """Rows of families; all rows of a family have its target and its value of ``a``."""
    random = np.random.default_rng(1)
    family = random.integers(0, 100, 3_000)
    rows = table(3_000).assign(family=[f"f{number}" for number in family], id=range(3_000))
    value, label = random.normal(size=100), random.integers(0, 2, 100)
    return rows.assign(a=value[family], y=label[family])


def test_a_value_that_identifies_a_subject_counts_if_the_holdout_contains_the_subject() -> None:
    rows = one_target_per_family()
    assert found_in(rows, columns(), by="hash") == ["a"]
    assert found_in(rows, columns(), by="group") == []


def daily(task: str = "classification", rows: int = 900) -> pd.DataFrame:
    """One row per day, with a target that does not depend on the day before."""
    return table(rows, task).assign(at=pd.date_range("2024-01-01", periods=rows))


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(
    ("days", "words"), [(1, "b (the target a day later)"), (7, "b (the target a week later)")]
)
def test_the_target_of_a_later_day_is_reported(task: str, days: int, words: str) -> None:
    rows = daily(task)
    later = rows["y"].shift(-days).astype(float)
    # In another order, because the file can have any.
    found = rows.assign(b=later).sample(frac=1, random_state=1)
    assert found_in(found, columns(task, group=None)) == [words]


def test_the_target_of_an_earlier_day_is_a_doubt() -> None:
    rows = daily()
    found = rows.assign(b=rows["y"].shift(1).astype(float))
    assert found_in(found, columns(group=None)) == []
    assert found_in(found, columns(group=None), Level.DOUBT) == ["b (the target a day earlier)"]


def test_the_earlier_target_of_a_slow_series_is_a_doubt_and_no_block() -> None:
    """It nearly determines the target of the same row, but it is an honest feature."""
    rows = daily("regression")
    walk = np.cumsum(np.random.default_rng(1).normal(size=len(rows)))
    found = rows.assign(y=walk, b=pd.Series(walk).shift(1))
    roles = columns("regression", group=None)
    assert found_in(found, roles) == []
    assert found_in(found, roles, Level.DOUBT) == ["b (the target a day earlier)"]


def test_the_target_of_a_later_row_of_the_same_customer_is_reported() -> None:
    rows = pd.concat([daily(rows=60).assign(id=f"c{number}") for number in range(20)])
    random = np.random.default_rng(1)
    rows = rows.assign(y=random.integers(0, 2, len(rows)))
    later = rows.groupby("id")["y"].shift(-1).astype(float)
    found = rows.assign(b=later).reset_index(drop=True)
    assert found_in(found, columns()) == ["b (the target a day later)"]


# --- copies of rows -----------------------------------------------------------------------------


def with_copies(rows: pd.DataFrame, count: int, **changed: object) -> pd.DataFrame:
    """The rows and copies of some of them, as if two exports that overlap were joined."""
    again = rows.sample(count, random_state=1, replace=count > len(rows))
    new = {"id": [f"copy {number}" for number in range(count)], "family": 1_000, **changed}
    return pd.concat([rows, again.assign(**new)], ignore_index=True)


@pytest.mark.parametrize("by", ["hash", "group"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_that_are_there_again_under_another_key_are_reported(
    by: Literal["hash", "group"], task: str
) -> None:
    rows, key = with_copies(table(task=task), 90), "id" if by == "hash" else "family"
    words = f"180 of 690 rows are also under another {key}"
    assert found_in(rows, columns(task), by=by) == [words]
    assert found_in(rows, columns(task), Level.DOUBT, by=by, copied_at=0.5) == [words]
    assert found_in(rows, columns(task), by=by, copied_at=0.5, copied_doubt_at=0.5) == []


def test_few_copies_are_a_doubt_and_a_handful_is_not_reported() -> None:
    assert doubts(with_copies(table(2_000), 30)) == ["60 of 2,030 rows are also under another id"]
    assert doubts(with_copies(table(), 9)) == []


def test_repeated_rows_of_a_rare_class_are_reported_and_not_their_features() -> None:
    """Each number of a repeated row reveals its class, because only its copies have it."""
    rows = table(3_000)
    rare = np.random.default_rng(1).random(3_000) < 0.04
    rows = rows.assign(y=rare.astype("int64"))
    found = pd.concat([rows[~rare], with_copies(rows[rare], 1_500)], ignore_index=True)
    assert [leak.columns for leak in find_leaks(found, columns(), Checks(), HASH)] == [()]


def test_rows_that_are_the_same_by_chance_are_not_reported() -> None:
    """With few columns of few values, most rows have an equal one."""
    rows = table(3_000)
    few = rows.assign(a=rows["a"].round(), b=rows["b"].round())
    assert len(few.drop_duplicates(["a", "b", "c", "y"])) < 300
    assert leaks(few) == doubts(few) == []
    # Also not if one column has many values, but the others do not tell its rows apart.
    rounded = rows.assign(a=rows["a"].round(2), b=1.0, c="x")
    assert rounded.duplicated(["a", "y"]).sum() > 1_000
    assert leaks(rounded) == doubts(rounded) == []


def test_equal_rows_of_one_subject_or_of_one_time_are_not_reported() -> None:
    """They are on one side of the split."""
    rows = with_copies(table(), 300)
    assert found_in(rows.assign(id="one"), columns(), by="hash") == []
    assert found_in(pd.concat([table(), table()]), columns(), by="hash") == []
    assert found_in(rows, columns(), by="time") == []
