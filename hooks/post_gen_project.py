"""Adds the chosen kit to the project, seals the engine, and records template and answers."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

# pre_gen_project.py explains why no answer can end this literal.
ANSWERS = json.loads("<< (cookiecutter | jsonify | jsonify)[1:-1] >>")
RECORD = Path(".bake.json")


def add_kit(kit: Path, project: Path) -> None:
    """Moves the kit's files into the project, where they replace files of the same name."""
    # sorted() finds all files first: each move changes a folder that rglob walks through.
    for file in sorted(path for path in kit.rglob("*") if path.is_file()):
        place = project / file.relative_to(kit)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
    shutil.rmtree(kit.parent)


def drop_test_of_the_sample(project: Path) -> None:
    """Removes ``tests/test_sample.py`` if the kit has no ``sample.py``."""
    if not (project / "src" / ANSWERS["package"] / "sample.py").exists():
        (project / "tests" / "test_sample.py").unlink(missing_ok=True)


def seal(engine: Path) -> None:
    """Removes caches from the engine and writes its manifest, with the engine's own module."""
    sys.dont_write_bytecode = True  # the import would write a cache into the engine
    spec = importlib.util.spec_from_file_location(
        "manifest", engine / "src" / "mlproduct" / "manifest.py"
    )
    assert spec is not None  # for mypy; both are set for a Python file
    assert spec.loader is not None
    manifest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manifest)
    manifest.write(engine)


def digests() -> dict[str, str]:
    """The sha256 of each of the team's files. ``adopt`` replaces only files that no one edited."""
    folders = ("config", "product", "src", "tests")
    files = (path for folder in folders for path in Path(folder).rglob("*") if path.is_file())
    return {
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)
    }


def record() -> dict[str, Any]:
    """The template, its version and commit, the answers, and what the team's files were like.

    Updates and ``adopt`` start from them.
    """
    return {
        # An address can contain a password, which is not recorded.
        "template": re.sub(r"//[^/@]*@", "//", ANSWERS["_template"]),
        "version": ANSWERS["_version"],
        "commit": commit(),
        "answers": {name: answer for name, answer in ANSWERS.items() if not name.startswith("_")},
        "files": digests(),
    }


def commit() -> str | None:
    """The git commit of the template, marked if files differ from it; None without git."""
    template = template_folder()
    if not (template / ".git").exists():
        return None
    head = git(template, "rev-parse", "HEAD")
    changed = git(template, "status", "--porcelain", "--untracked-files=no")
    return f"{head} and changes" if head and changed else head or None


def git(folder: Path, *command: str) -> str:
    """What git prints, or nothing if it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *command], capture_output=True, text=True, check=False
        )
    except OSError:  # git is not installed
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def template_folder() -> Path:
    """The folder of the template, or a path that is no folder if it cannot be found.

    It is the working directory of cookiecutter. Where there is no ``/proc``, the folder is found by
    the address that cookiecutter was started with.
    """
    for template in (
        Path(f"/proc/{os.getppid()}/cwd"),
        Path(os.environ.get("PWD", ""), ANSWERS["_repo_dir"]),
    ):
        if (template / "cookiecutter.json").exists():
            return template
    return Path(os.devnull)


if __name__ == "__main__":
    add_kit(Path("kits", ANSWERS["kit"]), Path())
    drop_test_of_the_sample(Path())
    seal(Path("engine"))
    RECORD.write_text(json.dumps(record(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{ANSWERS['product_name']} is in {ANSWERS['project']}/")
    print(f"  cd {ANSWERS['project']} && make demo     simulate twelve weeks on sample data")
    print("  product/success_criteria.yaml      the criteria, for the product manager to edit")
    print("  README.md                          how to use your own data: six files to change")
