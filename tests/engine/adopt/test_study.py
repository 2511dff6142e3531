"""The whole study: leaks, doubts, bars, and nothing of the holdout's targets."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlproduct.adopt import criteria_code
from mlproduct.adopt.roles import Wishes
from mlproduct.adopt.study import Asked, Study, study
from mlproduct.adopt.table import read_table
from mlproduct.config.settings import Source
from mlproduct.errors import ConfigError, InvalidData

TODAY = date(2026, 11, 27)
ROWS = 900
NON_NUMERIC = csv.QUOTE_NONNUMERIC


def table(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    size, weight = random.normal(10, 3, rows).round(2), random.gamma(2, 20, rows).round(1)
    colour = random.choice(["red", "green", "blue"], rows)
    odds = 0.6 * (size - 10) - 0.02 * (weight - 40) + (colour == "red")
    return pd.DataFrame(
        {
            "id": [f"C{number:05d}" for number in range(rows)],
            "size": size,
            "weight": weight,
            "colour": colour,
            "y": np.where(random.uniform(size=rows) < 1 / (1 + np.exp(-odds)), "yes", "no"),
        }
    )


@pytest.fixture
def studied(tmp_path: Path) -> Callable[..., Study]:
    def run(frame: pd.DataFrame, target: str = "y", **wishes: Any) -> Study:
        asked = {name: wishes.pop(name) for name in ("problem", "positive") if name in wishes}
        leave_out = wishes.pop("leave_out", lambda doubt: False)
        frame.to_csv(tmp_path / "table.csv", index=False)
        read = read_table(Source(path="table.csv"), target, root=tmp_path)
        return study(read, Wishes(**wishes), Asked(**asked), TODAY, leave_out)

    return run


def lines(found: Study, subject: str) -> list[str]:
    return [str(each) for each in found.findings if each.subject == subject]


def texts(found: Study) -> tuple[str, ...]:
    facts = found.facts
    return (
        found.schemas,
        found.rule,
        found.candidates,
        criteria_code.criteria(facts),
        criteria_code.pipeline(facts, 9),
        criteria_code.scoring(facts),
        criteria_code.brief(facts, found.doubts),
        *map(str, found.findings),
    )


def test_the_targets_of_the_holdout_are_not_read(studied: Callable[..., Study]) -> None:
    frame = table()
    before = studied(frame)
    from mlproduct.adopt.study import modules
    from mlproduct.data.columns import columns_of
    from mlproduct.data.split_policies import POLICIES

    with modules(schemas=before.schemas) as loaded:
        columns = columns_of(loaded["schemas"].Features)
    held, _ = POLICIES["hash"].holdout(frame, columns, 0.25)
    assert held.sum() > 150
    changed = frame.copy()
    changed.loc[held, "y"] = "another class"
    assert texts(studied(changed)) == texts(before)
    # The targets of the training side are: otherwise the test above would prove nothing.
    swapped = frame.assign(y=np.where(held, frame["y"], frame["y"].to_numpy()[::-1]))
    assert texts(studied(swapped)) != texts(before)


LEAKS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "the target in other words": lambda frame: frame["y"].map({"yes": "left", "no": "stayed"}),
    "a code": lambda frame: frame["y"].eq("yes") * 7 + 3,
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_a_leak_is_left_out_and_named(studied: Callable[..., Study], leak: Any) -> None:
    frame = table()
    frame.insert(2, "status", leak(frame))
    found = studied(frame)
    assert "status" not in found.columns.features
    assert "status is left out: status (1.000) reveals the target" in lines(found, "leak")[0]
    assert "#   status: leak: status (1.000) reveals the target" in found.schemas
    kept = studied(frame, keep=("status",))
    assert "status" in kept.columns.features
    assert kept.accepted == ("status",)  # otherwise the training would be blocked
    pipeline = criteria_code.pipeline(kept.facts, 9, kept.accepted)
    assert '- {feature: "status", because: kept by the person who ran adopt}' in pipeline


def test_a_sum_that_is_the_target_is_left_out(studied: Callable[..., Study]) -> None:
    frame = table().drop(columns="y")
    random = np.random.default_rng(3)
    frame["first"], frame["second"] = random.integers(0, 90, (2, ROWS))
    frame["total"] = frame["first"] + frame["second"]
    found = studied(frame, "total")
    assert {each.name for each in found.left_out} == {"first", "second"}
    assert found.columns.features == ("size", "weight", "colour")
    one = studied(frame, "total", keep=("first",))
    assert one.columns.features == ("size", "weight", "first", "colour")
    assert one.accepted == ()


@pytest.mark.parametrize(("share", "kind"), [(0.5, "leak"), (0.05, "doubt")])
def test_copies_of_rows_are_named_and_kept(
    studied: Callable[..., Study], share: float, kind: str
) -> None:
    """Only a person knows which to remove; the training is blocked, or needs review."""
    frame = pd.concat([table(), table().sample(frac=share, random_state=1)], ignore_index=True)
    found = studied(frame)
    assert found.left_out == ()
    line = next(each for each in lines(found, kind) if "copies of rows are kept" in each)
    assert "rows are also under another" in line
    assert any("rows are also under another" in each for each in found.doubts)


def test_a_doubt_is_kept_unless_a_person_leaves_it_out(studied: Callable[..., Study]) -> None:
    frame = table()
    random = np.random.default_rng(1)
    noise = random.uniform(size=ROWS) < 0.3
    frame["call_outcome"] = np.where(noise, "open", frame["y"].map({"yes": "won", "no": "lost"}))
    kept = studied(frame)
    assert "call_outcome" in kept.columns.features
    assert any("call_outcome is kept" in line for line in lines(kept, "doubt"))
    assert any("`call_outcome`" in doubt for doubt in kept.doubts)
    asked: list[str] = []

    def leave_out(doubt: str) -> bool:
        asked.append(doubt)
        return True

    assert "call_outcome" not in studied(frame, leave_out=leave_out).columns.features
    assert asked[0].startswith("call_outcome: ")
    assert "call_outcome" not in studied(frame, drop=("call_outcome",)).columns.features


def test_a_table_with_a_usable_time_is_split_by_time(studied: Callable[..., Study]) -> None:
    frame = table()
    frame["day"] = pd.date_range("2024-01-01", periods=ROWS).strftime("%d.%m.%Y")
    found = studied(frame)
    assert found.facts.split_by == "time"
    assert '"format": "%d.%m.%Y"' in found.schemas.replace("'", '"')
    grouped = table().assign(customer_id=[f"K{n // 5}" for n in range(ROWS)])
    assert studied(grouped).facts.split_by == "group"


def test_the_bars_are_between_the_baselines_and_state_their_origin(
    studied: Callable[..., Study],
) -> None:
    found = studied(table())
    bars = found.facts.baselines
    assert max(bars.nothing, bars.rule) <= bars.bar <= bars.quick
    text = criteria_code.criteria(found.facts)
    for value in (bars.nothing, bars.rule, bars.quick):
        assert f"{value:.3g}" in text
    assert "\ndraft: true\n" in text


def test_strange_names_of_columns_become_aliases(studied: Callable[..., Study]) -> None:
    renamed = {"size": "mean size (cm)", "weight": "class", "colour": "1st colour"}
    found = studied(table().rename(columns=renamed))
    assert set(found.columns.features) == set(renamed.values())
    assert "alias='mean size (cm)'" in found.schemas


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda frame: frame.head(60), InvalidData, "training rows – expected at least 100"),
        (lambda frame: frame[["id", "y"]], InvalidData, "no feature is left"),
        (lambda frame: frame.head(0), InvalidData, "no rows – expected at least one"),
        (
            lambda frame: frame.rename(columns={"y": "z"}),
            ConfigError,
            "--target y: table.csv has no such column – expected one of id, size",
        ),
    ],
)
def test_a_table_from_which_nothing_can_be_learned_is_refused(
    studied: Callable[..., Study], change: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        studied(change(table()))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_form_of_the_file_is_detected(tmp_path: Path, separator: str, encoding: str) -> None:
    frame = table().replace({"colour": {"red": "größer"}})
    frame.to_csv(tmp_path / "t.csv", index=False, sep=separator, encoding=encoding)
    found = read_table(Source(path="t.csv"), "y", root=tmp_path)
    assert list(found.features) == ["id", "size", "weight", "colour"]
    assert "größer" in set(found.features["colour"])
    assert found.source.separator == {",": None, "\t": "tab"}.get(separator, separator)


@pytest.mark.parametrize("quoting", ["all", "names", "texts"])
def test_cells_between_apostrophes_are_quoted(tmp_path: Path, quoting: str) -> None:
    frame = table().replace({"colour": {"red": "it's red, or so"}})
    if quoting == "names":  # of numbers alone: anes96.csv of statsmodels
        frame = frame.drop(columns=["colour", "id"]).replace({"y": {"no": 0, "yes": 1}})
    if quoting == "texts":
        frame.loc[::7, "colour"] = None
    frame.to_csv(tmp_path / "t.csv", index=False, sep=";", quotechar="'", quoting=NON_NUMERIC)
    names, *lines = (tmp_path / "t.csv").read_text().replace(";'';", ";;").splitlines()
    if quoting == "texts":
        lines = [line.replace("'no'", "no").replace("'yes'", "yes") for line in lines]
        lines = [line.replace("'C", "C", 1).replace("';", ";", 1) for line in lines]
        names = names.replace("'", "")
    (tmp_path / "t.csv").write_text("\n".join([names, *lines]))
    found = read_table(Source(path="t.csv"), "y", root=tmp_path)
    assert found.source.quote == "'"
    assert list(found.features) == list(frame.columns.drop("y"))
    if quoting != "names":
        assert set(found.features["colour"].dropna()) == {"it's red, or so", "green", "blue"}


def test_a_few_apostrophes_are_part_of_the_text(tmp_path: Path) -> None:
    frame = table()
    frame["note"] = np.resize(["don't", "'great'", "the boys' room", "fine"], ROWS)
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = read_table(Source(path="t.csv"), "y", root=tmp_path)
    assert found.source.quote == '"'
    assert found.features["note"].tolist() == frame["note"].tolist()


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "t.csv", index=False, header=False)
    found = read_table(Source(path="t.csv"), "column_5", root=tmp_path)
    assert not found.source.header
    assert len(found) == ROWS
    with pytest.raises(ConfigError, match="the first line has no names, so the columns are number"):
        read_table(Source(path="t.csv"), "y", root=tmp_path)


def test_a_file_separated_by_blanks_without_a_header_is_read(tmp_path: Path) -> None:
    lines = (f'{n}.0  {n % 7}   {n % 3}\t"car  {n}"' for n in range(10, 60))
    (tmp_path / "cars.data").write_text("\n".join(lines) + "\n")
    found = read_table(Source(path="cars.data"), "column_1", root=tmp_path)
    assert (found.source.separator, found.source.format) == ("blanks", "csv")
    assert found.features["column_4"].iloc[0] == "car  10"
    assert len(found) == 50


def test_compressed_files_and_parquet_are_read(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "t.csv.gz", index=False)
    table().to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv.gz", "t.parquet"):
        assert len(read_table(Source(path=name), "y", root=tmp_path)) == ROWS


def test_the_target_alone_may_show_the_decimal_sign(studied: Callable[..., Study]) -> None:
    frame = table().drop(columns=["size", "weight"])
    amounts = np.random.default_rng(5).normal(50, 9, ROWS)
    frame["y"] = [f"{amount:.2f}".replace(".", ",") for amount in amounts]
    found = studied(frame)
    assert found.facts.source.decimal == ","
    assert found.target.problem.name == "regression"


def test_blanks_around_values_are_part_of_them(studied: Callable[..., Study]) -> None:
    frame = table().assign(colour=lambda rows: " " + rows["colour"], y=lambda rows: " " + rows["y"])
    found = studied(frame)
    assert found.target.classes == (" no", " yes")
    assert "isin=[' blue', ' green', ' red']" in found.schemas
    assert found.facts.training_rows > 600


@pytest.mark.parametrize("classes", [("yes", "no"), ("red", "green", "blue"), None])
def test_texts_have_candidates_of_words_for_every_problem(
    studied: Callable[..., Study], classes: tuple[str, ...] | None
) -> None:
    random = np.random.default_rng(4)
    places = random.integers(0, 3 if classes is None else len(classes), ROWS)
    words = np.array(["late again and broken", "thanks it is lovely", "how do I log in"])
    frame = table()[["id", "size"]].assign(
        note=[f"{words[place]} number {number}" for number, place in enumerate(places)]
    )
    noise = random.uniform(size=ROWS) < 0.2
    if classes is None:
        frame["y"] = (places * 10 + random.normal(size=ROWS)).round(2)
    else:
        frame["y"] = np.array(classes)[np.where(noise, 0, places)]
    found = studied(frame)
    assert found.columns.texts == ("note",)
    assert found.facts.baselines.quick != found.facts.baselines.nothing


@pytest.mark.parametrize("scale", [1e7, 1e-7])
def test_bars_of_any_size_are_numbers_without_an_exponent(
    studied: Callable[..., Study], scale: float
) -> None:
    frame = table()
    frame["y"] = (frame["size"] + frame["weight"] / 50) * scale
    found = studied(frame)
    assert "e+" not in " ".join(map(str, found.findings))
    bars = [
        bar
        for each in yaml.safe_load(criteria_code.criteria(found.facts))["criteria"]
        for name, bar in each.items()
        if name in ("at_most", "at_least", "above", "below")
    ]
    assert bars
    assert all(isinstance(bar, int | float) for bar in bars), bars


def test_the_table_itself_has_enough_rows(studied: Callable[..., Study]) -> None:
    facts = replace(studied(table()).facts, rows=19_537)
    assert "at_least: 10000\n" in criteria_code.criteria(facts)


def test_a_rule_states_yes_or_no_only_if_the_whole_column_is(
    studied: Callable[..., Study],
) -> None:
    frame = table()
    frame["day"] = pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")
    unsure = np.random.default_rng(1).uniform(size=ROWS) < 0.25
    frame["calls"] = (frame["y"].eq("yes") ^ unsure).astype(int)
    assert "calls is no" in studied(frame).facts.rule
    frame.loc[ROWS - 1, "calls"] = 2  # the newest rows are held out
    assert "calls is at most 0.5" in studied(frame).facts.rule
