"""An answer is stored unchanged, or refused with a valid suggestion."""

import ast
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ENVIRONMENT, KITS, ROOT, Bake, command_line

PROJECT = ROOT / "<<cookiecutter.project>>"
TEXTS = {
    "quotes": """The "at risk" ones, and 'theirs'""",
    "many quotes": '''"""x""" and \'\'\'y\'\'\'''',
    "backslashes": r"C:\new\table \\ \" \x41 \u0041 \N{DASH} \\",
    "trailing backslash": "ends in a backslash \\",
    "emoji": "Radar 🚀 for the 👩‍💻 of Zürich, 東京",
    "code": "__import__('os').system('touch hacked')",
    "default Jinja delimiters": "{{ 7 * 7 }} {% raw %} {# x #}",
    "markup": "<script>alert(1)</script> & <b> # not: a comment",
    "yaml": "- {a: [b, *c, &d]} : yes # no",
    "shell": "$(touch hacked) `touch hacked` %s ${HOME}",
    "format": "{product_name} %(x)s {0}",
}
TEMPLATE_SYNTAX = {
    "template variable": "<< 7 * 7 >>",
    "template tag": "<% if x %> <% endraw %>",
    "template comment": "<# gone? #>",
}
INVALID = {
    "keyword": ({"package": "class"}, "word of the Python language"),
    "soft keyword": ({"package": "match"}, "word of the Python language"),
    "standard library": ({"package": "logging"}, "already have"),
    "name of the tests": ({"package": "tests"}, "already have"),
    "mlflow": ({"package": "mlflow"}, "library this product uses"),
    "pandas": ({"package": "pandas"}, "library this product uses"),
    "sklearn": ({"package": "sklearn"}, "library this product uses"),
    "31 characters": ({"package": "a" * 31}, "30 at most"),
    "upper case": ({"package": "ChurnRadar"}, "cannot be imported"),
    "hyphen": ({"package": "churn-radar"}, "cannot be imported"),
    "leading digit": ({"package": "9lives"}, "cannot be imported"),
    "dunder": ({"package": "__init__"}, "cannot be imported"),
    "long code as package": (
        {"package": "x; __import__('os').system('touch hacked')"},
        "30 at most",
    ),
    "code as package": ({"package": "__import__('os').system(x)"}, "cannot be imported"),
    "non-ASCII": ({"package": "größe"}, "cannot be imported"),
    "empty package": ({"package": ""}, "cannot be imported"),
    "parent folder": ({"project": "../above"}, "not a folder name"),
    "folder with a space": ({"project": "churn radar"}, "not a folder name"),
    "folder with a dollar": ({"project": "churn$(x)"}, "not a folder name"),
    "long folder": ({"project": "x" * 41}, "40 at most"),
    "Windows device name": ({"project": "con"}, "device"),
    "hidden folder": ({"project": ".churn"}, "not a folder name"),
    "empty name": ({"product_name": ""}, "empty"),
    "blank name": ({"product_name": "   "}, "empty"),
    "padded name": ({"product_name": " Churn "}, "begins or ends with a space"),
    "long name": ({"product_name": "x" * 61}, "60 at most"),
    "two lines": ({"product_name": "Churn\nRadar"}, "line break"),
    "two lines of description": ({"description": "one\ntwo = 'three'"}, "line break"),
    "carriage return": ({"owner": "a\rb"}, "line break"),
    "line separator": ({"owner": "a\u2028b"}, "line break"),
    "control character": ({"description": "a\x07b"}, "invisible"),
    "right-to-left override": ({"description": "a\u202eb"}, "invisible"),
    "lone surrogate": ({"description": "a\ud800b"}, "invisible"),
    "long description": ({"description": "x" * 201}, "200 at most"),
    "empty owner": ({"owner": ""}, "empty"),
}


