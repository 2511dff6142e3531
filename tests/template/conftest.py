"""How the tests bake, and the one environment in which every bake is looked at."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[2]
ENVIRONMENT = Path(os.environ.get("PRODUCT_ENV", ROOT / "build" / "env"))
KITS = ("churn", "price")

Bake = Callable[..., Path]


def sources(product: Path) -> str:
    """PYTHONPATH of a process that runs the product without installing it."""
    return os.pathsep.join(map(str, (product / "src", product / "engine" / "src")))


def tracked() -> list[str]:
    """The repository's files as a clone would have them: tracked or about to be, and not
    deleted.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return sorted({name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()})


def command_line(
    *arguments: str, settings: Path, folder: Path, cwd: Path | None = None, typed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """What ``cookiecutter`` did with these arguments, baking into ``folder``."""
    command = [
        sys.executable,
        "-m",
        "cookiecutter",
        "--config-file",
        str(settings),
        "--output-dir",
        str(folder),
    ]
    return subprocess.run(
        [*command, *arguments],
        cwd=cwd or folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session", autouse=True)
def _one_cache_of_types(tmp_path_factory: pytest.TempPathFactory) -> None:
    """mypy reads the libraries once, and not once for every product that is checked."""
    os.environ["MYPY_CACHE_DIR"] = str(tmp_path_factory.mktemp("types"))


@pytest.fixture(scope="session", autouse=True)
def _as_typed_by_hand() -> None:
    """What ``make test VENV=…`` was told is about our environment, not about those of the
    products.
    """
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VENV"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a clone would have it, without what tools left behind in the work tree."""
    clone = tmp_path_factory.mktemp("clone") / "template"
    for name in tracked():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    return clone


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cookiecutter configuration that keeps its files out of the home of whoever runs the
    tests.
    """
    folder = tmp_path_factory.mktemp("settings")
    file = folder / "config.yaml"
    file.write_text(
        f"cookiecutters_dir: {folder}/templates\nreplay_dir: {folder}/replay\n", encoding="utf-8"
    )
    return file


@pytest.fixture(scope="session")
def bake_into(template: Path, settings: Path) -> Bake:
    def into(folder: Path, **answers: str) -> Path:
        made = cookiecutter(
            str(template),
            no_input=True,
            extra_context=answers,
            output_dir=str(folder),
            config_file=str(settings),
        )
        return Path(made)

    return into


@pytest.fixture
def bake(bake_into: Bake, tmp_path: Path) -> Bake:
    """``bake(kit="price", …)``: the folder of a product with these answers, defaults for the
    others.
    """

    def to_tmp(**answers: str) -> Path:
        return bake_into(tmp_path, **answers)

    return to_tmp


@pytest.fixture(scope="session", params=KITS)
def kit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def product(kit: str, bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bake of ``kit`` with the default answers. Look, don't touch: many tests share it."""
    return bake_into(tmp_path_factory.mktemp(kit), kit=kit)


@pytest.fixture(scope="session")
def environment(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of a product, made by its own Makefile, once for every change of the lock."""
    any_product = bake_into(tmp_path_factory.mktemp("environment"))
    subprocess.run(["make", "locked", f"VENV={ENVIRONMENT}"], cwd=any_product, check=True)
    return ENVIRONMENT


@pytest.fixture(scope="session")
def make(environment: Path) -> Callable[[Path, str], subprocess.CompletedProcess[str]]:
    """``make(product, "check")``: what its owner would type, in the shared environment."""

    def run(folder: Path, target: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", target, f"VENV={environment}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    return run
