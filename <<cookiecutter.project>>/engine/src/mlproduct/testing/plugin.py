"""pytest fixtures for a product: ``product``, ``flows``, ``project`` and ``prefect_server``.

The product's pyproject.toml loads it (``-p mlproduct.testing.plugin``) and names the team's package
(``product_package``).
"""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ..product import Product, load_product

__all__ = ["flows", "prefect_server", "product", "project"]

# No telemetry, no log of Prefect, and no job processes of MLflow during tests.
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
# Removed from the environment: tests must not use the registry, database, server, folder, date or
# keys that the developer has set.
ADDRESSES = (
    "MLFLOW_TRACKING_URI",
    "PRODUCT_DATABASE_URL",
    "PREFECT_API_URL",
    "PRODUCT_ROOT",
    "PRODUCT_TODAY",
    "PRODUCT_PUBLIC_KEY",
    "PRODUCT_SIGNING_KEY",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the setting ``product_package`` of pyproject.toml."""
    parser.addini("product_package", "the name of the team's package")


def pytest_configure(config: pytest.Config) -> None:
    """Sets the environment of all tests, before Prefect and MLflow are imported and read it."""
    os.environ.update(QUIET)
    for name in ADDRESSES:
        os.environ.pop(name, None)
    pytest.register_assert_rewrite("mlproduct.testing.gate_tests")


@pytest.fixture(scope="session")
def project(pytestconfig: pytest.Config) -> Path:
    """The product's folder."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def product(pytestconfig: pytest.Config, project: Path) -> Product:
    """The team's product."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRODUCT_ROOT", str(project))
        found = load_product(_package(pytestconfig))
        assert found.name  # reads and caches config/product.yaml while PRODUCT_ROOT is set
    return found


@pytest.fixture(scope="session")
def flows(pytestconfig: pytest.Config, product: Product) -> ModuleType:
    """The team's flows.py."""
    return importlib.import_module(f"{_package(pytestconfig)}.flows")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server with its own database for all flows of the session."""
    from prefect.testing.utilities import prefect_test_harness

    # On a busy machine the server needs longer than Prefect's own limit.
    with prefect_test_harness(server_startup_timeout=180):
        yield


def _package(config: pytest.Config) -> str:
    return str(config.getini("product_package"))
