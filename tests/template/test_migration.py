"""An edited product of 0.2.0 is migrated by the steps that the changelog lists under *By hand*."""

import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Bake, sources

Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]
OLD = ROOT / "tests" / "engine" / "fixtures" / "product-0.2.0-churn.tar.xz"
TEAM_FILES = ("schemas.py", "candidates.py", "sample.py")


@pytest.fixture(scope="module")
def migrated(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product of this version with the files of the old one, after each step."""
    folder = tmp_path_factory.mktemp("migrated")
    product = bake_into(folder)
    old = folder / "old"
    with tarfile.open(OLD) as packed:
        packed.extractall(old, filter="data")
    # 1. The product manager's files, the configuration and var/ are copied unchanged.
    for name in ("product", "config", "var"):
        shutil.copytree(old / name, product / name, dirs_exist_ok=True)
    # 2. The team's Python is copied, and edited as the changelog says.
    package = product / "src" / "churn_radar"
    for name in TEAM_FILES:
        shutil.copy(old / "src" / "churn_radar" / name, package / name)
    edit(package / "schemas.py", (r', "task": "classification"', ""))
    rule = re.search(
        r"\ndef rule\(.*", (package / "candidates.py").read_text(encoding="utf-8"), re.DOTALL
    )
    assert rule is not None
    (package / "rule.py").write_text(
        f'"""What we do today."""\n\nimport numpy as np\nimport pandas as pd\n{rule.group()}',
        encoding="utf-8",
    )
    edit(
        package / "candidates.py",
        (r"\ndef rule\(.*", ""),
        (
            r"from \.columns import Columns\n",
            "from mlproduct import Candidate, Columns, preprocess\n",
        ),
        (r"from \.steps\..*\n", ""),
        (r'"CANDIDATES", "rule"', '"CANDIDATES"'),
        (r"import (numpy as np|pandas as pd)\n", ""),
    )
    edit(
        package / "sample.py",
        (
            r"from \.clock import today\nfrom \.synthetic import ",
            "from mlproduct.synthetic import today, ",
        ),
    )
    # 3. The default line length is now 100. This team has longer lines, so it sets another.
    edit(product / "pyproject.toml", (r"line-length = 100", "line-length = 120"))
    return product


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, flags=re.DOTALL if "rule" in pattern else 0)
        assert count, f"{path.name} has no {pattern}"
    path.write_text(text, encoding="utf-8")


@pytest.mark.long
def test_a_migrated_product_passes_its_check_and_its_tests(make: Make, migrated: Path) -> None:
    for target in ("fix", "check", "test"):
        done = make(migrated, target)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    edited = (migrated / "src" / "churn_radar" / "candidates.py").read_text(encoding="utf-8")
    assert 'class_weight="balanced"' in edited


def test_a_migrated_product_keeps_its_champion_history_and_prediction_log(
    environment: Path, migrated: Path
) -> None:
    def output(*verb: str) -> str:
        done = subprocess.run(
            [environment / "bin" / "python", "-m", "churn_radar", *verb],
            cwd=migrated,
            env={"PYTHONPATH": sources(migrated), "PATH": "/usr/bin:/bin", "HOME": str(migrated)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert output("verify").count("every digest matches") == 2
    assert output("history").count("approve  version") == 2
    assert "nothing" in output("ledger")
    assert "labelled" in output("coverage", "--from", "2026-11-01", "--to", "2026-11-30")
    assert "Version 1 is the champion again" in output(
        "rollback", "--by", "Ada", "--because", "The second is worse."
    )
