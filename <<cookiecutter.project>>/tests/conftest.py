"""A product to try things on: a copy of this one's files in a temporary folder, with small data."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from <<cookiecutter.package>>.config import Settings

from .cable import Cable, through

PROJECT = Path(__file__).parent.parent
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
ADDRESSES = ("MLFLOW_TRACKING_URI", "PRODUCT_DATABASE_URL", "PREFECT_API_URL", "PRODUCT_ROOT", "PRODUCT_TODAY")
os.environ.update(QUIET)  # read when Prefect and MLflow are imported
for name in ADDRESSES:
    os.environ.pop(name, None)  # no test touches what the developer is connected to


@dataclass(frozen=True)
class Stage:
    """A product's folder, and what a test does with it."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings.from_environment({"PRODUCT_ROOT": str(self.root)})

    def read(self, name: str) -> Any:
        return yaml.safe_load((self.root / name).read_text(encoding="utf-8"))

    def write(self, name: str, content: Any) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, encoding="utf-8")

    def save(self, rows: pd.DataFrame, name: str) -> str:
        """The rows as a file that ``train`` can be pointed at; its name."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path, index=False)
        return name

    def train(self, source: str | None = None) -> Any:
        """What one run of the real training flow came to."""
        from <<cookiecutter.package>>.flows.here import run_here
        from <<cookiecutter.package>>.flows.training import train

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PRODUCT_ROOT", str(self.root))
            return run_here(train, cause="in a test", source=source).result()

    @property
    def releases(self) -> Any:
        from <<cookiecutter.package>> import PRODUCT
        from <<cookiecutter.package>>.stores.releases import Releases

        return Releases(self.settings, PRODUCT)

    def standing(self) -> tuple[str | None, ...]:
        """The champion by the trail, by MLflow's alias, and the challenger: what no refusal may move."""
        releases = self.releases
        return releases.champion(), releases.models.alias("champion"), releases.models.alias("challenger")


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> Stage:
    """A product with a champion, version 1, and a challenger, version 2. To be read only: making it takes a while."""
    from .flows.products import with_operations
    from .flows.stages import rows, stage

    found = with_operations(stage(tmp_path_factory.mktemp("released"), margin=1e9))
    first = found.train()
    found.releases.approve(first.version, by="Ada", because="It is better than nothing.")
    found.save(rows(seed=8), "data/others.parquet")
    assert found.train("data/others.parquet").version == "2"
    return found


@pytest.fixture
def product(released: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A copy of the released product, to do with as one likes; the registry is shared and only read."""
    from .flows.products import copy_of

    return copy_of(released, tmp_path, monkeypatch)


@pytest.fixture
def cable(product: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cable]:
    """The line between the product and its database, which is on the PostgreSQL of CI."""
    from .flows.products import with_database
    from .stores.databases import postgresql

    with postgresql("cable") as url, through(url) as (found, address):
        with_database(product, address, monkeypatch)
        yield found


@pytest.fixture
def aliases(released: Stage) -> Iterator[None]:
    """The aliases of the shared registry may be moved here; they are put back."""
    yield
    models = released.releases.models
    models.point("champion", "1")
    models.point("challenger", "2")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server for all flows of the session, on a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield
