"""The locks are exact, hashed and within the bounds, have no address, and install with pip."""

import os
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
    text = re.sub(r"<<.*?>>", "example", (folder / "pyproject.toml").read_text(encoding="utf-8"))
    pyproject = tomllib.loads(text)
    lines = [
        *pyproject.get("project", {}).get("dependencies", []),
        *pyproject["dependency-groups"]["dev"],
    ]
    # The product's lock has the dependencies of the engine, but not the engine itself.
    if (folder / "engine").is_dir():
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


def test_the_lock_contains_no_address(folder: Path) -> None:
    assert (
        re.findall(
            r"^.*(?:://|index-url|find-links|trusted-host).*$", lock_of(folder), re.MULTILINE
        )
        == []
    )


@pytest.mark.parametrize("python", PYTHONS)
def test_the_locked_versions_are_within_the_declared_bounds(folder: Path, python: str) -> None:
    markers = {"python_version": python, "python_full_version": f"{python}.5"}
    versions = {
        canonicalize_name(entry.name): next(iter(entry.specifier)).version
        for entry in locked(folder)
        if entry.marker is None or entry.marker.evaluate(markers)
    }
    assert [
        str(wanted)
        for wanted in declared(folder)
        if not wanted.specifier.contains(versions[canonicalize_name(wanted.name)])
    ] == []


def test_every_dependency_of_a_product_has_an_upper_bound() -> None:
    """Each dependency has an upper bound, except for those with calendar versions.

    Without a bound, a new release can break a product at any time. Calendar versions do not tell
    which releases are compatible.
    """
    calendar_versions = {"fsspec", "s3fs", "pyarrow", "rich"}
    unbounded = {wanted.name for wanted in declared(PROJECT) if "<" not in str(wanted.specifier)}
    assert unbounded <= calendar_versions


@pytest.mark.parametrize("forbidden", ["1", ""])
def test_the_libraries_are_compiled_where_python_may_not_write(
    folder: Path, forbidden: str, tmp_path: Path
) -> None:
    """Otherwise, each command compiles thousands of modules, and takes more than twice as long."""
    target = "locked" if folder == PROJECT else "docs"
    shown = subprocess.run(
        ["make", "--dry-run", target, f"VENV={tmp_path / 'environment'}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": forbidden},
    )
    assert ("--compile-bytecode" in shown.stdout) == bool(forbidden)


@pytest.mark.long
def test_a_product_installs_on_a_machine_without_uv(bake: Bake, tmp_path: Path) -> None:
    """``make ready`` installs the whole lock with pip.

    The test removes uv from the lock, as on a machine that has no uv.
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
    assert_commands_run(product / ".venv" / "bin", tmp_path)
    python = product / ".venv" / "bin" / "python"
    subprocess.run(
        [python, "-c", "import mlflow, pandera, prefect, skops, churn_radar"],
        cwd=tmp_path,
        check=True,
    )


def test_the_command_of_the_image_installs_the_product_and_the_engine(
    environment: Path, bake: Bake, tmp_path: Path
) -> None:
    """The installs are not editable, and need no network when the locked libraries are there."""
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
    assert_commands_run(new / "bin", tmp_path)


def dockerfile(product: Path) -> str:
    return (product / "Dockerfile").read_text(encoding="utf-8")


def assert_commands_run(scripts: Path, folder: Path) -> None:
    """The product's command and ``python -m`` run from another working directory."""
    for words in (["churn-radar"], ["python", "-m", "churn_radar"]):
        done = subprocess.run(
            [str(scripts / words[0]), *words[1:], "--help"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "train" in done.stdout
