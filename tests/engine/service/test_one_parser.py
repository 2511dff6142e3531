"""A request and a batch read the same cells in the same way: every kind, spelling and reading."""

from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.config.settings import Settings
from mlproduct.data.quarantine import Quarantine
from mlproduct.data.validation import validate
from mlproduct.reading import PLAIN, Reading
from mlproduct.service.openapi import example_of, request_schema
from mlproduct.service.options import ServiceSettings
from mlproduct.service.request_rows import Rows
from mlproduct.service.server import service_of
from mlproduct.tables import Batch
from pandera.typing import Series
from trial_radar.sample import sample

from ..team import PRODUCT, main

READINGS = (
    PLAIN,
    Reading(","),
    Reading(",", ".", "€%"),
    Reading(".", ",", "$"),
    Reading(",", " ", "€"),
    Reading(".", "'"),
    Reading(".", "_", "%"),
)
OWN = {"missing": [999, -1, "?", "-", "00.00.0000"]}


def column(**metadata: Any) -> Any:
    return pa.Field(nullable=True, metadata={"role": "feature", **metadata})


class Plain(pa.DataFrameModel):
    """A column of each kind."""

    id: Series[str] = pa.Field(metadata={"role": "key"})
    number: Series[float] = column()
    whole: Series[int] = column()
    flag: Series[bool] = column()
    day: Series[pd.Timestamp] = column()
    plan: Series[str] = column()


class Required(Plain):
    """The same, and no cell may be missing."""

    number: Series[float] = pa.Field(metadata={"role": "feature"})
    whole: Series[int] = pa.Field(metadata={"role": "feature"})
    flag: Series[bool] = pa.Field(metadata={"role": "feature"})
    day: Series[pd.Timestamp] = pa.Field(metadata={"role": "feature", "format": "%d.%m.%y"})
    plan: Series[str] = pa.Field(metadata={"role": "feature"})


class Spelled(Plain):
    """The same with own values for missing, and a format for dates."""

    number: Series[float] = column(**OWN)
    whole: Series[int] = column(**OWN)
    flag: Series[bool] = column(**OWN)
    day: Series[pd.Timestamp] = column(**OWN, format="%d.%m.%Y %H:%M %z")
    plan: Series[str] = column(**OWN)


class Dotted(Plain):
    day: Series[pd.Timestamp] = column(**OWN, format="%d.%m.%Y")


class Numbered(Plain):
    id: Series[int] = pa.Field(metadata={"role": "key", "missing": [999, "?"]})


BODIES: tuple[str, ...] = (
    "0",
    "1",
    "7",
    "1.5",
    "1,5",
    "1.234",
    "1,234",
    "1 234",
    "1'234",
    "1_234",
    "1.234,5",
)
BODIES += ("1,234.5", "12,34", "0,123", "999", "999.0", "999,0", "9e2", "9007199254740993", "inf")
BODIES += ("9223372036854775807", "9223372036854775808", "1e17", "1e999", ".5", "5.", "x", "0x1")
NUMBERS = [
    "".join(parts) for parts in product(("", "$", "€ "), ("", "-", "+", "-€"), BODIES, ("", " %"))
]
DAYS: tuple[str, ...] = (
    "2026-11-24",
    "20261124",
    "2026-11",
    "2026",
    "2026-1-4",
    "2026/11/24",
    "2026-W47-2",
)
DAYS += ("2026-W47-2", "24.11.2026", "24.11.26", "4.1.2026", "11/24/26", "0000-01-01", "0001-01-01")
DAYS += ("9999-12-31", "now", "today", "yesterday", "2026-02-30", "12026-01-01", "-2026-01-01")
CLOCKS: tuple[str, ...] = (
    "",
    "T10",
    "T10:00",
    " 10:00",
    "T10:00:00",
    "T10:00:00.5",
    "T10:00:00.123",
    "T24:00",
)
CLOCKS += ("T10:00:00.123456", "T10:00:00.123456789", "T10:00:60", "t10:00", "x10:00", " 10:00,5")
ZONES = (
    "",
    "Z",
    "z",
    "+01:00",
    "-14:00",
    "+0100",
    "+01",
    " +0100",
    "+15:00",
    "+24:00",
    "+01:00:30",
)
# Every clock with every zone on two days, and every other day with each of them alone.
DATES = [
    "".join(parts)
    for parts in product(("", " "), DAYS, CLOCKS, ZONES)
    if parts[1] in ("2026-11-24", "24.11.2026") or "" in parts[2:]
]
WORDS = ["", " ", "NA", "n/a", "null", "NaN", "nan", "NAN", "None", "<NA>", "\\N", "?", " ?", "-"]
WORDS += ["yes", "No", " TRUE ", "t", "f", "ja", "00.00.0000", "\u00a0NA\u3000", "\x1f7", "\x85"]
TYPED: list[Any] = [None, 0, 1, 7, -1, 999, 2**53 + 1, 2**62 + 1, 2**63, 10**400]
TYPED += [0.0, -0.0, 1.0, 1.5, -1.0, 999.0, 2.0**53, 1e16, 1e17, 1e300, 5e-324, 20261124]


