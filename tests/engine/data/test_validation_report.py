"""The validation report."""

import pandas as pd
from mlproduct.data.validation import validation_report
from mlproduct.tables import Rejected, Validated

COLUMNS = ["row", "column", "rule", "value", "reason", "source"]


def test_the_report_counts_the_failures_of_a_rule_and_shows_no_value() -> None:
    failures = [
        (1, "age", "at least 0", "-7", "range", "a.csv"),
        (5, "age", "at least 0", "-9", "range", "a.csv"),
    ]
    rejected = Rejected(
        pd.DataFrame(failures, columns=COLUMNS), pd.DataFrame({"row": [1, 5], "source": "a.csv"})
    )
    report = validation_report(Validated(pd.DataFrame({"age": [3.0] * 8}), rejected, seen=10))
    assert "10 rows read, 8 accepted, 2 quarantined (20.00%)" in report
    assert "| age | at least 0 | range | 2 |" in report
    assert "-7" not in report


def test_the_report_has_no_table_of_rules_when_no_row_is_rejected() -> None:
    nothing = Rejected(pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=["row", "source"]))
    assert "|" not in validation_report(Validated(pd.DataFrame({"age": [3.0]}), nothing, seen=1))
