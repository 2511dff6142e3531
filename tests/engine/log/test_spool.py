"""Blocks in the spool, while other processes record the same blocks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlproduct.log.prediction_log import LogBatch
from mlproduct.log.spool import Spool

from .test_prediction_log import predictions

BLOCK = LogBatch(
    "service/1",
    "service",
    date(2026, 11, 24),
    "3",
    "m" * 64,
    "service",
    predictions(features=["{}"] * 4),
)
FILE = "service-1.json"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    found = Spool(tmp_path)
    for number in (1, 2):
        found.put(replace(BLOCK, name=f"service/{number}"))
    return found


def test_a_block_is_unchanged_by_the_spool(spool: Spool) -> None:
    found = spool.read(spool.files()[0])
    pd.testing.assert_frame_equal(
        found.predictions[["decision", "score"]].astype(float), predictions().iloc[:, 3:]
    )
    assert replace(found, predictions=BLOCK.predictions) == BLOCK


@pytest.mark.parametrize("method", ["stat", "read_bytes", "replace"])
@pytest.mark.parametrize(
    "use",
    [
        lambda spool: len(spool.files()) in (1, 2),
        lambda spool: 0 < spool.megabytes < 1,
        lambda spool: (swept := spool.forget("C1")).erased in (1, 2) and not swept.unreadable,
        lambda spool: spool.set_aside(spool.folder / FILE) is None,
    ],
)
def test_a_file_that_another_process_records_meanwhile_is_skipped(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, method: str, use: Callable[[Spool], bool]
) -> None:
    """The file is listed, and removed before it is inspected, read or moved."""
    original: Any = getattr(Path, method)

    def after_removal(path: Path, *given: Any, **more: Any) -> Any:
        if path.name == FILE:
            path.unlink(missing_ok=True)
        return original(path, *given, **more)

    monkeypatch.setattr(Path, method, after_removal)
    assert use(spool)
