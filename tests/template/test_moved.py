"""A product's folder is moved, and copied, with its environment: what is typed there works, and a
copy stands alone.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Bake
from servers import asked, ran, started, until

FREE_PORTS = ("--prefect", "0", "--mlflow", "0", "--service", "0")
OURS = ("PREFECT", "MLFLOW", "PRODUCT", "PYTHONPATH", "VIRTUAL_ENV")
EDITS = {
    "config/pipeline.yaml": ("trials: 9", "trials: 1"),
    # The same world trained again is no better; here it is enough that it is as good.
    "product/success_criteria.yaml": (
        "versus: champion\n    at_least: 0",
        "versus: champion\n    at_least: 0\n    level: info",
    ),
}


def types(folder: Path, *words: str) -> str:
    """What its owner reads who types this in the folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def verb(folder: Path, *words: str) -> str:
    return types(folder, ".venv/bin/python", "-m", "churn_radar", *words)


def files(folder: Path) -> dict[str, int]:
    """Each file of the registry and the environment, with the moment of its last change."""
    found = (
        path for part in ("var/mlartifacts", ".venv/bin") for path in (folder / part).rglob("*")
    )
    return {str(path): path.lstat().st_mtime_ns for path in found if path.name != "__pycache__"}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Where the product is, is moved to and is copied to; what still runs there in the end is
    ended.
    """
    found = {name: tmp_path / name for name in ("original", "moved here", "copy")}
    yield found
    for folder in found.values():
        if (folder / ".venv").is_dir():
            verb(folder, "down")


@pytest.mark.long
def test_a_folder_is_moved_and_then_copied_while_its_servers_run(
    bake: Bake, folders: dict[str, Path]
) -> None:
    original, moved, copy = folders.values()
    bake(kit="churn").rename(original)
    for name, (old, new) in EDITS.items():
        text = (original / name).read_text(encoding="utf-8")
        assert old in text, name
        (original / name).write_text(text.replace(old, new), encoding="utf-8")
    types(original, "make", "ready")
    verb(original, "sample", "--rows", "16000")
    verb(original, "train")
    verb(original, "approve", "1", "--by", "Ada", "--because", "It meets every criterion.")

    # Moved: everything is found at its new place, also what was written before.
    original.rename(moved)
    assert "every digest matches" in verb(moved, "verify")
    types(moved, "make", "check")
    assert types(moved, ".venv/bin/churn-radar", "history") == verb(moved, "history")
    urls = started(verb(moved, "up", *FREE_PORTS))
    assert (
        until(lambda: asked(f"{urls['service']}/model"), "the service has the champion")["version"]
        == "1"
    )
    trained = ran(urls["prefect"], "churn-radar-train/Churn Radar: train", {"cause": "moved"})
    assert trained["type"] == "COMPLETED", trained
    assert (
        verb(moved, "verify").count("every digest matches") == 2
    )  # also without the server that it was trained by

    # A copy: its commands are its own, and the servers and files of the other stay what they are.
    shutil.copytree(moved, copy, symlinks=True)
    before = files(moved)
    assert f"not stopped: {urls['prefect']}" in types(copy, "make", "down")
    assert asked(f"{urls['prefect']}/api/health") is True
    assert str(copy) in types(
        copy, ".venv/bin/python", "-c", "import churn_radar; print(churn_radar.__file__)"
    )
    engine = "import mlproduct; print(mlproduct.__file__)"
    assert str(copy / "engine") in types(copy, ".venv/bin/python", "-c", engine)
    assert verb(copy, "verify").count("every digest matches") == 2
    assert files(moved) == before
    assert "service   stopped" in types(moved, "make", "down")
