"""One product with a champion for all tests of what comes after a release: making it takes longer than most."""

import pytest

from ..conftest import Stage
from .products import with_operations
from .stages import rows, stage


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> Stage:
    """A product with a champion, version 1, and a challenger, version 2. To be read only."""
    found = with_operations(stage(tmp_path_factory.mktemp("released"), margin=1e9))
    first = found.train()
    found.releases.approve(first.version, by="Ada", because="It is better than nothing.")
    found.save(rows(seed=8), "data/others.parquet")
    assert found.train("data/others.parquet").version == "2"
    return found
