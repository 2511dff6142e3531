"""Blocks on disk, while other processes deliver the same ones."""

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


def test_a_block_comes_back_as_it_was(spool: Spool) -> None:
    found = spool.read(spool.files()[0])
    pd.testing.assert_frame_equal(
        found.predictions[["decision", "score"]].astype(float), predictions().iloc[:, 3:]
    )
    assert replace(found, predictions=BLOCK.predictions) == BLOCK


@pytest.mark.parametrize("called", ["stat", "read_bytes", "replace"])
@pytest.mark.parametrize(
    "used",
    [
        lambda spool: len(spool.files()) in (1, 2),
        lambda spool: 0 < spool.megabytes < 1,
        lambda spool: (swept := spool.forget("C1")).erased in (1, 2) and not swept.unreadable,
        lambda spool: spool.set_aside(spool.folder / FILE) is None,
    ],
)
def test_a_file_that_another_process_delivers_in_between_is_passed_over(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, called: str, used: Callable[[Spool], bool]
) -> None:
    """It was listed; when it is looked at, read or moved, it is gone."""
    plain: Any = getattr(Path, called)

    def late(path: Path, *given: Any, **more: Any) -> Any:
        if path.name == FILE:
            path.unlink(missing_ok=True)
        return plain(path, *given, **more)

    monkeypatch.setattr(Path, called, late)
    assert used(spool)
