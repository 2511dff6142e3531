"""The files, versions, continuous integration and tool settings of the repository."""

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
# Split, so that this file does not contain what the test searches for.
HOSTS = re.compile(
    "(py" + "pi|python" + r"hosted)\.org|registry\.npm" + "js|deb" + r"\.debian|/wor" + "k/main"
)


def test_the_top_level_contains_exactly_the_listed_names() -> None:
    assert {name.partition("/")[0] for name in tracked()} == TOP


def test_no_file_contains_a_package_registry_or_a_path_of_a_machine() -> None:
    found_in_files = {
        f"{name}: {found.group()}"
        for name in tracked()
        if (found := HOSTS.search((ROOT / name).read_bytes().decode("utf-8", errors="ignore")))
    }
    assert found_in_files == set()


def test_the_version_is_the_newest_in_the_changelog() -> None:
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


def test_ci_runs_the_targets_of_the_makefile_on_every_python() -> None:
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


def test_both_makefiles_create_an_environment_with_the_same_recipe() -> None:
    """The recipe exists twice, because neither Makefile can include the other."""
    of_template, of_product = (
        (folder / "Makefile")
        .read_text(encoding="utf-8")
        .partition("\n$(LOCKED):\n")[2]
        .partition("\n\n")[0]
        for folder in (ROOT, ROOT / "<<cookiecutter.project>>")
    )
    assert of_template.strip() == of_product.strip() != ""


def test_the_template_and_a_product_have_the_same_settings_of_ruff() -> None:
    text = re.sub(
        r"<<.*?>>",
        "example",
        (ROOT / "<<cookiecutter.project>>" / "pyproject.toml").read_text(encoding="utf-8"),
    )
    of_template = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "ruff"
    ]
    of_product = tomllib.loads(text)["tool"]["ruff"]
    assert of_template["line-length"] == of_product["line-length"]
    assert of_template["lint"] == of_product["lint"]
