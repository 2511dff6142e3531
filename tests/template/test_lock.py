"""The locks: exact, hashed, within the bounds, without an address, and installable by plain pip
alone.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT, Bake
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = ROOT / "<<cookiecutter.project>>"
LOCKS = {"template": ROOT, "product": PROJECT}
PYTHONS = ("3.11", "3.12", "3.13")


@pytest.fixture(params=list(LOCKS.values()), ids=list(LOCKS))
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def lock_of(folder: Path) -> str:
    return (folder / "requirements.lock").read_text(encoding="utf-8")


def locked(folder: Path) -> list[Requirement]:
    lines = re.findall(r"^([^\s#-][^\\\n]*?) *\\?$", lock_of(folder), re.MULTILINE)
    return [Requirement(line) for line in lines]


def declared(folder: Path) -> list[Requirement]:
    text = re.sub(r"<<.*?>>", "blank", (folder / "pyproject.toml").read_text(encoding="utf-8"))
    pyproject = tomllib.loads(text)
    lines = [
        *pyproject.get("project", {}).get("dependencies", []),
        *pyproject["dependency-groups"]["dev"],
    ]
    if (
        folder / "engine"
    ).is_dir():  # the product's lock is that of its engine, which itself is no part of it
        lines.remove("mlproduct")
        engine = tomllib.loads((folder / "engine" / "pyproject.toml").read_text(encoding="utf-8"))
        lines += engine["project"]["dependencies"]
    return [Requirement(line) for line in lines]


def test_the_lock_is_exact_and_hashed(folder: Path) -> None:
    entries = re.split(r"^(?=[^\s#])", lock_of(folder), flags=re.MULTILINE)
    entries = [entry for entry in entries if entry.strip()]
    bare = [
        entry
        for entry in entries
        if not re.match(r"[\w.-]+==[\w.]+( ; [^\n]+)? \\\n +--hash=sha256:", entry)
    ]
    assert bare == []
    assert len(entries) > 50


def test_the_lock_holds_no_address(folder: Path) -> None:
    assert (
        re.findall(
            r"^.*(?:://|index-url|find-links|trusted-host).*$", lock_of(folder), re.MULTILINE
        )
        == []
    )


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_keeps_the_bounds(folder: Path, python: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.5"}
    versions = {
        canonicalize_name(entry.name): next(iter(entry.specifier)).version
        for entry in locked(folder)
        if entry.marker is None or entry.marker.evaluate(here)
    }
    assert [
        str(wanted)
        for wanted in declared(folder)
        if not wanted.specifier.contains(versions[canonicalize_name(wanted.name)])
    ] == []


def test_every_dependency_of_a_product_is_bounded() -> None:
    """An open end is a break on a day nobody chose; libraries that count by years have no series to
    bound.
    """
    by_years = {"fsspec", "s3fs", "pyarrow", "rich"}
    unbounded = {wanted.name for wanted in declared(PROJECT) if "<" not in str(wanted.specifier)}
    assert unbounded <= by_years


@pytest.mark.long
def test_a_product_installs_on_a_machine_without_uv(bake: Bake, tmp_path: Path) -> None:
    """Its own Makefile, all of the lock, by pip alone: as where no uv can be had, it is not in the
    lock.
    """
    product = bake()
    lock = product / "requirements.lock"
    without = re.sub(
        r"^uv==.*\n(?:    --hash.*\n)+", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    lock.write_text(without, encoding="utf-8")
    made = subprocess.run(
        ["make", "ready"], cwd=product, capture_output=True, text=True, check=False
    )

    assert made.returncode == 0, made.stderr
    assert "installing with pip" in made.stdout
    assert_both_are_found(product / ".venv" / "bin", tmp_path)
    python = product / ".venv" / "bin" / "python"
    subprocess.run(
        [python, "-c", "import mlflow, pandera, prefect, skops, churn_radar"],
        cwd=tmp_path,
        check=True,
    )


def test_both_distributions_are_installed_as_the_image_does_it(
    environment: Path, bake: Bake, tmp_path: Path
) -> None:
    """Not editable, without the network, beside the libraries of the lock."""
    product = bake()
    install = re.search(
        r"pip install .*(--no-deps --no-build-isolation .*?) \\", dockerfile(product)
    )
    assert install is not None
    new = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", new], check=True)
    site = next(new.glob("lib/python*/site-packages"))
    libraries = next(environment.glob("lib/python*/site-packages"))
    (site / "libraries.pth").write_text(str(libraries), encoding="utf-8")
    python, target = str(environment / "bin" / "python"), str(new / "bin" / "python")
    pip = [python, "-m", "pip", "--python", target, "install", "--quiet"]
    subprocess.run([*pip, *install.group(1).split()], cwd=product, check=True)
    product.rename(tmp_path / "elsewhere")
    assert_both_are_found(new / "bin", tmp_path)


def dockerfile(product: Path) -> str:
    return (product / "Dockerfile").read_text(encoding="utf-8")


def assert_both_are_found(scripts: Path, folder: Path) -> None:
    """From another working directory: the product by its command, and the engine beneath it."""
    for words in (["churn-radar"], ["python", "-m", "churn_radar"]):
        asked = subprocess.run(
            [str(scripts / words[0]), *words[1:], "--help"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        assert "train" in asked.stdout
