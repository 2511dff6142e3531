"""Products that have a champion: days to score, labels to hand in, the log as it is then."""

import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from <<cookiecutter.package>>.columns import columns_of
from <<cookiecutter.package>>.config import Settings
from <<cookiecutter.package>>.sample import sample
from <<cookiecutter.package>>.schemas import Labelled
from <<cookiecutter.package>>.stores.prediction_log import PredictionLog

from ..conftest import PROJECT, Stage

COLUMNS = columns_of(Labelled)
DAY = date(2026, 11, 2)
ADDRESSES = ("PRODUCT_ROOT", "MLFLOW_TRACKING_URI")


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
