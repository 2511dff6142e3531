"""The verb: what it prints, writes and refuses."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from hashlib import sha256
from pathlib import Path
from subprocess import PIPE

import pytest
from mlproduct.adopt import command, writing
from mlproduct.config.settings import Settings
from mlproduct.in_use import replacing
from mlproduct.testing import TrialProduct

from ..service.services import Process, serving
from ..team import ENGINE, main, make_project
from .test_study import table

PACKAGE = Path("src", "trial_radar")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generated product with a table in its folder data."""
    folder = make_project(tmp_path / "product")
    (folder / "data").mkdir()
    table().to_csv(folder / "data" / "table.csv", index=False)
    monkeypatch.setenv("PRODUCT_ROOT", str(folder))
    monkeypatch.chdir(folder)
    # The imported package is that of another folder, which is otherwise refused.
    monkeypatch.setattr("mlproduct.cli._only_own_code", lambda package, settings: None)
    return folder


def files(root: Path) -> dict[str, str]:
    ignored = {"var", "__pycache__"}
    found = (p for p in root.rglob("*") if p.is_file() and ignored.isdisjoint(p.parts))
    return {
        path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest() for path in found
    }


def adopt(*flags: str) -> int:
    return main(["adopt", "data/table.csv", "--target", "y", *flags])


def test_the_files_are_written_and_the_kit_is_removed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt() == 0
    printed = capsys.readouterr().out
    assert re.search(
        r"^  target    y: \w+ [\d.]+%, \w+ [\d.]+%  \[--target COLUMN\]$", printed, re.M
    )
    assert not (root / PACKAGE / "sample.py").exists()
    assert "sample" not in (root / PACKAGE / "product.py").read_text()
    assert "colour: Series[str]" in (root / PACKAGE / "schemas.py").read_text()
    assert "draft: true" in (root / "product/success_criteria.yaml").read_text()
    page = (root / "var/adopt/profile.html").read_text()
    assert "C00000" not in page  # no cell of an identifier
    assert len(page) < 1_000_000
    assert "http" not in page.replace("http-equiv", "")


