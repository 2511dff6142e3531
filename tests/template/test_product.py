"""The make targets, dependencies and configuration keys of a generated product."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Bake, sources

Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]
NAMES = {
    "shortest": {"project": "a", "package": "a", "product_name": "A"},
    "longest": {
        "project": "l" + "o" * 38 + "g",
        "package": "l" + "o" * 28 + "g",
        "product_name": "Lo" * 29 + "ng",
    },
}


@pytest.mark.parametrize(
    ("kit", "names"),
    [
        ("churn", "shortest"),
        ("price", "longest"),
        ("bare", "shortest"),
        pytest.param("churn", "longest", marks=pytest.mark.long),
        pytest.param("price", "shortest", marks=pytest.mark.long),
        pytest.param("feedback", "longest", marks=pytest.mark.long),
    ],
    indirect=["kit"],
)
def test_a_product_of_any_name_passes_its_check(
    make: Make, bake: Bake, kit: str, names: str
) -> None:
    """Lint, format and types pass. ``make check`` of the template covers the default names."""
    checked = make(bake(kit=kit, **NAMES[names]), "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    "kit",
    [
        "churn",
        "bare",
        *(pytest.param(kit, marks=pytest.mark.long) for kit in ("price", "feedback")),
    ],
    indirect=True,
)
def test_a_product_passes_its_own_tests(make: Make, bake: Bake, kit: str) -> None:
    tested = make(bake(kit=kit), "test")
    assert tested.returncode == 0, tested.stdout[-10_000:] + tested.stderr[-2_000:]
    assert re.search(r"\d+ passed", tested.stdout)


def test_check_fails_when_a_file_has_an_unused_import(make: Make, bake: Bake) -> None:
    """The check inspects the files of a product that is inside another repository."""
    product = bake()
    (product / "src" / "churn_radar" / "bad.py").write_text("import os\n", encoding="utf-8")
    checked = make(product, "check")
    assert checked.returncode != 0
    assert "F401" in checked.stdout


def test_the_step_in_the_docs_passes_the_check(make: Make, bake: Bake, template: Path) -> None:
    """The code of both pages is the same, and is formatted, typed and complete as it is shown."""
    product = bake()
    code, other = (
        page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
        for page in (product / "AGENTS.md", template / "docs" / "flows.md")
    )
    code = code.removeprefix("# src/churn_radar/flows.py\n")
    assert code == other
    imports, function = code.split("\n\n\n")
    flows = product / "src" / "churn_radar" / "flows.py"
    text = flows.read_text(encoding="utf-8")
    for before, added in {
        "from mlproduct import tasks\n": f"{imports}\n",
        '@flow(product, "train"': f"{function}\n\n",
        "        split = tasks.split(": "        rows = without_test_customers(rows)\n",
    }.items():
        assert before in text
        text = text.replace(before, added + before, 1)
    flows.write_text(text, encoding="utf-8")
    assert make(product, "fix").returncode == 0
    checked = make(product, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_help_lists_every_command(make: Make, product: Path) -> None:
    makefile = (product / "Makefile").read_text(encoding="utf-8")
    output = make(product, "help").stdout
    for word in (
        "run",
        "score",
        "label",
        "monitor",
        "serve",
        "up",
        "down",
        "status",
        "review",
        "sample",
        "demo",
        "doctor",
        "fix",
        "check",
        "test",
    ):
        assert f"make {word} " in output
        assert re.search(rf"^{word}:", makefile, re.MULTILINE)


def test_an_unsupported_python_is_refused_in_one_line(product: Path, tmp_path: Path) -> None:
    old = tmp_path / "python2"
    old.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Python 2.7.18" || exit 1\n', encoding="utf-8"
    )
    old.chmod(0o755)
    command = ["make", "ready", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"]
    refused = subprocess.run(command, cwd=product, capture_output=True, text=True, check=False)
    lines = [line for line in refused.stderr.splitlines() if not line.startswith("make")]
    assert refused.returncode != 0
    assert len(lines) == 1
    assert "Python 2.7.18 – expected Python 3.11, 3.12 or 3.13" in lines[0]


def test_make_ready_keeps_the_files_of_a_folder_that_is_no_environment(
    product: Path, tmp_path: Path
) -> None:
    (tmp_path / "letters").write_text("dear", encoding="utf-8")
    command = ["make", "ready", f"VENV={tmp_path}"]
    refused = subprocess.run(command, cwd=product, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "is not an environment" in refused.stderr
    assert (tmp_path / "letters").read_text(encoding="utf-8") == "dear"


@pytest.mark.parametrize(
    ("source", "exists", "made"),
    [
        ("source:\n  path: var/sample/rows.parquet  # synthetic", False, True),
        ("source: {path: 'var/sample/rows.parquet', format: parquet}", False, True),
        ("source:\n  path: var/sample/rows.parquet", True, False),
        ("source: {path: var/own.parquet}", False, False),
        ("source:\n  # path: var/sample/rows.parquet\n  path: data/own.csv", False, False),
        ("source: {url_from: WAREHOUSE, query: select 1}", False, False),
    ],
    ids=[
        "no sample",
        "inline mapping",
        "sample exists",
        "own file in var",
        "own file",
        "database",
    ],
)
def test_run_makes_the_sample_when_it_is_the_source_and_does_not_exist(
    environment: Path, bake: Bake, source: str, exists: bool, made: bool
) -> None:
    product = bake()
    (product / "config" / "pipeline.yaml").write_text(source, encoding="utf-8")
    (product / "var" / "sample").mkdir(parents=True)
    if exists:
        (product / "var" / "sample" / "rows.parquet").touch()
    command = ["make", "--dry-run", "run", f"VENV={environment}"]
    commands = subprocess.run(
        command, cwd=product, capture_output=True, text=True, check=True
    ).stdout
    assert ("churn_radar sample" in commands) is made
    assert commands.rstrip().endswith("churn_radar train")


def test_the_help_of_a_verb_imports_no_heavy_library(environment: Path, product: Path) -> None:
    """Imports are checked instead of seconds, which depend on the machine."""
    heavy = {"mlflow", "prefect", "sklearn", "evidently", "matplotlib", "skops", "scipy"}
    code_to_run = (
        "import contextlib, io, sys\n"
        "from mlproduct.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main('churn_radar', ['train', '--help'])\n"
        f"print(*sorted({heavy!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [environment / "bin" / "python", "-c", code_to_run],
        env={**os.environ, "PYTHONPATH": sources(product), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def test_every_imported_library_is_a_declared_dependency(product: Path) -> None:
    """No library is imported that only an undeclared dependency installs.

    Such a library is missing as soon as that dependency is removed.
    """
    distributions = {
        "sklearn": "scikit-learn",
        "yaml": "pyyaml",
        "pythonjsonlogger": "python-json-logger",
    }
    installed_by = {
        "pydantic_core": "pydantic",
        "markupsafe": "jinja2",
        "aiohttp": "fsspec",
        "botocore": "s3fs",
    }
    installed_by |= {"starlette": "fastapi"}
    engine = product / "engine"
    project = tomllib.loads((engine / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # An extra is installed by a team that wants it, and is in no lock.
    extras = project.get("optional-dependencies", {}).values()
    lines = (*project["dependencies"], *(line for extra in extras for line in extra))
    declared = {re.split(r"[^\w-]", line, maxsplit=1)[0] for line in lines}
    imported = {
        name.partition(".")[0]
        for path in (*(product / "src").rglob("*.py"), *(engine / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in modules_of(node)
    } - set(sys.stdlib_module_names)
    # mlproduct.testing imports pytest, which is in the dev group as it is for tests only.
    imported -= {"mlproduct", "pytest"}
    known = distributions | installed_by
    assert {
        name for name in imported if known.get(name, name.replace("_", "-")) not in declared
    } == set()


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []


# --- keys of the configuration ---------------------------------------------------------------


MODELS = {
    "config/settings.py": {
        "ProductName",
        *("Source", "Split", "AcceptedLeak", "Checks", "Search", "EvaluationBudget", "Pipeline"),
        *("Scoring", "LabelSource"),
        *("Monitoring", "DriftLimits", "LabelsJudged", "ReportSize", "Reactions"),
    },
    "gate/criteria.py": {"Criteria", "Criterion", "Waiver", "Value", "Owner"},
}


def keys_of(module: Path, models: set[str]) -> set[tuple[str, str]]:
    """The keys a person can write, as (model, field)."""
    return {
        (node.name, line.target.id)
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name in models
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }


def attributes_read(folder: Path) -> set[str]:
    return {
        node.attr
        for path in folder.rglob("*.py")
        if path.name != "settings.py"  # its validators read keys without using them
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize("module", MODELS)
def test_the_engine_reads_every_key_of_the_configuration(product: Path, module: str) -> None:
    """A key that nothing reads would have no effect."""
    package = product / "engine" / "src" / "mlproduct"
    keys = keys_of(package / module, MODELS[module])
    read = attributes_read(package)
    assert {model for model, _ in keys} == MODELS[module]
    assert {f"{model}.{key}" for model, key in keys if key not in read} == set()
