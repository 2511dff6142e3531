"""Who may import whom, read from the source with ast. Nothing is trained."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from .team import BASE, ENGINE

MLPRODUCT = ENGINE / "mlproduct"
LAYERS = {"testing": 6, "cli": 5, "demo": 5, "service": 5, "tasks": 4}
LAYERS |= dict.fromkeys(("training", "evaluation", "monitoring", "scorecard", "registry", "log"), 3)
LAYERS |= {"product": 2, "data": 2, "gate": 2, "problems": 1, "config": 0}
APART = ({"training", "evaluation", "monitoring", "scorecard"}, {"registry", "log"})
"""Two groups that do not know each other; a task brings them together."""

ONLY = {
    "prefect": ("tasks/", "testing/plugin.py"),
    "mlflow": tuple(
        f"registry/{name}.py" for name in ("models", "runs", "monitoring_runs", "tracking")
    ),
    "fastapi": ("service/",),
    "argparse": ("cli/", "demo/story.py"),
}
TEAMS_NAMES = {
    "mlproduct",
    "mlproduct.tasks",
    "mlproduct.synthetic",
    "mlproduct.testing",
    "mlproduct.cli",
}


def modules() -> list[Path]:
    return sorted(MLPRODUCT.rglob("*.py"))


def imports(path: Path, package: Path) -> Iterator[tuple[str, int]]:
    """Every imported module of a file with its line; relative imports as ``.layer.module``."""
    here = path.relative_to(package).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            parents = here[: len(here) - node.level + 1]
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
            yield f"{where}: only {' and '.join(ONLY[top])} may know {top}"
        if top == "mlproduct":
            yield f"{where}: within the engine imports are relative"
        if imported.startswith("."):
            theirs = layer(imported)
            if LAYERS.get(theirs, 0) > LAYERS.get(own, 0) and name != "__init__.py":
                yield (
                    f"{where}: imports point one way, cli → tasks → evaluation, registry → data,"
                    " gate → config"
                )
            if any(own in group and theirs in other for group, other in (APART, APART[::-1])):
                yield f"{where}: what computes and what stores do not know each other"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(MLPRODUCT).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    assert list(broken_rules(path, MLPRODUCT)) == []


def module_file(imported: str) -> Path | None:
    """The file of ``.layer.module``; None for what lies outside the engine."""
    place = MLPRODUCT.joinpath(*imported.strip(".").split("."))
    tried = (place.with_suffix(".py"), place / "__init__.py", place.parent.with_suffix(".py"))
    return next((path for path in (*tried, place.parent / "__init__.py") if path.is_file()), None)


def test_no_module_needs_itself() -> None:
    """Also where an import is inside a function, or only for types."""
    needs = {
        path: {
            found
            for imported, _ in imports(path, MLPRODUCT)
            if imported.startswith(".") and (found := module_file(imported)) not in (None, path)
        }
        for path in modules()
    }
    assert sum(map(len, needs.values())) > 300
    TopologicalSorter(needs).prepare()  # raises CycleError, with the circle


def test_a_wrong_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    wrong = tmp_path / "evaluation" / "wrong.py"
    wrong.write_text(
        "import mlflow\nfrom ..registry import models\nfrom ..tasks.training import search\n"
    )
    assert len(list(broken_rules(wrong, tmp_path))) == 3


def test_the_engine_imports_nothing_of_a_team_and_the_team_only_public_names() -> None:
    """A team's package is loaded by name; what a team may import are few modules."""
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
    assert ours <= TEAMS_NAMES
    outside = {name.split(".")[0] for path in modules() for name, _ in imports(path, MLPRODUCT)}
    assert not {
        name
        for name in outside
        if "cookiecutter" in name or name in ("schemas", "candidates", "sample")
    }


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        p
        for p in modules()
        if p.stat().st_size and not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert silent == []


def test_every_file_that_a_text_names_is_there() -> None:
    """A text that sends its reader to a module that was renamed is worse than none."""
    there = {path.name for path in (*modules(), *BASE.rglob("*.py"))}
    named = {
        (path.relative_to(MLPRODUCT).as_posix(), name)
        for path in modules()
        for name in re.findall(r"\b\w+\.py\b", path.read_text(encoding="utf-8"))
    }
    assert [(path, name) for path, name in sorted(named) if name not in there] == []
