"""The files of a generated product, its record and the seal of its engine."""

import ast
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import KITS, ROOT, Bake, command_line, tracked

PROJECT = ROOT / "<<cookiecutter.project>>"
RECORD = ".bake.json"
ALLOWED = {"project", "package", "product_name", "description", "owner", "__prefect_title"}
Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]
TEMPLATE_SYNTAX = re.compile(r"<<|<%|<#|cookiecutter", re.IGNORECASE)


def files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_a_product_consists_of_exactly_the_listed_files(kit: str, product: Path) -> None:
    """If a file was added or removed on purpose, edit the list by hand."""
    listed = (Path(__file__).parent / f"files_{kit}.txt").read_text(encoding="utf-8").split()
    baked = files(product)
    assert listed == sorted(listed), f"tests/template/files_{kit}.txt is not sorted"
    assert set(baked) - set(listed) == set(), (
        f"generated, but not in tests/template/files_{kit}.txt"
    )
    assert set(listed) - set(baked) == set(), (
        f"in tests/template/files_{kit}.txt, but not generated"
    )


def test_no_file_of_a_product_contains_template_syntax(product: Path) -> None:
    left = {
        f"{name}:{number}: {line.strip()}"
        for name in files(product)
        if name not in (RECORD, "requirements.lock")
        for number, line in enumerate(
            (product / name).read_text(encoding="utf-8").splitlines(), start=1
        )
        if TEMPLATE_SYNTAX.search(line)
    }
    assert left == set()


def test_caches_in_the_template_are_not_in_a_product(
    template: Path, bake_into: Bake, tmp_path: Path
) -> None:
    engine = template / PROJECT.name / "engine"
    caches = [
        engine / name
        for name in (".ruff_cache", "src/mlproduct/__pycache__", "src/mlproduct.egg-info")
    ]
    try:
        for cache in caches:
            cache.mkdir()
            (cache / "file").write_text("of this machine", encoding="utf-8")
        product = bake_into(tmp_path)
    finally:
        for cache in caches:
            shutil.rmtree(cache, ignore_errors=True)
    assert not [name for name in files(product) if "cache" in name or "egg-info" in name]


def test_no_path_of_a_product_contains_template_syntax(product: Path) -> None:
    assert [name for name in files(product) if TEMPLATE_SYNTAX.search(name)] == []


def test_the_same_answers_generate_the_same_files(
    bake_into: Bake, kit: str, product: Path, tmp_path: Path
) -> None:
    again = bake_into(tmp_path, kit=kit)
    assert {name: (again / name).read_bytes() for name in files(again)} == {
        name: (product / name).read_bytes() for name in files(product)
    }


def template_sources() -> list[str]:
    return [name for name in tracked() if name.startswith(PROJECT.name) and name.endswith(".py")]


