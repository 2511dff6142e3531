"""What a bake consists of: these files and only these, and nothing of the template left in them."""

import ast
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
MAY_APPEAR = {"project", "package", "product_name", "description", "owner"}
Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]
LEFTOVERS = re.compile(r"<<|<%|<#|cookiecutter", re.IGNORECASE)


def files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_exactly_these_files_are_baked(kit: str, product: Path) -> None:
    """After a file came or went on purpose: write what is shown as missing or new into the list by
    hand.
    """
    listed = (Path(__file__).parent / f"files_{kit}.txt").read_text(encoding="utf-8").split()
    baked = files(product)
    assert listed == sorted(listed), f"tests/template/files_{kit}.txt is not in order"
    assert set(baked) - set(listed) == set(), f"baked, but not in tests/files_{kit}.txt"
    assert set(listed) - set(baked) == set(), f"in tests/files_{kit}.txt, but not baked"


def test_nothing_of_the_template_is_left(product: Path) -> None:
    left = {
        f"{name}:{number}: {line.strip()}"
        for name in files(product)
        if name not in (RECORD, "requirements.lock")
        for number, line in enumerate(
            (product / name).read_text(encoding="utf-8").splitlines(), start=1
        )
        if LEFTOVERS.search(line)
    }
    assert left == set()


def test_no_cache_of_the_template_is_baked(template: Path, bake_into: Bake, tmp_path: Path) -> None:
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


def test_no_path_holds_a_blank(product: Path) -> None:
    assert [name for name in files(product) if LEFTOVERS.search(name)] == []


def test_same_answers_same_bake(bake_into: Bake, kit: str, product: Path, tmp_path: Path) -> None:
    again = bake_into(tmp_path, kit=kit)
    assert {name: (again / name).read_bytes() for name in files(again)} == {
        name: (product / name).read_bytes() for name in files(product)
    }


def template_sources() -> list[str]:
    return [name for name in tracked() if name.startswith(PROJECT.name) and name.endswith(".py")]


@pytest.mark.parametrize("name", template_sources(), ids=lambda name: name.partition("/")[2])
def test_template_python_is_python_without_a_tag(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search("<<|<%|<#", text), (
        "an option is a file, and names come from config/product.yaml"
    )
    ast.parse(text, filename=name)


def test_only_the_answers_appear_in_files() -> None:
    blanks = {
        (name, expression)
        for name in tracked()
        if name.startswith(PROJECT.name) and not name.endswith(".lock")
        for expression in re.findall(r"<<(.*?)>>", (ROOT / name).read_text(encoding="utf-8"))
    }
    strange = {
        (name, e)
        for name, e in blanks
        if not re.match(rf" *cookiecutter\.({'|'.join(MAY_APPEAR)})\b", e)
    }
    assert strange == set()


def test_the_record_says_what_it_was_made_from(kit: str, product: Path, template: Path) -> None:
    settings = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    assert json.loads((product / RECORD).read_text(encoding="utf-8")) == {
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


def test_the_record_names_the_commit(template: Path, settings: Path, tmp_path: Path) -> None:
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
    """The commit in the record of a bake by the command line, with the template's address
    relative.
    """
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


def test_a_kit_says_what_to_do_next(template: Path, settings: Path, tmp_path: Path) -> None:
    output = command_line(
        "--no-input", str(template), settings=settings, folder=tmp_path
    ).stdout.splitlines()
    assert 3 <= len(output) <= 4
    assert output[0] == "Churn Radar is in churn-radar/"


def test_the_engine_is_sealed_and_says_what_was_edited(make: Make, bake: Bake) -> None:
    product = bake()
    engine = product / "engine"
    assert "engine/ is unchanged." in make(product, "check").stdout
    edited, missing = (
        engine / "src" / "mlproduct" / "clock.py",
        engine / "src" / "mlproduct" / "py.typed",
    )
    edited.write_bytes(
        edited.read_bytes().replace(b"\n", b"\r\n")
    )  # a checkout on Windows edits nothing
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
    """Writes the manifest of an engine's folder, by that engine's own module."""
    spec = importlib.util.spec_from_file_location("manifest", engine / "src/mlproduct/manifest.py")
    assert spec is not None
    assert spec.loader is not None
    manifest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manifest)
    manifest.write(engine)


def test_every_kit_is_offered_and_there() -> None:
    folders = {path.name for path in (PROJECT / "kits").iterdir()}
    offered = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["kit"]
    assert set(offered) == folders == set(KITS)


def test_every_question_has_its_sentence() -> None:
    settings = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    questions = [name for name in settings if not name.startswith("_")]
    assert questions == ["product_name", "project", "package", "description", "owner", "kit"]
    assert list(settings["__prompts__"]) == questions
    assert settings["__prompts__"]["kit"].keys() == {"__prompt__", *settings["kit"]}
