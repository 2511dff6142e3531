"""Numbers in texts: one grammar for a single text and for a column."""

import math
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.data.coercion import numbers_of
from mlproduct.reading import BLANKS, PLAIN, Reading, number_of

GERMAN = Reading(",", ".", "€%")
SWISS = Reading(".", "'", "")
FRENCH = Reading(",", " ", "€")
ENGLISH = Reading(".", ",", "$£%")
SCORED = Reading(".", "_", "")
READINGS = (PLAIN, Reading(","), GERMAN, SWISS, FRENCH, ENGLISH, SCORED, Reading(signs=r"]^\[€"))


@pytest.mark.parametrize(
    ("text", "reading", "number"),
    [
        ("1.5", PLAIN, 1.5),
        (" 7\u00a0", PLAIN, 7.0),
        ("+1e3", PLAIN, 1000.0),
        (".5", PLAIN, 0.5),
        ("1,5", Reading(","), 1.5),
        ("-1.234.567,8 €", GERMAN, -1234567.8),
        ("€ -5", GERMAN, -5.0),
        ("-€ 5", GERMAN, -5.0),
        ("12 %", GERMAN, 12.0),
        ("1.500", GERMAN, 1500.0),
        ("1'234.5", SWISS, 1234.5),
        ("1 234 567,8", FRENCH, 1234567.8),
        ("1\u202f234\u00a0567", FRENCH, 1234567.0),
        ("$1,234,567.8", ENGLISH, 1234567.8),
        ("1_000", SCORED, 1000.0),
        ("1000000", ENGLISH, 1e6),
        ("1,234e2", ENGLISH, 123400.0),
    ],
)
def test_a_number_is_read_as_the_source_spells_it(
    text: str, reading: Reading, number: float
) -> None:
    assert number_of(text, reading) == number


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        *((text, PLAIN) for text in ("", "x", "1,5", "1_0", "0x1f", "٣", "True", "nan", "1 2")),
        *((text, PLAIN) for text in ("+-5", "- 5", "5-", "$5", "1e", ".", "e5", "1\0")),
        *((text, Reading(",")) for text in ("1.5", "1.500", "1,2,3")),
        *((text, GERMAN) for text in ("1.5", "12.34", "1.2345", "1.234.5", "0.123", "1,234.5")),
        *((text, ENGLISH) for text in ("12,34", "1234,567", "1,23", ",123", "0,123", "$", "5$5")),
        *((text, FRENCH) for text in ("1  234", "12 34", "1.5", "1234 567")),
    ],
)
def test_a_text_that_is_not_a_number_is_refused(text: str, reading: Reading) -> None:
    with pytest.raises(ValueError, match="not a number"):
        number_of(text, reading)


PARTS: tuple[tuple[str, ...], ...] = (
    ("", " ", "\u3000$", "€ ", "]"),
    ("", "-", "+", "-€", "- "),
    ("0", "7", "1234", "1,234", "1.234", "1 234", "1\u202f234", "1'234", "1_234", "inf", "12,34"),
    ("", ".5", ",5", ".", ",250", ".250.000"),
    ("", "e3", "E-2", "e"),
    ("", "%", " €\n", "x"),
)


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_a_column_is_read_like_each_of_its_texts(reading: Reading) -> None:
    texts = ["".join(parts) for parts in product(*PARTS)]
    texts += ["", "1e999", "-1e999", "9007199254740993", "0." + "3" * 40, "NaN", *BLANKS]
    found = numbers_of(pd.Series([*texts, None], dtype="str"), reading)
    np.testing.assert_array_equal(found, [*(scalar(text, reading) for text in texts), math.nan])
    for text in ("7", "1e999", "+5"):  # without a text that is not a number
        (alone,) = numbers_of(pd.Series([text], dtype="str"), reading)
        assert alone == number_of(text, reading)


def scalar(text: str, reading: Reading) -> float:
    try:
        return number_of(text, reading)
    except ValueError:
        return math.nan


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"decimal": ",", "thousands": ","}, "expected two different characters"),
        *(({"signs": f"€{sign}"}, f"contains {sign!r}") for sign in "E5-+.,'_("),
    ],
)
def test_a_reading_that_changes_numbers_is_refused(wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=r"signs|thousands") as refused:
        Reading(**wrong)
    assert expected in str(refused.value)


def test_a_long_text_of_signs_is_refused_in_linear_time() -> None:
    for text in ("€" * 200_000 + "x", "-" + "€" * 200_000 + "x", "1." * 200_000 + "x"):
        assert math.isnan(scalar(text, GERMAN))