def texts(node: Any) -> Iterator[str]:
    """Every string in parsed data, keys included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from texts(key)
            yield from texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)


def strings_in(path: Path) -> list[str]:
    """Every string in a TOML, YAML, JSON or Python file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return list(texts(tomllib.loads(text)))
    if path.suffix in (".yaml", ".yml"):
        return list(texts(yaml.safe_load(text)))
    if path.suffix == ".json":
        return list(texts(json.loads(text)))
    nodes = ast.walk(ast.parse(text))
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def assert_answer_stored(product: Path, kit: str, answer: str) -> None:
    """Every data and Python file parses, and has the answer wherever the template puts it."""
    for path in sorted(product.rglob("*")):
        if path.suffix not in (".py", ".toml", ".yaml", ".yml", ".json"):
            continue
        strings = strings_in(path)
        source = template_file_of(path.relative_to(product), kit)
        for question in ("product_name", "description", "owner"):
            if source and f"cookiecutter.{question}" in source.read_text(encoding="utf-8"):
                assert any(answer in string for string in strings), (
                    f"{path.name} does not contain {question}"
                )
    record = json.loads((product / ".bake.json").read_text(encoding="utf-8"))
    assert {record["answers"][q] for q in ("product_name", "description", "owner")} == {answer}
    project = tomllib.loads((product / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["description"], project["authors"]) == (answer, [{"name": answer}])
    assert not list(product.parent.rglob("hacked"))


def template_file_of(baked: Path, kit: str) -> Path | None:
    """The file of the template that ``baked`` was generated from."""
    name = Path(*("<<cookiecutter.package>>" if part == "probe" else part for part in baked.parts))
    return next(
        (path for path in (PROJECT / "kits" / kit / name, PROJECT / name) if path.exists()), None
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_an_answer_with_special_characters_is_stored_unchanged(
    bake: Bake, kit: str, text: str
) -> None:
    product = bake(
        project="probe", package="probe", kit=kit, product_name=text, description=text, owner=text
    )
    assert_answer_stored(product, kit, text)


@pytest.mark.parametrize(
    "text", [*TEMPLATE_SYNTAX.values(), TEXTS["quotes"]], ids=[*TEMPLATE_SYNTAX.keys(), "quotes"]
)
def test_a_typed_answer_is_stored_unchanged(
    template: Path, settings: Path, tmp_path: Path, text: str
) -> None:
    """Template syntax is stored unchanged too.

    Cookiecutter renders the answers in arguments, but not those that a person types.
    """
    typed = "\n".join([text, "probe", "probe", text, text, "1", ""])
    done = command_line(str(template), settings=settings, folder=tmp_path, typed=typed)
    assert done.returncode == 0, done.stderr
    assert_answer_stored(tmp_path / "probe", "churn", text)


@pytest.fixture(scope="session")
def questions(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with few files, for answers that are refused: its hooks are complete."""
    folder = tmp_path_factory.mktemp("questions")
    project = Path(PROJECT.name)
    kept = (
        Path("cookiecutter.json"),
        *(Path("hooks", path.name) for path in (template / "hooks").glob("*.py")),
        project / "requirements.lock",
        project / "engine/src/mlproduct/manifest.py",
        *(project / "kits" / kit / "product/brief.md" for kit in KITS),
    )
    for name in kept:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(template / name, folder / name)
    return folder


@pytest.mark.parametrize(("answers", "reason"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_answer_is_refused_with_a_valid_suggestion(
    questions: Path, settings: Path, tmp_path: Path, answers: dict[str, str], reason: str
) -> None:
    ((question, answer),) = answers.items()
    folder = tmp_path / "out"
    folder.mkdir()
    done = bake_with(questions, settings, folder, answers)

    refusals = [line for line in done.stderr.splitlines() if line.startswith("Refused: ")]
    assert done.returncode != 0
    assert reason in refusals[0]
    assert all(line.startswith(f"Refused: {question} ") for line in refusals)
    assert [path.name for path in tmp_path.rglob("*")] == ["out"], "the refused bake left files"

    name = ast.literal_eval(re.findall(r" – ('.*'|\".*\") would do$", refusals[-1])[0])
    assert name != answer
    accepted = bake_with(questions, settings, folder, {question: name})
    assert accepted.returncode == 0, f"{name!r} was suggested and refused: {accepted.stderr}"


def bake_with(
    template: Path, settings: Path, folder: Path, answers: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """The result of a bake with answers from a file; not every character fits in an argument."""
    replay = folder.parent / "answers.json"
    defaults = {"product_name": "Probe", "project": "probe", "package": "probe_it", "kit": "churn"}
    questions = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    replay.write_text(
        json.dumps({"cookiecutter": {**questions, **defaults, **answers}}), encoding="utf-8"
    )
    try:
        return command_line(
            str(template), "--replay-file", str(replay), settings=settings, folder=folder
        )
    finally:
        replay.unlink()


def test_an_unknown_kit_is_refused_with_the_known_kits(
    questions: Path, settings: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    done = bake_with(questions, settings, folder, {"kit": "../churn"})
    assert (
        "Refused: kit '../churn' is unknown – one of bare, churn, feedback, price is expected –"
        " 'bare' would do" in done.stderr
    )


@pytest.mark.parametrize(
    "name", ["東京", "🚀", "Class", "MLflow", "x" * 60, "9 lives", "--", "Ünïcode Radar"]
)
def test_a_folder_and_package_derived_from_a_name_are_valid_or_refused(
    questions: Path, settings: Path, tmp_path: Path, name: str
) -> None:
    """A name without a valid package is refused; the hook does not crash."""
    done = command_line(
        "--no-input", str(questions), f"product_name={name}", settings=settings, folder=tmp_path
    )
    refusals = [line for line in done.stderr.splitlines() if line.startswith("Refused: ")]
    assert done.returncode == 0 or refusals
    assert all(line.startswith("Refused: package ") for line in refusals)


def test_the_name_of_an_installed_library_is_refused_as_a_package(
    environment: Path, template: Path
) -> None:
    """No product can have the import name of a library in its environment."""
    listing = "from importlib.metadata import packages_distributions as p; print(*p(), sep='\\n')"
    python = environment / "bin" / "python"
    installed = subprocess.run(
        [python, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    names = {
        name.lower()
        for name in installed
        if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name.lower())
    }

    hook = (template / "hooks" / "pre_gen_project.py").read_text(encoding="utf-8")
    answers = json.dumps({"_repo_dir": str(template)})
    hook = re.sub(r"^ANSWERS = .*$", lambda _: f"ANSWERS = {answers}", hook, flags=re.MULTILINE)
    namespace: dict[str, Any] = {"__name__": "hook"}
    exec(compile(hook, "pre_gen_project.py", "exec"), namespace)
    assert len(names) > 150
    assert sorted(name for name in names if not namespace["why_not_package"](name)) == []
    assert environment == ENVIRONMENT
