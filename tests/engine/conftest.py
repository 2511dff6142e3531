"""Shared fixtures: a released product, a flaky proxy to its database, and one Prefect server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlproduct.registry.audit_mirror import HEAD
from mlproduct.testing import TrialProduct
from mlproduct.testing.plugin import ADDRESSES, QUIET, prefect_server

from . import team  # makes the team's package, before a test imports it
from .databases import postgresql, url_in
from .flaky_proxy import FlakyProxy, proxied

__all__ = ["prefect_server"]

os.environ.update(QUIET)  # read when Prefect and MLflow are imported
os.environ["PREFECT_HOME"] = str(team.PROJECT / "var" / "prefect")
for name in ADDRESSES:
    os.environ.pop(name, None)  # no test may reach the developer's servers
pytest.register_assert_rewrite("mlproduct.testing.gate_tests")


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> TrialProduct:
    """A product with a champion (version 1) and a challenger (version 2). Training takes a while,
    so tests only read it.
    """
    from .gate_products import rows, stage
    from .products import with_operations

    found = with_operations(stage(tmp_path_factory.mktemp("released"), margin=1e9))
    first = found.train()
    found.releases.approve(first.version, by="Ada", because="It is better than nothing.")
    found.save(rows(seed=8), "data/others.parquet")
    assert found.train("data/others.parquet").version == "2"
    return found


@pytest.fixture
def product(
    released: TrialProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    """A copy of the released product for one test; its registry is shared and only read."""
    from .products import copy_of

    return copy_of(released, tmp_path, monkeypatch)


@pytest.fixture
def database_proxy(product: TrialProduct, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyProxy]:
    """A proxy between the product and its database on the PostgreSQL server of CI."""
    from .databases import postgresql
    from .products import with_database

    with postgresql("proxy") as url, proxied(url) as (found, address):
        with_database(product, address, monkeypatch)
        yield found


@pytest.fixture
def aliases(released: TrialProduct) -> Iterator[None]:
    """Restores the aliases and the digest of the shared registry after a test that moves them."""
    yield
    models = released.releases.models
    models.tag_model(HEAD, released.releases.audit_log.read().head)
    models.point("champion", "1")
    models.point("challenger", "2")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once for SQLite and once for PostgreSQL."""
    if request.param == "sqlite":
        yield url_in(tmp_path)
    else:
        with postgresql("stores") as url:
            yield url
