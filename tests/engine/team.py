"""A team's package and product folder for the engine's tests: the base and one kit, under a
separate name.

The files are those of the template. No bake is needed: the Python files contain no tags, and the
few placeholders of the other files are filled in here.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

if TYPE_CHECKING:
    from mlproduct.testing import TrialProduct

TEMPLATE = Path(__file__).parents[2]
BASE = TEMPLATE / "<<cookiecutter.project>>"
ENGINE = BASE / "engine" / "src"
KIT = os.environ.get("PRODUCT_KIT", "churn")
PACKAGE = "trial_radar"
PLACEHOLDERS = {
    "project": "trial-radar",
    "package": PACKAGE,
    "product_name": "Trial Radar",
    "__prefect_title": "Trial Radar",
}
WITH_PLACEHOLDERS = ("config/product.yaml", "prefect.yaml", "product/success_criteria.yaml")


def make_project(folder: Path, kit: str = KIT, package: str = PACKAGE) -> Path:
    """The product's folder as a bake creates it, without the engine."""
    for source in (BASE, BASE / "kits" / kit):
        for name in ("config", "product", "prefect.yaml"):
            if (source / name).is_dir():
                shutil.copytree(source / name, folder / name, dirs_exist_ok=True)
            elif (source / name).exists():
                shutil.copy(source / name, folder / name)
        kits_package = source / "src" / "<<cookiecutter.package>>"
        shutil.copytree(kits_package, folder / "src" / package, dirs_exist_ok=True)
    tags = {
        "variable_start_string": "<<",
        "variable_end_string": ">>",
        "comment_start_string": "<#",
    }
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, **tags)  # type: ignore[arg-type]
    for name in WITH_PLACEHOLDERS:
        path = folder / name
        text = environment.from_string(path.read_text(encoding="utf-8")).render(
            cookiecutter=PLACEHOLDERS
        )
        path.write_text(text, encoding="utf-8")
    return folder


PROJECT = make_project(Path(tempfile.mkdtemp(prefix="engine-tests-")) / "trial-radar")
atexit.register(shutil.rmtree, PROJECT.parent, ignore_errors=True)

SOURCES = os.pathsep.join(map(str, (PROJECT / "src", ENGINE)))
"""The PYTHONPATH of a process that runs the product."""

sys.path.insert(0, str(PROJECT / "src"))
os.environ["PYTHONPATH"] = SOURCES

os.environ["PRODUCT_ROOT"] = str(PROJECT)  # the name is read from here once, at import
from trial_radar.product import product as PRODUCT  # noqa: E402

assert PRODUCT.name == PLACEHOLDERS["project"]
del os.environ["PRODUCT_ROOT"]


def trial_at(root: Path) -> "TrialProduct":
    """The folder as a product of this package."""
    from mlproduct.testing import TrialProduct

    return TrialProduct(root, PRODUCT, import_module(f"{PACKAGE}.flows"))


def main(arguments: Sequence[str]) -> int:
    """The exit code of a command on this product."""
    from mlproduct.cli import main

    return main(PACKAGE, arguments)