def in_a_batch(schema: Any, name: str, cells: list[Any], reading: Reading) -> list[Any]:
    """The validated cells, None for a missing one and "refused" for a row that is rejected."""
    other = {"id": [str(place) for place in range(len(cells))], "number": 0.0, "whole": 0}
    other |= {"flag": 1, "plan": "a", "day": pd.Timestamp("2026-01-01")}
    place = pd.Series(range(len(cells)))
    given = pd.DataFrame(other).assign(**{name: pd.Series(cells, dtype=object)})
    result = validate([Batch(given, "rows", 0, reading=reading)], schema, limit=1.0)
    kept = place[~place.isin(result.rejected.rows["row"])]
    found = dict(zip(kept, result.rows[name].astype(object), strict=True))
    return ["refused" if at not in found else as_cell(found[at]) for at in range(len(cells))]


def in_requests(schema: Any, name: str, cells: list[Any], reading: Reading) -> list[Any]:
    rules = Rows(schema, reading)
    row = {"id": "1", "number": 0, "whole": 0, "flag": True, "plan": "a"}
    row["day"] = "01.01.26" if schema is Required else "2026-01-01"
    if schema in (Spelled, Dotted):
        row["day"] = "?"
    checked = rules.check([{**row, name: cell} for cell in cells])
    assert {each.field for each in checked.problems} <= {name}
    values = rules.table(checked.cells)[name].astype(object)
    found = dict(zip(checked.positions, values, strict=True))
    return ["refused" if at not in found else as_cell(found[at]) for at in range(len(cells))]


def differences(
    schema: Any, name: str, cells: list[Any], reading: Reading = PLAIN
) -> list[tuple[Any, Any, Any]]:
    """The cells that a batch and a request read differently, with both values."""
    batch = in_a_batch(schema, name, cells, reading)
    requests = in_requests(schema, name, cells, reading)
    assert batch.count("refused") < len(cells)
    rows = zip(cells, batch, requests, strict=True)
    return [(cell, one, other) for cell, one, other in rows if one != other]


def as_cell(value: Any) -> Any:
    return None if pd.isna(value) else value


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("name", ["number", "whole"])
@pytest.mark.parametrize("schema", [Required, Spelled])
def test_numbers_are_read_alike(schema: Any, name: str, reading: Reading) -> None:
    assert differences(schema, name, [*NUMBERS, *WORDS, *TYPED], reading) == []


@pytest.mark.parametrize("schema", [Plain, Required, Spelled, Dotted])
def test_dates_are_read_alike(schema: Any) -> None:
    assert differences(schema, "day", [*DATES, *WORDS, *TYPED, *BODIES]) == []


@pytest.mark.parametrize("schema", [Plain, Required, Spelled])
def test_booleans_and_texts_are_read_alike(schema: Any) -> None:
    cells = [*NUMBERS[::7], *DAYS, *WORDS, *TYPED]
    assert differences(schema, "flag", cells) == []
    assert differences(schema, "plan", [*cells, True]) == [(True, "True", "refused")]


@pytest.mark.parametrize("schema", [Plain, Numbered])
def test_keys_are_read_alike(schema: Any) -> None:
    # Alone, because equal keys are duplicates in a batch. A key in a request has 200 characters.
    for cell in [*BODIES, "007", *WORDS[-4:], *(cell for cell in TYPED if cell != 10**400)]:
        found = in_requests(schema, "id", [cell], PLAIN)
        assert found == in_a_batch(schema, "id", [cell], PLAIN), cell


