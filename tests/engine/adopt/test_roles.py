"""Key, time, group, features and personal data, and the flags that override them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.adopt.kinds import contents_of, reading_of
from mlproduct.adopt.roles import Roles, Wishes, roles_of
from mlproduct.errors import ConfigError
from mlproduct.tables import SOURCE_ROW

ROWS = 400
RANDOM = np.random.default_rng(0)


def table(**columns: Any) -> pd.DataFrame:
    own = {
        "size": RANDOM.normal(size=ROWS).round(3).astype(str),
        "colour": RANDOM.choice(["red", "green"], ROWS),
    }
    return pd.DataFrame(own | columns).astype("str")


def roles(frame: pd.DataFrame, **wishes: Any) -> Roles:
    return roles_of(
        frame, contents_of(frame, reading_of([frame[name] for name in frame])), Wishes(**wishes)
    )


IDS = [f"C{number:06d}" for number in range(ROWS)]
REPEATED = [f"C{number // 4:06d}" for number in range(ROWS)]
DAYS = pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")


def test_a_table_without_an_identifier_is_keyed_by_its_rows() -> None:
    found = roles(table())
    assert (found.key, found.time, found.group) == (SOURCE_ROW, None, None)
    assert found.features == ("size", "colour")


@pytest.mark.parametrize("name", ["customer_id", "id", "CustomerID", "order_no", "reference"])
def test_a_unique_text_is_the_key(name: str) -> None:
    assert roles(table(**{name: IDS})).key == name


def test_a_unique_number_is_the_key_only_if_it_counts_the_rows_or_has_the_name_of_a_key() -> None:
    assert roles(table(instant=range(ROWS))).key == "instant"
    scattered = RANDOM.permutation(1_000_000)[:ROWS]
    assert roles(table(salary=scattered)).key == SOURCE_ROW
    for name in ("person_id", "", "Unnamed: 0", "rownames"):
        assert roles(table(**{name: scattered})).key == name


def test_repeated_keys_are_a_key_with_several_rows() -> None:
    found = roles(table(customer_id=REPEATED))
    assert found.key == "customer_id"
    assert found.repeated
    assert "100 different, 4.0 rows of each on average" in str(found.findings[0])
    assert roles(table(customer_id=REPEATED, day=DAYS)).key == "customer_id"


def test_a_column_named_after_a_subject_identifies_those_with_several_rows() -> None:
    persons = [number // 4 for number in range(ROWS)]
    found = roles(table(individual=persons))
    assert (found.key, found.repeated) == ("individual", True)
    assert roles(table(order_id=IDS, patients=persons)).group == "patients"
    assert roles(table(shop=persons)).key == SOURCE_ROW
    assert roles(table(person=[number % 9 for number in range(ROWS)])).key == SOURCE_ROW


def test_repeated_keys_with_two_rows_of_the_same_time_are_a_group_and_no_key() -> None:
    days = [DAYS[number // 8] for number in range(ROWS)]
    found = roles(table(customer_id=REPEATED, day=days))
    assert (found.key, found.time, found.group) == (SOURCE_ROW, "day", "customer_id")


def test_subjects_with_several_rows_beside_a_key_are_a_group() -> None:
    found = roles(table(order_id=IDS, customer_id=REPEATED))
    assert (found.key, found.group) == ("order_id", "customer_id")
    assert "customer_id" not in found.features


def test_the_time_of_a_row_is_a_date_in_each_row_and_no_date_of_birth() -> None:
    assert roles(table(day=DAYS)).time == "day"
    assert roles(table(birth_date=DAYS)).time is None
    assert roles(table(day=[day.replace("2024", "2096") for day in DAYS])).time is None
    assert roles(table(day=[*DAYS[:-1], ""])).time is None
    assert roles(table(day=[DAYS[0], DAYS[1]] * (ROWS // 2))).time is None
    assert roles(table(birth_date=DAYS, observed_at=DAYS[::-1])).time == "observed_at"


PRIVATE = {
    "e-mail addresses": [f"person{n}@example.com" for n in range(ROWS)],
    "telephone numbers": [f"+49 170 {1_000_000 + n}" for n in range(ROWS)],
    "IBANs": [f"DE{10 + n % 80}370400440532013{n:03d}" for n in range(ROWS)],
}


@pytest.mark.parametrize(("what", "cells"), PRIVATE.items(), ids=PRIVATE.keys())
def test_personal_data_is_found_by_its_pattern(what: str, cells: list[str]) -> None:
    found = roles(table(contact=cells))
    assert what in found.private["contact"]
    assert "contact" not in (*found.features, found.key)


@pytest.mark.parametrize("name", ["email", "phone", "first_name", "street", "iban", "surname"])
def test_personal_data_is_found_by_its_name(name: str) -> None:
    cells = [f"{letter}{n}" for n in range(ROWS) for letter in "x"]
    assert name in roles(table(**{name: cells})).private


def test_the_name_alone_makes_no_count_personal() -> None:
    found = roles(
        table(mobile=RANDOM.integers(0, 9, ROWS), phone_type=["mobile", "fixed"] * (ROWS // 2))
    )
    assert found.private == {}


def test_constant_and_empty_columns_and_second_identifiers_are_no_features() -> None:
    titles = [f"Film {number}" for number in range(390)] * 2
    found = roles(
        table(id=IDS, code=IDS[::-1], version=["1.0"] * ROWS, note=[""] * ROWS, title=titles[:ROWS])
    )
    assert set(found.ignored) == {"code", "version", "note", "title"}
    assert found.ignored["code"].startswith("it identifies the row: 400 different")
    assert found.ignored["title"].startswith("it identifies few rows each: 390 different")
    assert "every cell is 1.0" in found.ignored["version"]


def test_a_flag_overrides_each_role() -> None:
    frame = table(id=IDS, customer_id=REPEATED, day=DAYS, start_date=DAYS[::-1])
    found = roles(frame, key="customer_id", time="start_date", group="colour", drop=("size",))
    assert (found.key, found.time, found.group) == ("customer_id", "start_date", "colour")
    assert found.ignored["size"] == "as given with --drop"
    assert "day" in found.features


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"key": "nothing"}, "--key nothing: there is no such column – expected one of size"),
        ({"drop": ("nothing",)}, "--drop nothing: there is no such column"),
        ({"time": "colour"}, "--time colour: it contains 2 different: .* expected a date"),
        ({"key": "gaps"}, "--key gaps: 1 rows have no gaps – expected a key in each row"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused(wishes: dict[str, Any], message: str) -> None:
    frame = table().assign(gaps=[None, *IDS[1:]])
    with pytest.raises(ConfigError, match=message):
        roles(frame, **wishes)


def test_every_decision_names_its_flag_and_its_evidence() -> None:
    lines = {finding.subject: str(finding) for finding in roles(table(email=IDS, id=IDS)).findings}
    assert lines["key"].endswith("[--key COLUMN]")
    assert lines["personal data"].endswith("[--keep email]")
    assert "400 different texts in 400 rows" in lines["key"]
