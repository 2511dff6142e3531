"""The engine's import rules and module docstrings, checked on the source with ``ast``."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from mlproduct.problems import BinaryClassification, MulticlassClassification, Regression

from .team import BASE, ENGINE

MLPRODUCT = ENGINE / "mlproduct"
LAYERS = {"testing": 6, "cli": 5, "demo": 5, "adopt": 5, "service": 5, "tasks": 4}
LAYERS |= dict.fromkeys(("training", "evaluation", "monitoring", "scorecard", "registry", "log"), 3)
LAYERS |= {"product": 2, "data": 2, "problems": 1, "gate": 1, "config": 0}
INDEPENDENT = ({"training", "evaluation", "monitoring", "scorecard"}, {"registry", "log"})
"""Two groups that do not import each other; a task combines them."""

ONLY = {
    "prefect": ("tasks/", "testing/plugin.py"),
    "mlflow": tuple(
        f"registry/{name}.py"
        for name in ("models", "model_files", "runs", "monitoring_runs", "tracking")
    ),
    "fastapi": ("service/",),
    "argparse": ("cli/", "demo/command.py", "adopt/command.py"),
}
PUBLIC_MODULES = {
    "mlproduct",
    "mlproduct.tasks",
    "mlproduct.synthetic",
    "mlproduct.testing",
    "mlproduct.cli",
}


def modules() -> list[Path]:
    return sorted(MLPRODUCT.rglob("*.py"))


def imports(path: Path, package: Path) -> Iterator[tuple[str, int]]:
    """Every imported module of a file with its line; relative imports are given as
    ``.layer.module``.
    """
    parent_parts = path.relative_to(package).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            parents = parent_parts[: len(parent_parts) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (("." + ".".join((*parents, name or "")), node.lineno) for name in names)


def layer(module: str) -> str:
    return module.strip(".").split(".")[0]


def broken_rules(path: Path, package: Path) -> Iterator[str]:
    name = path.relative_to(package).as_posix()
    own = layer(name.removesuffix(".py").replace("/", "."))
    for imported, line in imports(path, package):
        where = f"{name}:{line} imports {imported}"
        top = imported.split(".")[0]
        if top in ONLY and not name.startswith(ONLY[top]):
            yield f"{where}: only {' and '.join(ONLY[top])} may import {top}"
        if top == "mlproduct":
            yield f"{where}: within the engine imports are relative"
        if imported.startswith("."):
            theirs = layer(imported)
            if LAYERS.get(theirs, 0) > LAYERS.get(own, 0) and name != "__init__.py":
                yield (
                    f"{where}: imports follow the order cli → tasks → evaluation, registry → data,"
                    " gate → config"
                )
            if any(
                own in group and theirs in other
                for group, other in (INDEPENDENT, INDEPENDENT[::-1])
            ):
                yield f"{where}: compute and storage modules do not import each other"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(MLPRODUCT).as_posix())
def test_a_module_follows_the_import_rules(path: Path) -> None:
    assert list(broken_rules(path, MLPRODUCT)) == []


def module_file(imported: str) -> Path | None:
    """The file of ``.layer.module``, or None for a module outside the engine."""
    place = MLPRODUCT.joinpath(*imported.strip(".").split("."))
    tried = (place.with_suffix(".py"), place / "__init__.py", place.parent.with_suffix(".py"))
    return next((path for path in (*tried, place.parent / "__init__.py") if path.is_file()), None)


def test_imports_contain_no_cycle() -> None:
    """Imports inside functions and imports only for types count as well."""
    needs = {
        path: {
            found
            for imported, _ in imports(path, MLPRODUCT)
            if imported.startswith(".") and (found := module_file(imported)) not in (None, path)
        }
        for path in modules()
    }
    assert sum(map(len, needs.values())) > 300
    TopologicalSorter(needs).prepare()  # raises CycleError, which names the cycle


def test_broken_rules_finds_forbidden_imports(tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    wrong = tmp_path / "evaluation" / "wrong.py"
    wrong.write_text(
        "import mlflow\nfrom ..registry import models\nfrom ..tasks.training import search\n"
    )
    assert len(list(broken_rules(wrong, tmp_path))) == 3


def test_the_engine_imports_no_team_code_and_teams_import_only_public_modules() -> None:
    """The engine loads a team's package by name, and a team may import only a few modules."""
    teams = [
        *BASE.glob("src/*/*.py"),
        *BASE.glob("kits/*/src/*/*.py"),
        *BASE.glob("kits/*/tests/*.py"),
    ]
    assert len(teams) > 10
    ours = {
        name
        for path in teams
        for name, _ in imports(path, path.parent)
        if name.split(".")[0] == "mlproduct"
    }
    assert ours <= PUBLIC_MODULES
    outside = {name.split(".")[0] for path in modules() for name, _ in imports(path, MLPRODUCT)}
    assert not {
        name
        for name in outside
        if "cookiecutter" in name or name in ("schemas", "candidates", "sample")
    }


def test_every_module_has_a_docstring() -> None:
    silent = [
        p
        for p in modules()
        if p.stat().st_size and not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert silent == []


def test_every_python_file_named_in_a_module_exists() -> None:
    """A text that refers to a renamed module misleads its reader."""
    existing = {path.name for path in (*modules(), *BASE.rglob("*.py"))}
    named = {
        (path.relative_to(MLPRODUCT).as_posix(), name)
        for path in modules()
        for name in re.findall(r"\b\w+\.py\b", path.read_text(encoding="utf-8"))
    }
    assert [(path, name) for path, name in sorted(named) if name not in existing] == []


def test_only_a_problem_knows_the_names_of_tasks() -> None:
    """A comparison elsewhere would be a branch that every new problem has to find."""
    kinds = (BinaryClassification, MulticlassClassification, Regression)
    tasks, classes = {kind.task for kind in kinds}, {kind.__name__ for kind in kinds}
    found = []
    for path in modules():
        if path.is_relative_to(MLPRODUCT / "problems"):
            continue
        # The package lists its public names.
        own = path == MLPRODUCT / "__init__.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name | ast.alias) and not own:
                name = node.id if isinstance(node, ast.Name) else node.name
                if name in classes:
                    found.append(f"{path.relative_to(MLPRODUCT)}: {name}")
            if not isinstance(node, ast.Compare):
                continue
            parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
            named = any(isinstance(p, ast.Constant) and p.value in tasks for p in parts)
            asked = any(isinstance(p, ast.Attribute) and p.attr == "task" for p in parts)
            if named or asked:
                found.append(f"{path.relative_to(MLPRODUCT)}:{node.lineno}")
    assert found == []
