"""A product works after its folder was moved or copied, and a copy leaves the other as it is."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Bake
from servers import printed_urls, response_of, run_deployment, wait_until

FREE_PORTS = ("--prefect", "0", "--mlflow", "0", "--service", "0")
PRODUCT_VARIABLES = ("PREFECT", "MLFLOW", "PRODUCT", "PYTHONPATH", "VIRTUAL_ENV")
EDITS = {
    "config/pipeline.yaml": ("trials: 9", "trials: 1"),
    # A second training on the same data is no better, so this bar only informs.
    "product/success_criteria.yaml": (
        "versus: champion\n    at_least: 0",
        "versus: champion\n    at_least: 0\n    level: info",
    ),
}


def run_in(folder: Path, *words: str) -> str:
    """What the command prints when it runs in the folder without variables of other products."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(PRODUCT_VARIABLES)
    }
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def verb(folder: Path, *words: str) -> str:
    """What a verb of the product in the folder prints."""
    return run_in(folder, ".venv/bin/python", "-m", "churn_radar", *words)


def files(folder: Path) -> dict[str, int]:
    """The modification time of each file of the registry and the environment, by path."""
    found = (
        path for part in ("var/mlartifacts", ".venv/bin") for path in (folder / part).rglob("*")
    )
    return {str(path): path.lstat().st_mtime_ns for path in found if path.name != "__pycache__"}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Folders for the product, for the moved product and for the copy.

    The servers that still run there after the test are stopped.
    """
    found = {name: tmp_path / name for name in ("original", "moved here", "copy")}
    yield found
    for folder in found.values():
        if (folder / ".venv").is_dir():
            verb(folder, "down")


@pytest.mark.long
def test_a_moved_product_works_and_its_copy_leaves_its_servers_and_files_unchanged(
    bake: Bake, folders: dict[str, Path]
) -> None:
    original, moved, copy = folders.values()
    bake(kit="churn").rename(original)
    for name, (old, new) in EDITS.items():
        text = (original / name).read_text(encoding="utf-8")
        assert old in text, name
        (original / name).write_text(text.replace(old, new), encoding="utf-8")
    run_in(original, "make", "ready")
    verb(original, "sample", "--rows", "16000")
    verb(original, "train")
    verb(original, "approve", "1", "--by", "Ada", "--because", "It meets every criterion.")

    # The moved product finds its environment, and the models that it trained before.
    original.rename(moved)
    assert "every digest matches" in verb(moved, "verify")
    run_in(moved, "make", "check")
    assert run_in(moved, ".venv/bin/churn-radar", "history") == verb(moved, "history")
    urls = printed_urls(verb(moved, "up", *FREE_PORTS))
    assert (
        wait_until(lambda: response_of(f"{urls['service']}/model"), "the service has the champion")[
            "version"
        ]
        == "1"
    )
    trained = run_deployment(
        urls["prefect"], "churn-radar-train/Churn Radar: train", {"cause": "moved"}
    )
    assert trained["type"] == "COMPLETED", trained
    # The digests can also be checked without the server that the model was trained with.
    assert verb(moved, "verify").count("every digest matches") == 2

    # The copy runs its own code, and leaves the servers and files of the other as they are.
    shutil.copytree(moved, copy, symlinks=True)
    before = files(moved)
    assert f"not stopped: {urls['prefect']}" in run_in(copy, "make", "down")
    assert response_of(f"{urls['prefect']}/api/health") is True
    assert str(copy) in run_in(
        copy, ".venv/bin/python", "-c", "import churn_radar; print(churn_radar.__file__)"
    )
    engine = "import mlproduct; print(mlproduct.__file__)"
    assert str(copy / "engine") in run_in(copy, ".venv/bin/python", "-c", engine)
    assert verb(copy, "verify").count("every digest matches") == 2
    assert files(moved) == before
    assert "service   stopped" in run_in(moved, "make", "down")
