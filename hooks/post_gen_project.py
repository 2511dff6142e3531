"""Lays the chosen kit over the project, seals the engine, writes down what it was made from, says
what comes next.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ANSWERS = json.loads("<< (cookiecutter | jsonify | jsonify)[1:-1] >>")
RECORD = Path(".bake.json")


def lay_over(kit: Path, project: Path) -> None:
    """Move the kit's files to where they belong in the project; a file of the kit wins."""
    for file in sorted(path for path in kit.rglob("*") if path.is_file()):
        place = project / file.relative_to(kit)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
    shutil.rmtree(kit.parent)


def seal(engine: Path) -> None:
    """Takes caches out of the engine and writes its manifest, by the engine's own module."""
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location(
        "manifest", engine / "src" / "mlproduct" / "manifest.py"
    )
    assert spec is not None  # it is a Python file
    assert spec.loader is not None
    manifest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manifest)
    manifest.write(engine)


def record() -> dict[str, Any]:
    """What a later update starts from: which template, at which commit, with which answers."""
    return {
        "template": re.sub(
            r"//[^/@]*@", "//", ANSWERS["_template"]
        ),  # an address may carry a password
        "version": ANSWERS["_version"],
        "commit": commit(),
        "answers": {name: answer for name, answer in ANSWERS.items() if not name.startswith("_")},
    }


def commit() -> str | None:
    """The template's git commit, marked where files differ from it; None where there is no git."""
    template = template_folder()
    if not (template / ".git").exists():
        return None
    described = git(template, "rev-parse", "HEAD")
    changed = git(template, "status", "--porcelain", "--untracked-files=no")
    return f"{described} and changes" if described and changed else described or None


def git(folder: Path, *command: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *command], capture_output=True, text=True, check=False
        )
    except OSError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def template_folder() -> Path:
    """The folder of the template that is baked from. Cookiecutter works in it; where that cannot be
    seen, the address it was started with leads there."""
    for template in (
        Path(f"/proc/{os.getppid()}/cwd"),
        Path(os.environ.get("PWD", ""), ANSWERS["_repo_dir"]),
    ):
        if (template / "cookiecutter.json").exists():
            return template
    return Path(os.devnull)


if __name__ == "__main__":
    lay_over(Path("kits", ANSWERS["kit"]), Path())
    seal(Path("engine"))
    RECORD.write_text(json.dumps(record(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{ANSWERS['product_name']} is in {ANSWERS['project']}/")
    print(f"  cd {ANSWERS['project']} && make demo     twelve weeks of its life, on sample data")
    print("  product/success_criteria.yaml      what good enough means: the product manager's")
    print("  README.md                          make it yours, in six files")
