"""A date and a text pass through a request, a batch and the quarantine."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlproduct.data.quarantine import Quarantine
from mlproduct.data.validation import validate
from mlproduct.service.openapi import example_of, request_schema
from mlproduct.service.request_rows import Rows
from mlproduct.tables import Batch

from .. import all_kinds

RULES = Rows(all_kinds.Features)
ROW: dict[str, Any] = {
    "order": "o1",
    "at": "2026-03-11T12:00:00Z",
    "price": 10.5,
    "paid": True,
    "shop": "shop 1",
    "joined": "2026-03-01",
    "note": 'came "late",\nthanks – жук ⚙',
}


def test_a_date_and_a_text_are_cells_of_a_request() -> None:
    checked = RULES.check([ROW, {**ROW, "joined": None, "note": None}])
    assert checked.problems == []
    table = RULES.table(checked.cells, RULES.validator.columns.inputs)
    assert table["joined"].tolist() == [pd.Timestamp("2026-03-01"), pd.NaT]
    assert table["note"][0] == ROW["note"]
    assert table["at"][0] == pd.Timestamp("2026-03-11 12:00")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("joined", "03/01/26", "expected a date as"),
        ("joined", 20260301, "expected a date as"),
        ("note", ["late"], "expected a text, not a list"),
        ("note", "x" * 10_001, "expected at most 10,000 characters"),
    ],
)
def test_a_wrong_date_or_text_is_a_problem_of_its_field(
    field: str, value: Any, expected: str
) -> None:
    (problem,) = RULES.check([{**ROW, field: value}]).problems
    assert (problem.field, problem.problem.startswith(expected)) == (field, True)


def test_the_api_page_describes_dates_and_texts_and_its_example_is_valid() -> None:
    fields = request_schema(RULES, 10)["properties"]["rows"]["items"]["properties"]
    assert fields["joined"] == {"type": ["string", "null"], "format": "date-time"}
    assert fields["note"] == {"type": ["string", "null"], "maxLength": 10_000}
    assert RULES.check([example_of(RULES)]).problems == []


def test_a_batch_accepts_what_a_request_accepts_and_quarantines_the_rest(tmp_path: Path) -> None:
    given = pd.DataFrame([ROW, {**ROW, "order": "o2", "joined": "03/01/26"}])
    batch = validate([Batch(given, "a file", 0)], all_kinds.Features, limit=1.0)
    checked = RULES.check([ROW])
    pd.testing.assert_frame_equal(RULES.table(checked.cells), batch.rows)
    assert batch.rejected.failures["column"].tolist() == ["joined"]
    quarantine = Quarantine(tmp_path)
    quarantine.keep("a-run", batch.rejected)
    assert any(tmp_path.rglob("*"))
