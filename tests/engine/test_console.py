"""The console output: colours, tables, results and errors."""

import io
from typing import Any

import pytest
from mlproduct.console import coloured, error, table
from mlproduct.errors import InvalidData
from mlproduct.gate.bars import measured_with_bar
from mlproduct.gate.criteria import Criterion, Interval, Outcome, Result
from mlproduct.scorecard.terminal import result_lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_used_only_on_terminals_without_no_color(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured("met", "green", Terminal()) == "\033[32mmet\033[0m"
    assert coloured("met", "green", io.StringIO()) == "met"
    monkeypatch.setenv("NO_COLOR", "")
    assert coloured("met", "green", Terminal()) == "met"


def test_a_table_aligns_its_columns_without_trailing_spaces() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "cc")]) == ["  a    bb  c", "  aaa  b   cc"]
    assert table([]) == []


def test_result_lines_show_the_measurement_and_give_a_reason_only_for_a_criterion_not_met() -> None:
    criterion = Criterion(
        id="catch", says="We catch 6 of 10.", why="It pays.", metric="recall", at_least=0.6
    )
    ends = Interval(low=0.65, high=0.75)
    met = Result(
        criterion=criterion, outcome=Outcome.MET, because="It is.", value=0.7, interval=ends
    )
    failed = met.model_copy(update={"outcome": Outcome.NOT_MET, "because": "It is not. " * 60})
    lines = result_lines([met, failed])
    assert len(lines) == 3
    assert "catch  recall 0.70 [0.65, 0.75] ≥ 0.6  We catch 6 of 10." in lines[0]
    assert lines[2].endswith("… (see the scorecard)")


@pytest.mark.parametrize(
    ("bar", "shown"),
    [
        ({"at_most": 0.05}, "recall 0.7 ≤ 0.05"),
        ({"at_least": 0, "versus": "rule"}, "recall vs rule 0.7 > 0"),
        ({"at_most": 0, "versus": "do_nothing"}, "recall vs do nothing 0.7 < 0"),
        ({"at_least": 0.6, "by": "region"}, "recall by region 0.7 ≥ 0.6"),
        ({"gap_at_most": 0.15, "by": "region"}, "recall gap by region 0.7 within ±0.15"),
    ],
)
def test_measured_with_bar_shows_the_metric_the_value_and_the_bar(
    bar: dict[str, Any], shown: str
) -> None:
    criterion = Criterion.model_validate(
        {"id": "catch", "says": "We catch 6 of 10.", "why": "It pays.", "metric": "recall", **bar}
    )
    result = Result(criterion=criterion, outcome=Outcome.MET, because="It is.", value=0.7)
    assert measured_with_bar(result) == shown


def test_measured_with_bar_reports_no_value_when_nothing_was_measured() -> None:
    first = Criterion(
        id="first", says="Better.", why="Pays.", metric="recall", versus="champion", at_least=0
    )
    result = Result(criterion=first, outcome=Outcome.MET, because="There is no champion.")
    assert measured_with_bar(result) == "recall vs champion: no champion yet, so met, bar > 0"
    failed = result.model_copy(update={"outcome": Outcome.NOT_MET, "could_not_be_measured": True})
    assert measured_with_bar(failed) == "recall vs champion: no value, bar > 0"


def test_error_shows_its_reasons_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    error(InvalidData("too many bad rows", (("age", "at least 0", 1200, "-7"),)))
    shown = capsys.readouterr().err
    assert "error: too many bad rows" in shown
    assert "age     at least 0  1,200  -7" in shown
