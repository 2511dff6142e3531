"""The monitoring report as Markdown, for MLflow and Prefect."""

import re
from types import SimpleNamespace
from typing import Any

from mlproduct.monitoring.drift import Finding
from mlproduct.tasks.monitoring_report import MonitoringReport, markdown

HOSTILE = "a | b\n# h <script>alert(1)</script> [x](javascript:alert(2)) `c`"


def test_values_of_the_data_are_escaped_in_the_report() -> None:
    """A category of the data is quoted in a sentence, and may contain any character."""
    finding = Finding("plan", "values", 1.0, 0.0, True, f"69.1% of rows are {HOSTILE}")
    report = MonitoringReport(10, (finding,), None, (), None, None, None)
    context: Any = SimpleNamespace(
        champion=SimpleNamespace(version="1"), start="2026-11-20", day="2026-11-26"
    )
    decision: Any = SimpleNamespace(action="wait", trust="proxy", sentence=f"plan: {HOSTILE}")
    text = markdown(context, report, decision)
    assert "<" not in text
    assert "](" not in text.replace("\\[x](", "")
    assert not re.search(r"(?<!\\)`", text)
    assert "\n# h" not in text
    for row in (line for line in text.splitlines() if line.startswith("|")):
        assert len(re.findall(r"(?<!\\)\|", row)) == 4
