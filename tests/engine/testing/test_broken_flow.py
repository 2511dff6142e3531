"""A flow of a team's that is broken on purpose: ``GateTests`` notices, and does not let it pass."""

import subprocess
import sys
from pathlib import Path

import pytest

from ..team import BASE, ENGINE, PACKAGE, make_project

BROKEN = {
    "without the judge": ("document = tasks.judge(run, document, measurements)", "pass"),
    "with the training side as holdout": (
        "tasks.evaluate(run, model, split.holdout)",
        "tasks.evaluate(run, model, split.training)",
    ),
    "with all rows to learn from": (
        "tasks.search(run, split.training)",
        "tasks.search(run, rows.rows)",
    ),
}


@pytest.mark.parametrize(
    "how",
    [
        "without the judge",
        pytest.param("with the training side as holdout", marks=pytest.mark.long),
        pytest.param("with all rows to learn from", marks=pytest.mark.long),
    ],
)
def test_a_broken_flow_makes_the_gates_tests_fail(tmp_path: Path, how: str) -> None:
    line, instead = BROKEN[how]
    project = make_project(tmp_path)
    flows = project / "src" / PACKAGE / "flows.py"
    text = flows.read_text(encoding="utf-8")
    assert line in text
    flows.write_text(text.replace(line, instead), encoding="utf-8")
    (project / "tests").mkdir()
    (project / "tests" / "test_gate.py").write_bytes((BASE / "tests" / "test_gate.py").read_bytes())
    (project / "pytest.ini").write_text(
        f"[pytest]\npythonpath = src {ENGINE}\naddopts = -p mlproduct.testing.plugin\n"
        f"product_package = {PACKAGE}\n",
        encoding="utf-8",
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout[-3000:]
    assert "1 error" in ran.stdout or "1 failed" in ran.stdout
