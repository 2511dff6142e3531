"""A product with a team's own schema and data, and without a sample, works."""

import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import yaml
from conftest import Bake

Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]

SCHEMAS = '''"""What rows must look like: one machine in one month."""

import pandera.pandas as pa
from pandera.typing import Series

__all__ = ["Features", "Labelled"]

FEATURE = {"role": "feature"}


class Features(pa.DataFrameModel):
    """One machine at the end of one month."""

    machine: Series[int] = pa.Field(ge=1, metadata={"role": "key"})
    site: Series[str] = pa.Field(isin=["A", "B", "C"], metadata=FEATURE)
    hours: Series[int] = pa.Field(ge=0, le=800, metadata=FEATURE)
    heat: Series[float] = pa.Field(ge=0, le=200, nullable=True, metadata=FEATURE)


class Labelled(Features):
    """The same machine, and whether it failed in the month after."""

    failed: Series[int] = pa.Field(isin=[0, 1], metadata={"role": "target"})
'''
RULE = '''"""What the workshop does today without a model."""

import numpy as np
import pandas as pd

__all__ = ["rule"]


def rule(features: pd.DataFrame) -> np.ndarray:
    """1 for machines that are inspected: those that ran for more than 600 hours."""
    return (features["hours"] > 600).to_numpy(dtype=float)
'''
SAMPLE_LINES = (
    "    sample=sample,\n",
    "    demo_column=CHANGES,\n",
    "from .sample import CHANGES, sample\n",
)
SAMPLE_FILES = ("src/churn_radar/sample.py", "tests/test_sample.py", "tests/test_behaviour.py")


@pytest.fixture(scope="module")
def owned(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product with its own schema, rule, data and criteria, and without a sample."""
    product = bake_into(tmp_path_factory.mktemp("owned"))
    package = product / "src" / "churn_radar"
    (package / "schemas.py").write_text(SCHEMAS, encoding="utf-8")
    (package / "rule.py").write_text(RULE, encoding="utf-8")
    text = (package / "product.py").read_text(encoding="utf-8")
    for line in SAMPLE_LINES:
        assert line in text
        text = text.replace(line, "")
    (package / "product.py").write_text(text, encoding="utf-8")
    for name in SAMPLE_FILES:
        (product / name).unlink()
    data = product / "data"
    data.mkdir()
    (data / "machines.csv").write_text(machines(12_000), encoding="utf-8")
    edit(
        product / "config" / "pipeline.yaml",
        source={"path": "data/machines.csv"},
        split={"by": "hash", "holdout": 0.25},
    )
    criteria = product / "product" / "success_criteria.yaml"
    remaining = [
        c for c in yaml.safe_load(criteria.read_text(encoding="utf-8"))["criteria"] if "by" not in c
    ]
    edit(criteria, criteria=remaining, data=[])
    return product


def machines(rows: int) -> str:
    """CSV of machines that fail because of hours and heat; some values of heat are missing."""
    random = Random(7)
    lines = ["machine,site,hours,heat,failed"]
    for machine in range(1, rows + 1):
        hours, heat = random.randrange(800), random.uniform(20, 180)
        odds = -2 + (hours - 400) / 150 + (heat - 100) / 40
        failed = int(random.random() < 1 / (1 + math.exp(-odds)))
        shown = "" if random.random() < 0.05 else f"{heat:.1f}"
        lines.append(f"{machine},{random.choice('ABC')},{hours},{shown},{failed}")
    return "\n".join(lines) + "\n"


def edit(path: Path, **changes: object) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**content, **changes}, sort_keys=False), encoding="utf-8")


def test_check_doctor_and_test_pass(make: Make, owned: Path) -> None:
    for target in ("check", "doctor", "test"):
        done = make(owned, target)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


def test_run_trains_a_model_and_reaches_a_verdict(environment: Path, owned: Path) -> None:
    done = subprocess.run(
        ["make", "run", f"VENV={environment}"],
        cwd=owned,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0 or "Error 3" in done.stderr, output[-4000:]
    assert any(word in done.stdout for word in ("READY", "NEEDS REVIEW", "BLOCKED")), output[-4000:]


def test_sample_is_refused_in_one_line_because_the_source_is_the_teams_own(
    make: Make, owned: Path
) -> None:
    done = make(owned, "sample")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert "Error 2" in done.stderr
    assert len(lines) == 1
    assert "synthetic rows are not written there" in lines[0]
