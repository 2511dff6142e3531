"""``GateTests`` fails for a team's flow that is broken on purpose."""

import subprocess
import sys
from pathlib import Path

import pytest

from ..team import BASE, ENGINE, PACKAGE, make_project

BROKEN = {
    "no call of the judge": ("document = tasks.judge(run, document, measurements)", "pass"),
    "training rows as the holdout": (
        "tasks.evaluate(run, model, split.holdout)",
        "tasks.evaluate(run, model, split.training)",
    ),
    "search on all rows": (
        "tasks.search(run, split.training)",
        "tasks.search(run, rows.rows)",
    ),
}


@pytest.mark.parametrize(
    "defect",
    [
        "no call of the judge",
        pytest.param("training rows as the holdout", marks=pytest.mark.long),
        pytest.param("search on all rows", marks=pytest.mark.long),
    ],
)
def test_gate_tests_fail_for_a_broken_flow(tmp_path: Path, defect: str) -> None:
    line, replacement = BROKEN[defect]
    project = make_project(tmp_path)
    flows = project / "src" / PACKAGE / "flows.py"
    text = flows.read_text(encoding="utf-8")
    assert line in text
    flows.write_text(text.replace(line, replacement), encoding="utf-8")
    (project / "tests").mkdir()
    (project / "tests" / "test_gate.py").write_bytes((BASE / "tests" / "test_gate.py").read_bytes())
    (project / "pytest.ini").write_text(
        f"[pytest]\npythonpath = src {ENGINE}\naddopts = -p mlproduct.testing.plugin\n"
        f"product_package = {PACKAGE}\n",
        encoding="utf-8",
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stdout[-3000:]
    assert "1 error" in result.stdout or "1 failed" in result.stdout
