"""Who may import whom, read from the source with ast. Can run before anything was trained."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import <<cookiecutter.package>>

PACKAGE = Path(<<cookiecutter.package>>.__file__).parent
LAYERS = {"cli": 4, "__main__": 4, "story": 3, "rehearsal": 3, "commands": 3}
LAYERS |= {"servers": 2, "status": 2, "flows": 2, "service": 2, "candidates": 2, "steps": 1, "stores": 1}
ONLY = {
    "prefect": ("flows/",),
    "mlflow": ("stores/models.py", "stores/runs.py", "stores/monitoring_runs.py", "stores/tracking.py"),
    "fastapi": ("service/",),
    "argparse": ("cli.py", "commands/", "story.py"),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module of a file with its line; relative imports as ``.layer.module``."""
    here = path.relative_to(PACKAGE).parent.parts
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


def broken_rules(path: Path) -> Iterator[str]:
    name = path.relative_to(PACKAGE).as_posix()
    own = layer(name.removesuffix(".py").replace("/", "."))
    for imported, line in imports(path):
        where = f"{name}:{line} imports {imported}"
        top = imported.split(".")[0]
        if top in ONLY and not name.startswith(ONLY[top]):
            yield f"{where}: only {' and '.join(ONLY[top])} may know {top}"
        if top == <<cookiecutter.package>>.__name__:
            yield f"{where}: within the package imports are relative"
        if imported.startswith("."):
            theirs = layer(imported)
            if LAYERS.get(theirs, 0) > LAYERS.get(own, 0):
                yield f"{where}: imports point one way, cli → commands → flows, service → steps, stores → the rest"
            if {own, theirs} == {"steps", "stores"}:
                yield f"{where}: steps and stores do not know each other; a flow brings them together"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    assert list(broken_rules(path)) == []


def test_a_wrong_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "steps").mkdir()
    wrong = tmp_path / "steps" / "wrong.py"
    wrong.write_text("import mlflow\nfrom ..stores import models\nfrom ..flows.training import train\n")
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    assert len(list(broken_rules(wrong))) == 3


def test_every_module_says_what_lives_in_it() -> None:
    silent = [p.name for p in modules() if p.stat().st_size and not ast.get_docstring(ast.parse(p.read_text("utf-8")))]
    assert silent == []
