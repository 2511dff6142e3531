"""What a column contains: one answer for the whole column, and evidence that follows the data."""

import numpy as np
import pandas as pd
import pytest
from mlproduct.adopt.kinds import Content, contents_of, reading_of
from mlproduct.reading import Reading

ROWS = 200
RANDOM = np.random.default_rng(0)


def content(cells: object, name: str = "x") -> Content:
    table = pd.DataFrame({name: pd.Series(cells)})
    return contents_of(table, reading_of([table[name]]))[name]


def texts(*values: str) -> list[str]:
    """200 cells that repeat the values."""
    return [values[place % len(values)] for place in range(ROWS)]


NUMBERS = [f"{number:.2f}" for number in RANDOM.normal(50, 9, ROWS)]
COUNTS = [str(number) for number in RANDOM.integers(0, 28, ROWS)]

CASES = {
    "numbers": (NUMBERS, "number"),
    "few different numbers are numbers": (texts("1", "2", "3"), "number"),
    "money": ([f"${int(n) * 1000:,}" for n in range(1, ROWS + 1)], "number"),
    "percent": ([f"{n % 90} %" for n in range(ROWS)], "number"),
    "decimal commas": ([n.replace(".", ",") for n in NUMBERS], "number"),
    "words": (texts("red", "green", "blue"), "category"),
    "yes and no": (texts("Yes", "No"), "yes or no"),
    "Y and N": (texts("Y", "N", ""), "yes or no"),
    "true and false": (texts("true", "false"), "yes or no"),
    "0 and 1": (texts("0", "1", ""), "yes or no"),
    "0 to 2": (texts("0", "1", "2"), "number"),
    "one value": (texts("red"), "constant"),
    "nothing": (texts("", "NA"), "empty"),
    "ISO dates": ([f"2024-01-{1 + n % 28:02d}" for n in range(ROWS)], "date"),
    "German dates": ([f"{1 + n % 28:02d}.03.2024" for n in range(ROWS)], "date"),
    "American dates": ([f"03/{1 + n % 28:02d}/2024" for n in range(ROWS)], "date"),
    "identifiers": ([f"C-{n:05d}" for n in range(ROWS)], "identifier"),
    "running numbers": ([str(n) for n in range(ROWS)], "identifier"),
    "sentences": ([f"the customer number {n} wrote to us" for n in range(ROWS)], "text"),
    "repeated sentences": (texts("late and still not here", "the wrong colour again"), "category"),
    "years": (texts("2019", "2020", "2021"), "number"),
    "order numbers of eight digits": ([str(20240000 + n) for n in range(ROWS)], "identifier"),
}


@pytest.mark.parametrize(("cells", "kind"), CASES.values(), ids=CASES.keys())
def test_the_kind_of_a_column(cells: list[str], kind: str) -> None:
    assert content(cells).kind == kind


def test_a_number_stays_a_number_however_many_rows_there_are() -> None:
    ages = [str(age) for age in RANDOM.integers(18, 90, 20_000)]
    assert content(ages[:50]).kind == content(ages).kind == "number"


@pytest.mark.parametrize("mark", ["?", "-", "N/A", "", "NA", "not available"])
def test_spellings_of_missing_in_numbers(mark: str) -> None:
    found = content([*NUMBERS[:150], *[mark] * 50])
    assert found.kind == "number"
    assert found.share_missing == pytest.approx(0.25)


@pytest.mark.parametrize(("spike", "missing"), [("999", 999), ("9999", 9999), ("-1", -1)])
def test_a_spike_far_from_all_others_stands_for_missing(spike: str, missing: int) -> None:
    found = content([*COUNTS[:180], *[spike] * 20])
    assert found.missing == (missing,)
    assert found.share_missing == pytest.approx(0.1)
    assert f"{spike} (10.0%) stands for missing" in found.evidence
    assert found.high < 28
    # A part of the scale is no spike, and neither is a single large number.
    assert content([str(number) for number in range(800, 1000)]).missing == ()
    assert content([*COUNTS, "999"]).missing == ()
    assert content([*COUNTS, *["-1"] * 20, *["-2"] * 20]).missing == ()


def test_a_date_has_one_format_and_an_ambiguous_one_is_doubtful() -> None:
    clear = content([f"{1 + n % 28:02d}/03/2024" for n in range(ROWS)])
    assert (clear.format, clear.doubt) == ("%d/%m/%Y", "")
    both = content([f"{1 + n % 12:02d}/{1 + n % 12:02d}/2024" for n in range(ROWS)])
    assert both.doubt == ""  # day and month are equal in every row
    unclear = content([f"{1 + n % 12:02d}/{1 + n % 11:02d}/2024" for n in range(ROWS)])
    assert unclear.doubt.startswith("it also fits %m/%d/%Y")
    mixed = content([*[f"{n:02d}.03.2024" for n in range(10, 29)], "2024-03-01"])
    assert mixed.kind != "date"


def test_years_of_two_digits_in_the_future_are_doubtful() -> None:
    past = content([f"{1 + n % 28:02d}.03.{n % 20:02d}" for n in range(ROWS)])
    assert (past.format, past.doubt, past.is_future) == ("%d.%m.%y", "", False)
    future = content([f"{1 + n % 28:02d}.03.{60 + n % 9}" for n in range(ROWS)])
    assert future.doubt.startswith("years of two digits up to 68 are read as 20xx")
    expiry = content([f"{1 + n % 28:02d}.03.{2060 + n % 9}" for n in range(ROWS)])
    assert (expiry.doubt, expiry.is_future) == ("", True)


def test_eight_digits_are_a_date_only_in_a_column_with_such_a_name() -> None:
    cells = [f"202401{1 + n % 28:02d}" for n in range(ROWS)]
    assert content(cells, "created_date").format == "%Y%m%d"
    assert content(cells, "amount").kind == "number"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,234.50", "12.25", "1,000,000.00"], Reading(".", ",")),
        (["1.234,50", "12,25", "1.000.000,00"], Reading(",", ".")),
        (["12,25", "3,5"], Reading(",")),
        (["1 234,5", "12,25"], Reading(",", " ")),
        (["12.25", "3.5"], Reading()),
        (["$12.25", "$3.5"], Reading(signs="$")),
        (["12.25 €", "3.50 €"], Reading(signs="€")),
    ],
)
def test_the_reading_of_a_table(cells: list[str], expected: Reading) -> None:
    table = pd.DataFrame({"a": texts(*cells), "note": texts("1,2 and 3", "x", "$")})
    assert reading_of([table["a"], table["note"]]) == expected


def test_a_category_lists_its_values_only_if_others_are_improbable() -> None:
    assert content(texts("red", "green", "blue")).values == ("blue", "green", "red")
    assert content([*texts("red", "green"), "blue"]).values == ()
    assert "other values are possible" in content([*texts("red", "green"), "blue"]).evidence


def test_the_evidence_follows_the_data() -> None:
    before, after = content(COUNTS), content([*COUNTS[1:], "500"])
    assert before.evidence != after.evidence
    assert "to 500" in after.evidence
