"""The verb: what it prints, writes and refuses."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from filelock import FileLock
from mlproduct.adopt import command
from mlproduct.testing import TrialProduct

from ..team import main, make_project
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
    found = (path for path in root.rglob("*") if path.is_file() and "var" not in path.parts)
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
    with FileLock(root / "var" / "training.lock"):
        assert adopt() == 3
    assert "a training is running in this folder" in capsys.readouterr().err
    assert files(root) == before


def test_it_refuses_while_a_server_of_the_product_runs(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlproduct.cli.servers import Started

    one = Started("worker", 1, "", "", "", "")
    monkeypatch.setattr(command, "running", lambda settings: (one,))
    assert adopt() == 3
    assert "worker  of this product is running" in capsys.readouterr().err


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
