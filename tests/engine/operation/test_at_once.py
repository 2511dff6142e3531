"""Two concurrent trainings of one product, in two processes on one SQLite database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlproduct.testing.plugin import QUIET

from ..gate_products import stage
from ..team import PACKAGE, SOURCES


@pytest.mark.long
def test_two_concurrent_trainings_both_finish_and_one_reports_that_it_waits(
    tmp_path: Path,
) -> None:
    product = stage(tmp_path, margin=1e9)
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "MLFLOW"))
    }
    environ |= QUIET | {
        "PRODUCT_ROOT": str(tmp_path),
        "PYTHONPATH": SOURCES,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", PACKAGE, "train"]
    both = [
        subprocess.Popen(
            command,
            env=environ,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], "\n".join(outputs)
    assert (
        sum("waits" in each and "another training is running" in each for each in outputs) == 1
    ), "\n".join(outputs)
    assert sorted(version.number for version in product.releases.models.versions()) == ["1", "2"]