def test_the_whole_diff_is_in_a_file_before_anything_is_changed(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(root)

    def interrupted(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "_replace", interrupted)
        assert adopt() == 130
    assert files(root) == before
    printed = capsys.readouterr().out
    assert re.search(r"^  src/trial_radar/schemas.py +\+\d+ −\d+ lines$", printed, re.M)
    assert re.search(r"^  src/trial_radar/sample.py +removed, −\d+ lines$", printed, re.M)
    named = re.search(r"^  diff        (var/adopt/[\d-]+/changes.diff)$", printed, re.M)
    assert named
    diff = (root / named[1]).read_text()
    assert "\n+++ src/trial_radar/schemas.py\n" in diff
    assert '\n+    y: Series[str] = pa.Field(isin=["no", "yes"]' in diff
    assert "--- src/trial_radar/sample.py\n+++ /dev/null\n" in diff


def test_a_dry_run_shows_the_changes_and_writes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(root)
    assert adopt("--dry-run") == 0
    printed = capsys.readouterr().out
    assert "+++ src/trial_radar/schemas.py" in printed
    assert '+    y: Series[str] = pa.Field(isin=["no", "yes"]' in printed
    assert "Nothing was written (--dry-run)." in printed
    assert files(root) == before
    assert not (root / "var" / "adopt").exists()


def test_it_can_be_run_again_and_keeps_what_a_person_has_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt() == 0
    after = files(root)
    assert adopt() == 0
    assert "Every file is already as it would be written." in capsys.readouterr().out
    assert files(root) == after
    brief = root / "product" / "brief.md"
    brief.write_text("By hand.\n")
    assert adopt("--drop", "colour") == 0
    assert "product/brief.md                         kept, because it was edited" in (
        capsys.readouterr().out
    )
    assert brief.read_text() == "By hand.\n"
    assert "colour: Series" not in (root / PACKAGE / "schemas.py").read_text()


def test_it_refuses_while_a_training_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(root)
    (root / "var").mkdir(exist_ok=True)
    # As in tasks.flow, in another process.
    code = "from pathlib import Path; from mlproduct.in_use import using\n"
    code += "with using(Path('var')): print('runs', flush=True); input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=root) as process:
        assert process.stdout
        assert process.stdout.readline() == "runs\n"
        assert adopt() == 3
        process.communicate("\n")
    assert f"process {process.pid} (" in capsys.readouterr().err
    assert files(root) == before
    assert adopt("--dry-run") == 0


def service(root: Path) -> AbstractContextManager[Process]:
    """The service of the product, as a person starts it."""
    (root / "var").mkdir(exist_ok=True)
    settings = Settings.from_environment({"PRODUCT_ROOT": str(root)})
    # MLflow is elsewhere and does not answer: to create its database takes most of the time, and a
    # kill meanwhile leaves half of it.
    elsewhere = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    code = os.pathsep.join([str(root / "src"), str(ENGINE)])
    return serving(settings, PYTHONPATH=code, **elsewhere)


def test_it_refuses_beside_services_that_were_started_by_hand(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(root)
    with ExitStack() as both, ThreadPoolExecutor() as threads:
        first, second = threads.map(both.enter_context, (service(root), service(root)))
        assert adopt() == 3
        assert first.stop() == 0
        capsys.readouterr()
        assert adopt() == 3
        second.process.kill()
        second.process.wait()
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert error.endswith(
        " of this product is running – expected nothing that uses the files to be replaced – stop"
        " it, then repeat this command\n"
    )
    if sys.platform == "linux":
        assert f"process {second.process.pid} (python" in error
        assert " -m trial_radar serve --port 0)" in error
    assert files(root) == before
    assert adopt("--dry-run") == 0  # the lock of the killed process is free


@pytest.fixture
def worker(tmp_path: Path) -> "Iterator[list[subprocess.Popen[str]]]":
    """Processes that look like workers of Prefect, which takes seconds to start; to be filled."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def waiting(folder: Path, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
    script = folder / "prefect"
    script.write_text("print('runs', flush=True)\nimport time\ntime.sleep(600)\n")
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env={**os.environ, "PRODUCT_ROOT": "", **variables},
        stdout=PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "runs\n"
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_it_refuses_beside_a_worker_that_was_started_by_hand(
    root: Path,
    worker: "list[subprocess.Popen[str]]",
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    start = ("worker", "start", "--pool", "trial-radar")
    other = tmp_path / "other"
    other.mkdir()
    # Of another product, a server, and one in this folder that works for another product.
    worker += [waiting(other, *start), waiting(root, "server", "start")]
    worker += [waiting(root, *start, PRODUCT_ROOT=str(other))]
    assert adopt("--dry-run") == 0
    before = files(root)
    for found in (
        lambda: waiting(root, *start),
        lambda: waiting(other, *start, PRODUCT_ROOT=str(root)),
    ):
        worker.append(found())
        capsys.readouterr()
        assert adopt() == 3
        error = capsys.readouterr().err
        assert error.startswith(f"error: worker process {worker[-1].pid} (python")
        assert "prefect worker start --pool trial-radar) of this product is running" in error
        worker[-1].kill()
        worker[-1].wait()
    assert files(root) == before


def test_an_adopt_that_runs_is_not_undone_by_a_second_one(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "var").mkdir()
    unfinished = root / writing.UNFINISHED
    unfinished.parent.mkdir()
    unfinished.write_text("20261127-120000")
    with replacing(root):  # as the first one does
        assert adopt() == 3
    assert unfinished.exists()


def test_it_refuses_while_a_server_of_the_product_runs(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlproduct.cli.servers import Started

    one = Started("worker", 1, "", "", "", "")
    monkeypatch.setattr(command, "running", lambda settings: (one,))
    assert adopt() == 3
    assert "worker  (process 1) of this product is running" in capsys.readouterr().err


def test_it_refuses_a_product_with_a_champion(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    table().to_csv(product.root / "table.csv", index=False)
    assert main(["adopt", "table.csv", "--target", "y"]) == 3
    assert "version 1 is the champion, and it expects the present schema" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["data/nothing.csv", "--target", "y"], 2, "data/nothing.csv: no such file"),
        (["data/table.csv", "--target", "z"], 2, "--target z: data/table.csv has no such column"),
        (["--target", "y"], 2, "no SOURCE was given"),
        (["--target", "y", "--query", "SELECT 1"], 2, "expected both and no SOURCE"),
        (["data/table.csv", "--target", "y", "--key", "z"], 2, "--key z: there is no such column"),
        (["data/table.csv", "--target", "y", "--positive", "z"], 2, "--positive z: the target has"),
        (["data/table.csv", "--target", "id"], 4, "different texts"),
    ],
)
def test_a_mistake_ends_in_one_line_and_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    before = files(root)
    assert main(["adopt", *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert files(root) == before


def test_a_query_is_adopted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    with sqlite3.connect(root / "table.db") as database:
        table().to_sql("rows_of_y", database, index=False)
    monkeypatch.setenv("WAREHOUSE", f"sqlite:///{root / 'table.db'}")
    query = "SELECT * FROM rows_of_y"
    assert main(["adopt", "--url-from", "WAREHOUSE", "--query", query, "--target", "y"]) == 0
    written = (root / "config" / "pipeline.yaml").read_text()
    assert 'url_from: "WAREHOUSE"' in written
    assert query in written


def test_a_person_is_asked_about_doubts(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not command._ask("x: it may be known too late")  # without a terminal
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda text: "y")
    assert command._ask("x: it may be known too late")
    assert "x: it may be known too late" in capsys.readouterr().out
