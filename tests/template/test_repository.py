"""The repository itself: what stands at its top, and what must stand in none of its files."""

import json
import re
import tomllib

import yaml
from conftest import ROOT, tracked

TOP = {
    ".ci",
    ".github",
    ".gitignore",
    "<<cookiecutter.project>>",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "cookiecutter.json",
    "docs",
    "hooks",
    "mkdocs.yml",
    "pyproject.toml",
    "requirements.lock",
    "tests",
}
# Spelled in halves, so that this file does not hold what it looks for.
HOSTS = re.compile(
    "(py" + "pi|python" + r"hosted)\.org|registry\.npm" + "js|deb" + r"\.debian|/wor" + "k/main"
)


def test_the_top_level_is_exactly_this() -> None:
    assert {name.partition("/")[0] for name in tracked()} == TOP


def test_no_file_names_a_package_registry_or_a_machine() -> None:
    named = {
        f"{name}: {found.group()}"
        for name in tracked()
        if (found := HOSTS.search((ROOT / name).read_bytes().decode("utf-8", errors="ignore")))
    }
    assert named == set()


def test_the_version_is_the_newest_of_the_changelog() -> None:
    version = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_version"]
    newest = re.search(
        r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert newest is not None
    assert newest.group(1) == version


def test_the_engine_has_the_version_of_the_template() -> None:
    version = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_version"]
    engine = ROOT / "<<cookiecutter.project>>" / "engine"
    assert (
        tomllib.loads((engine / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
        == version
    )
    assert f'__version__ = "{version}"' in (engine / "src" / "mlproduct" / "__init__.py").read_text(
        encoding="utf-8"
    )


def test_every_ci_runs_what_a_person_types() -> None:
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in run if line.startswith("make ")] == [
        "make check",
        "make test",
        "make test-long",
    ]
    assert any(line.strip().startswith("make test-product PYTHON=") for line in run)
    assert "set -euo pipefail" in run
    workflow = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    )
    job = workflow["jobs"]["test"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_both_makefiles_make_an_environment_the_same_way() -> None:
    """Two copies, as neither repository can reach into the other; here they are held together."""
    ours, theirs = (
        (folder / "Makefile")
        .read_text(encoding="utf-8")
        .partition("\n$(LOCKED):\n")[2]
        .partition("\n\n")[0]
        for folder in (ROOT, ROOT / "<<cookiecutter.project>>")
    )
    assert ours.strip() == theirs.strip() != ""


def test_the_tools_agree_on_the_style() -> None:
    blanks = re.sub(
        r"<<.*?>>",
        "blank",
        (ROOT / "<<cookiecutter.project>>" / "pyproject.toml").read_text(encoding="utf-8"),
    )
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    theirs = tomllib.loads(blanks)["tool"]["ruff"]
    assert (ours["line-length"], ours["lint"]) == (theirs["line-length"], theirs["lint"])
