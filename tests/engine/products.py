"""Products with a champion, and helpers for days to score, labels to deliver and the prediction
log.
"""

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import Settings
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.registry.audit_log import AuditLog
from mlproduct.tables import Batch
from mlproduct.tasks import scoring
from mlproduct.testing import TrialProduct
from trial_radar.sample import sample

from .databases import whole
from .team import PRODUCT, PROJECT, trial_at

COLUMNS = PRODUCT.columns
DAY = date(2026, 11, 2)
ADDRESSES = ("PRODUCT_ROOT", "MLFLOW_TRACKING_URI")
BATCHES = 4


def copy_of(released: TrialProduct, root: Path, patch: pytest.MonkeyPatch) -> TrialProduct:
    """A copy of the files, with a database that records the same champion. The registry is shared
    and only read.
    """
    shutil.copytree(released.root / "product", root / "product")
    shutil.copytree(released.root / "config", root / "config")
    (root / "var").mkdir()
    shutil.copy(released.settings.var / "product.db", root / "var" / "product.db")
    patch.setenv("PRODUCT_ROOT", str(root))
    patch.setenv("MLFLOW_TRACKING_URI", released.settings.tracking_uri)
    patch.chdir(root)
    return trial_at(root)


def with_registry(
    product: TrialProduct, released: TrialProduct, patch: pytest.MonkeyPatch
) -> TrialProduct:
    """The product with its own registry, in which a test may make decisions."""
    shutil.copy(released.settings.var / "mlflow.db", product.settings.var / "mlflow.db")
    shutil.copytree(released.settings.var / "mlartifacts", product.settings.var / "mlartifacts")
    patch.setenv("MLFLOW_TRACKING_URI", product.settings.tracking_uri)
    return product


def with_database(product: TrialProduct, url: str, patch: pytest.MonkeyPatch) -> TrialProduct:
    """The product with its decisions and all later records in the database at this URL."""
    new = AuditLog(url)
    for entry in AuditLog(product.settings.database_url).read().entries:
        new.append(entry)
    patch.setenv("PRODUCT_DATABASE_URL", url)
    return product


def with_operations(found: TrialProduct) -> TrialProduct:
    """The product with the project's scoring and monitoring files."""
    for name in ("scoring", "monitoring"):
        found.write(f"config/{name}.yaml", (PROJECT / "config" / f"{name}.yaml").read_text())
    return found


def a_day(day: date = DAY, count: int = 400, **knobs: Any) -> pd.DataFrame:
    return sample(
        rows=count,
        until=day,
        span=0,
        **{"dirty": 0.0, "seed": 100 + day.toordinal() % 1000, **knobs},
    )


def to_score(
    product: TrialProduct, day: date = DAY, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    frame = a_day(day) if frame is None else frame
    product.save(frame.drop(columns=COLUMNS.target), f"var/sample/scoring/{day}.parquet")
    return frame


def deliver(product: TrialProduct, frame: pd.DataFrame, name: str = "labels.parquet") -> str:
    return product.save(frame[[n for n in (COLUMNS.key, COLUMNS.time, COLUMNS.target) if n]], name)


def settings() -> Settings:
    return Settings.from_environment(os.environ)


def log() -> PredictionLog:
    return PredictionLog(settings().database_url)


def in_log(*asked: Any, **more: Any) -> pd.DataFrame:
    """The logged predictions of those days, as one table."""
    return whole(log(), *asked, **more)


def read_in_batches(monkeypatch: pytest.MonkeyPatch, count: int = BATCHES) -> None:
    """Makes sources return their rows in ``count`` batches."""
    read = scoring.read

    def chunks(*given: Any, **named: Any) -> Iterator[Batch]:
        for batch in read(*given, **named):
            for numbers in np.array_split(np.arange(len(batch.rows)), count):
                yield Batch(
                    batch.rows.iloc[numbers].reset_index(drop=True), batch.origin, int(numbers[0])
                )

    monkeypatch.setattr(scoring, "read", chunks)


def started_process(
    target: Callable[[dict[str, str]], None],
) -> multiprocessing.process.BaseProcess:
    """Starts a process that runs ``target`` with the addresses of this process, because conftest
    removes them from a new one.
    """
    given = {name: os.environ[name] for name in ADDRESSES}
    process = multiprocessing.get_context("spawn").Process(target=target, args=(given,))
    process.start()
    return process
