"""pytest fixtures for a product: ``product``, ``flows``, ``project`` and ``prefect_server``.

pyproject.toml of the product loads it (``-p mlproduct.testing.plugin``) and names the team's
package (``product_package``).
"""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ..product import Product, load_product

__all__ = ["flows", "prefect_server", "product", "project"]

QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
ADDRESSES = (
    "MLFLOW_TRACKING_URI",
    "PRODUCT_DATABASE_URL",
    "PREFECT_API_URL",
    "PRODUCT_ROOT",
    "PRODUCT_TODAY",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("product_package", "the name of the team's package")


def pytest_configure(config: pytest.Config) -> None:
    """Read when Prefect and MLflow are imported; and no test touches what the developer is
    connected to.
    """
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
        assert found.name  # read now, from this folder, and kept
    return found


@pytest.fixture(scope="session")
def flows(pytestconfig: pytest.Config, product: Product) -> ModuleType:
    """The team's flows.py."""
    return importlib.import_module(f"{_package(pytestconfig)}.flows")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server for all flows of the session, on a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield


def _package(config: pytest.Config) -> str:
    return str(config.getini("product_package"))
