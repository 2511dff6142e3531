"""Products that have a champion: days to score, labels to hand in, the log as it is then."""

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

from <<cookiecutter.package>>.columns import columns_of
from <<cookiecutter.package>>.config import Settings
from <<cookiecutter.package>>.flows import partitions
from <<cookiecutter.package>>.sample import sample
from <<cookiecutter.package>>.schemas import Labelled
from <<cookiecutter.package>>.stores.history import History
from <<cookiecutter.package>>.stores.prediction_log import PredictionLog
from <<cookiecutter.package>>.tables import Batch

from ..conftest import PROJECT, Stage
from ..stores.databases import whole

COLUMNS = columns_of(Labelled)
DAY = date(2026, 11, 2)
ADDRESSES = ("PRODUCT_ROOT", "MLFLOW_TRACKING_URI")
PARTS = 4


def copy_of(released: Stage, root: Path, patch: pytest.MonkeyPatch) -> Stage:
    """A copy of the files, with a database that holds the same champion; the registry is shared and only read."""
    shutil.copytree(released.root / "product", root / "product")
    shutil.copytree(released.root / "config", root / "config")
    (root / "var").mkdir()
    shutil.copy(released.settings.var / "product.db", root / "var" / "product.db")
    patch.setenv("PRODUCT_ROOT", str(root))
    patch.setenv("MLFLOW_TRACKING_URI", released.settings.tracking_uri)
    patch.chdir(root)
    return Stage(root)


def with_registry(product: Stage, released: Stage, patch: pytest.MonkeyPatch) -> Stage:
    """The product with a registry of its own, in which decisions may be made."""
    shutil.copy(released.settings.var / "mlflow.db", product.settings.var / "mlflow.db")
    shutil.copytree(released.settings.var / "mlartifacts", product.settings.var / "mlartifacts")
    patch.setenv("MLFLOW_TRACKING_URI", product.settings.tracking_uri)
    return product


def with_database(product: Stage, url: str, patch: pytest.MonkeyPatch) -> Stage:
    """The product with its decisions in the database of that address, and whatever comes then."""
    new = History(url)
    for entry in History(product.settings.database_url).trail().entries:
        new.append(entry, after=entry.sequence - 1)
    patch.setenv("PRODUCT_DATABASE_URL", url)
    return product


def with_operations(found: Stage) -> Stage:
    """The stage with the project's own files of scoring and monitoring."""
    for name in ("scoring", "monitoring"):
        found.write(f"config/{name}.yaml", (PROJECT / "config" / f"{name}.yaml").read_text())
    return found


def a_day(day: date = DAY, count: int = 400, **knobs: Any) -> pd.DataFrame:
    return sample(rows=count, until=day, span=0, **{"dirty": 0.0, "seed": 100 + day.toordinal() % 1000, **knobs})


def to_score(product: Stage, day: date = DAY, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    frame = a_day(day) if frame is None else frame
    product.save(frame.drop(columns=COLUMNS.target), f"var/sample/scoring/{day}.parquet")
    return frame


def deliver(product: Stage, frame: pd.DataFrame, name: str = "labels.parquet") -> str:
    return product.save(frame[[n for n in (COLUMNS.key, COLUMNS.time, COLUMNS.target) if n]], name)


def settings() -> Settings:
    return Settings.from_environment(os.environ)


def log() -> PredictionLog:
    return PredictionLog(settings().database_url)


def in_log(*asked: Any, **more: Any) -> pd.DataFrame:
    """What the log holds of those days."""
    return whole(log(), *asked, **more)


def in_pieces(monkeypatch: pytest.MonkeyPatch, count: int = PARTS) -> None:
    """Sources give their rows in so many batches."""
    read = partitions.read

    def pieces(*given: Any, **named: Any) -> Iterator[Batch]:
        for batch in read(*given, **named):
            for numbers in np.array_split(np.arange(len(batch.rows)), count):
                yield Batch(batch.rows.iloc[numbers].reset_index(drop=True), batch.origin, int(numbers[0]))

    monkeypatch.setattr(partitions, "read", pieces)


def elsewhere(target: Callable[[dict[str, str]], None]) -> multiprocessing.process.BaseProcess:
    """A process that has begun to do ``target`` with this one's addresses, which conftest takes from a new one."""
    given = {name: os.environ[name] for name in ADDRESSES}
    process = multiprocessing.get_context("spawn").Process(target=target, args=(given,))
    process.start()
    return process
