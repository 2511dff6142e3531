"""Fixtures that generate products from the template, and the environment they share."""

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
KITS = ("churn", "price", "feedback", "bare")

Bake = Callable[..., Path]
# The arguments of a headless Chromium; returns what it prints.
Chromium = Callable[..., str]


def sources(product: Path) -> str:
    """The PYTHONPATH of a process that runs the product without installing it."""
    return os.pathsep.join(map(str, (product / "src", product / "engine" / "src")))


def tracked() -> list[str]:
    """The files that a commit of the work tree would contain.

    These are the tracked files and the new ones that are not ignored, without the deleted ones.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    # A link is a file of the repository too, also if it points nowhere or to a folder.
    return sorted({name for name in names if (ROOT / name).is_file() or (ROOT / name).is_symlink()})


def command_line(
    *arguments: str, settings: Path, folder: Path, cwd: Path | None = None, typed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The result of ``cookiecutter`` with these arguments and the output folder ``folder``."""
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
def _shared_mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One cache for mypy, so that it reads the libraries once and not once per product."""
    os.environ["MYPY_CACHE_DIR"] = str(tmp_path_factory.mktemp("types"))


@pytest.fixture(scope="session", autouse=True)
def _no_variables_of_make() -> None:
    """Removes make's variables, so that ``make test VENV=…`` does not affect the products."""
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VENV"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the template without ignored files, such as caches."""
    clone = tmp_path_factory.mktemp("clone") / "template"
    for name in tracked():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    return clone


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cookiecutter configuration that writes no files to the user's home."""
    folder = tmp_path_factory.mktemp("settings")
    file = folder / "config.yaml"
    file.write_text(
        f"cookiecutters_dir: {folder}/templates\nreplay_dir: {folder}/replay\n", encoding="utf-8"
    )
    return file


@pytest.fixture(scope="session")
def bake_into(template: Path, settings: Path) -> Bake:
    """``bake_into(folder, kit="price", …)``: generates a product and returns its folder.

    Questions without an answer get their default.
    """

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
    """``bake(kit="price", …)``: the same as ``bake_into``, in the folder of the test."""

    def to_tmp(**answers: str) -> Path:
        return bake_into(tmp_path, **answers)

    return to_tmp


@pytest.fixture(scope="session", params=KITS)
def kit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def product(kit: str, bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product of ``kit`` with the default answers. Tests share it and must not change it."""
    return bake_into(tmp_path_factory.mktemp(kit), kit=kit)


@pytest.fixture(scope="session")
def environment(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of the products, created by a product's Makefile when the lock changed."""
    any_product = bake_into(tmp_path_factory.mktemp("environment"))
    subprocess.run(["make", "locked", f"VENV={ENVIRONMENT}"], cwd=any_product, check=True)
    return ENVIRONMENT


@pytest.fixture(scope="session")
def make(environment: Path) -> Callable[[Path, str], subprocess.CompletedProcess[str]]:
    """``make(product, "check")``: runs a target in the product, with the shared environment."""

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


@pytest.fixture
def chromium(tmp_path: Path) -> Chromium:
    """``chromium("--dump-dom", url)``: the output of a headless Chromium after all scripts."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; .ci/run installs it")
        pytest.skip("Chromium is missing; .ci/run installs it")
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    usual = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]
    own = f"--user-data-dir={tmp_path / 'browser'}"

    def run(*arguments: str) -> str:
        command = [program, *usual, *quiet, own, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        return done.stdout

    return run