@pytest.mark.parametrize("name", template_sources(), ids=lambda name: name.partition("/")[2])
def test_python_files_of_the_template_parse_and_contain_no_template_syntax(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search("<<|<%|<#", text), (
        "put an option in a file of its kit, and read names from config/product.yaml"
    )
    ast.parse(text, filename=name)


def test_template_expressions_contain_only_answers() -> None:
    expressions = {
        (name, expression)
        for name in tracked()
        if name.startswith(PROJECT.name) and not name.endswith(".lock")
        for expression in re.findall(r"<<(.*?)>>", (ROOT / name).read_text(encoding="utf-8"))
    }
    unexpected = {
        (name, e)
        for name, e in expressions
        if not re.match(rf" *cookiecutter\.({'|'.join(ALLOWED)})\b", e)
    }
    assert unexpected == set()


def test_the_record_contains_the_template_its_version_and_the_answers(
    kit: str, product: Path, template: Path
) -> None:
    settings = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    record = json.loads((product / RECORD).read_text(encoding="utf-8"))
    # What ``adopt`` compares with, to find the files that a person has edited.
    files = record.pop("files")
    assert {"src/churn_radar/schemas.py", "product/brief.md", "config/pipeline.yaml"} < set(files)
    for name, digest in files.items():
        assert hashlib.sha256((product / name).read_bytes()).hexdigest() == digest, name
    assert record == {
        "template": str(template),
        "version": settings["_version"],
        "commit": None,
        "answers": {
            "product_name": "Churn Radar",
            "project": "churn-radar",
            "package": "churn_radar",
            "description": settings["description"],
            "owner": settings["owner"],
            "kit": kit,
        },
    }


def test_the_record_contains_the_commit_of_the_template_and_marks_changes(
    template: Path, settings: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["cp", "-r", str(template), str(clone)], check=True)
    committed = (
        git(clone, "init", "-q")
        or git(clone, "add", "-A")
        or git(clone, "commit", "-q", "-m", "all")
    )
    assert committed == ""
    head = git(clone, "rev-parse", "HEAD")

    assert recorded_commit(clone, settings, tmp_path / "clean") == head
    (clone / "LICENSE").write_text("another", encoding="utf-8")
    assert recorded_commit(clone, settings, tmp_path / "changed") == f"{head} and changes"


def recorded_commit(template: Path, settings: Path, folder: Path) -> str:
    """The commit in the record of a bake with a relative path to the template."""
    folder.mkdir()
    done = command_line(
        "--no-input", template.name, settings=settings, folder=folder, cwd=template.parent
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads((folder / "churn-radar" / RECORD).read_text(encoding="utf-8"))["commit"])


def git(folder: Path, *command: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *command], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_bake_prints_the_folder_and_the_next_steps(
    template: Path, settings: Path, tmp_path: Path
) -> None:
    output = command_line(
        "--no-input", str(template), settings=settings, folder=tmp_path
    ).stdout.splitlines()
    assert 3 <= len(output) <= 4
    assert output[0] == "Churn Radar is in churn-radar/"


def test_check_lists_the_edited_missing_and_new_files_of_the_engine(make: Make, bake: Bake) -> None:
    product = bake()
    engine = product / "engine"
    assert "engine/ is unchanged." in make(product, "check").stdout
    edited, missing = (
        engine / "src" / "mlproduct" / "clock.py",
        engine / "src" / "mlproduct" / "py.typed",
    )
    # A checkout on Windows may change the line endings. That is no edit.
    edited.write_bytes(edited.read_bytes().replace(b"\n", b"\r\n"))
    assert "engine/ is unchanged." in make(product, "check").stdout
    edited.write_text(edited.read_text(encoding="utf-8") + "\n\nNEW = 1\n", encoding="utf-8")
    missing.unlink()
    (engine / "notes.txt").write_text("ours", encoding="utf-8")
    output = make(product, "check").stdout
    for line in (
        "clock.py was edited",
        "py.typed is missing",
        "notes.txt is new",
        "An update replaces the folder",
    ):
        assert line in output
    (engine / "MANIFEST.sha256").unlink()
    assert "your team owns it" in make(product, "check").stdout


def seal(engine: Path) -> None:
    """Writes the manifest of an engine with the module of that engine."""
    spec = importlib.util.spec_from_file_location("manifest", engine / "src/mlproduct/manifest.py")
    assert spec is not None
    assert spec.loader is not None
    manifest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manifest)
    manifest.write(engine)


def test_the_offered_kits_are_the_folders_of_kits() -> None:
    folders = {path.name for path in (PROJECT / "kits").iterdir()}
    offered = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["kit"]
    assert set(offered) == folders == set(KITS)


def test_every_question_has_a_prompt() -> None:
    settings = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    questions = [name for name in settings if not name.startswith("_")]
    assert questions == ["product_name", "project", "package", "description", "owner", "kit"]
    assert list(settings["__prompts__"]) == questions
    assert settings["__prompts__"]["kit"].keys() == {"__prompt__", *settings["kit"]}