@pytest.mark.parametrize("value", [True, False, [], [1], {}, float("inf"), float("-inf")])
def test_a_json_value_that_is_no_number_is_refused(value: Any) -> None:
    for name in ("number", "whole"):
        (problem,) = Rows(Plain).check([{"id": "a", name: value}]).problems
        assert problem.field == name


def test_what_is_missing_in_a_request_is_missing() -> None:
    rules = Rows(Spelled)
    for value in ("?", " - ", -1, 999, 999.0, "999", "00.00.0000"):
        row = dict.fromkeys(("number", "whole", "flag", "day", "plan"), value)
        (cells,) = rules.check([{"id": "a", **row}]).cells
        assert cells == ["a", None, None, None, None, None], value
    (problem,) = Rows(Numbered).check([{"id": 999}]).problems
    assert (problem.field, problem.problem) == ("id", "is missing")


def test_a_text_for_a_time_that_means_missing_is_not_replaced_by_now() -> None:
    class Timed(Plain):
        at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time", "missing": ["-"]})

    for value in ("", "NA", "-"):
        (problem,) = Rows(Timed).check([{"id": "a", "at": value}]).problems
        assert problem.field == "at"
    assert not Rows(Timed).check([{"id": "a", "at": None}]).problems


def test_the_page_and_the_problems_name_the_spelling() -> None:
    rules = Rows(Dotted, READINGS[2])
    fields = request_schema(rules, 1)["properties"]["rows"]["items"]["properties"]
    assert fields["number"]["type"] == ["number", "string", "null"]
    assert fields["whole"]["type"] == ["integer", "string", "null"]
    assert "1.234,5" in fields["number"]["description"]
    assert fields["day"]["type"] == ["string", "null"]
    assert "format" not in fields["day"]
    assert "24.11.2026" in fields["day"]["description"]
    assert rules.check([example_of(rules)]).problems == []
    (problem,) = rules.check([{"id": "a", "day": "2026-11-24"}]).problems
    assert problem.problem == "expected a date as 24.11.2026, not '2026-11-24'"
    (problem,) = rules.check([{"id": "a", "number": "1.5"}]).problems
    assert problem.problem == "expected a number such as 1.234,5, not '1.5'"


def test_the_page_lists_the_values_of_a_number_as_number_and_as_text() -> None:
    class Listed(Plain):
        number: Series[float] = pa.Field(isin=[1, 2.5], metadata={"role": "feature"})

    rules = Rows(Listed, Reading(","))
    field = request_schema(rules, 1)["properties"]["rows"]["items"]["properties"]["number"]
    assert field["enum"] == [1, 2.5, "1", "2,5"]
    row = {"id": "a", "whole": 1, "flag": 1, "day": None, "plan": "x"}
    assert not rules.check([{**row, "number": value} for value in field["enum"]]).problems


def test_a_long_date_is_refused_and_not_remembered() -> None:
    (problem,) = Rows(Plain).check([{"id": "a", "day": "2026-11-24" + " " * 10**6 + "x"}]).problems
    assert problem.field == "day"


def test_a_date_is_a_plain_moment_without_a_time_zone() -> None:
    rules = Rows(Dotted)
    (cells,) = rules.check([{"id": "a", "day": "24.11.2026"}]).cells
    day = cells[rules.places["day"]]
    assert (day, day.tzinfo) == (datetime(2026, 11, 24), None)
    assert np.datetime64(day, "us") == np.datetime64("2026-11-24", "us")


def test_the_service_and_a_replay_use_the_reading_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = "source: {path: rows.csv, decimal: ','}\nsplit: {by: hash, holdout: 0.2}\n"
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "pipeline.yaml").write_text(pipeline + "search: {trials: 1}\n")
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    settings = Settings.from_environment({"PRODUCT_ROOT": str(tmp_path)})
    wanted = ServiceSettings.from_environment("127.0.0.1", 0, {})
    assert service_of(PRODUCT, settings, wanted).rows.reading == Reading(",")

    given = sample(rows=3, until=date(2026, 11, 2), span=0, dirty=0.0, seed=3).astype("str")
    for name in PRODUCT.columns.numeric:
        given[name] = given[name].str.replace(".", ",")
    rejected = validate([Batch(given, "rows.csv", 0)], PRODUCT.labelled, limit=1.0).rejected
    Quarantine(settings.var / "quarantine").keep("run-1", rejected)
    assert main(["quarantine", "replay", "run-1"]) == 0
    assert "3 rows pass now" in capsys.readouterr().out
