"""A baked product by its own words: what its owner types has to end well, whatever its name."""

import ast
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Bake

Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]
NAMES = {
    "shortest": {"project": "a", "package": "a", "product_name": "A"},
    "longest": {"project": "l" + "o" * 38 + "g", "package": "l" + "o" * 28 + "g", "product_name": "Lo" * 29 + "ng"},
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
def test_a_product_of_any_name_passes_its_check(make: Make, bake: Bake, kit: str, names: dict[str, str]) -> None:
    """Lint, format and types; with the default names, ``make check`` of the template does it."""
    checked = make(bake(kit=kit, **names), "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_product_passes_its_own_tests(make: Make, bake: Bake, kit: str) -> None:
    tested = make(bake(kit=kit), "test")
    assert tested.returncode == 0, tested.stdout[-8000:] + tested.stderr[-2000:]
    assert re.search(r"\d+ passed", tested.stdout)


def test_a_check_that_finds_something_fails(make: Make, bake: Bake) -> None:
    """The check is not green because it looks at nothing: a bake can stand inside another repository."""
    product = bake()
    (product / "src" / "churn_radar" / "bad.py").write_text("import os\n", encoding="utf-8")
    checked = make(product, "check")
    assert checked.returncode != 0
    assert "F401" in checked.stdout


def test_the_help_lists_every_command(make: Make, product: Path) -> None:
    makefile = (product / "Makefile").read_text(encoding="utf-8")
    said = make(product, "help").stdout
    for word in ("run", "review", "sample", "demo", "doctor", "fix", "check", "test"):
        assert f"make {word} " in said
        assert re.search(rf"^{word}:", makefile, re.MULTILINE)


def test_another_python_is_refused_in_one_line(product: Path, tmp_path: Path) -> None:
    old = tmp_path / "python2"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 2.7.18" || exit 1\n', encoding="utf-8")
    old.chmod(0o755)
    command = ["make", "ready", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"]
    refused = subprocess.run(command, cwd=product, capture_output=True, text=True, check=False)
    lines = [line for line in refused.stderr.splitlines() if not line.startswith("make")]
    assert refused.returncode != 0
    assert len(lines) == 1
    assert "Python 2.7.18 – Python 3.11, 3.12 or 3.13 is expected" in lines[0]


def test_a_folder_that_is_no_environment_is_not_emptied(product: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("dear", encoding="utf-8")
    command = ["make", "ready", f"VENV={tmp_path}"]
    refused = subprocess.run(command, cwd=product, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "is not an environment" in refused.stderr
    assert (tmp_path / "letters").read_text(encoding="utf-8") == "dear"


def test_help_of_a_verb_needs_no_heavy_import(environment: Path, product: Path) -> None:
    """What is not imported takes no time; seconds would depend on the machine."""
    heavy = {"mlflow", "prefect", "sklearn", "evidently", "matplotlib", "skops", "scipy", "pandas"}
    ask = (
        "import contextlib, io, sys\n"
        "from churn_radar.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['train', '--help'])\n"
        f"print(*sorted({heavy!r} & set(sys.modules)))\n"
    )
    asked = subprocess.run(
        [environment / "bin" / "python", "-c", ask],
        env={**os.environ, "PYTHONPATH": str(product / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.split() == []


# --- declared = wired ------------------------------------------------------------------------


def declared(module: Path, strict: str) -> Iterator[tuple[str, str]]:
    """The fields of the strict models in ``module``: (model, field)."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id == strict for base in node.bases
        ):
            for line in node.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield node.name, line.target.id


def attributes_read(folder: Path, leaving_out: str) -> set[str]:
    return {
        node.attr
        for path in folder.rglob("*.py")
        if path.name != leaving_out
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize(("module", "strict"), [("config.py", "_Strict"), ("criteria.py", "_Frozen")])
def test_every_key_of_the_configuration_is_read(product: Path, module: str, strict: str) -> None:
    """A key that nothing reads is a promise that nothing keeps."""
    package = product / "src" / "churn_radar"
    fields = set(declared(package / module, strict))
    read = attributes_read(package, leaving_out=module)
    assert len(fields) > 10
    assert {f"{model}.{field}" for model, field in fields if field not in read} == set()
