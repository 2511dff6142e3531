"""All files are written, or none; what a person has edited is kept."""

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest
from mlproduct.adopt import writing
from mlproduct.adopt.study import TEMPLATES
from mlproduct.adopt.writing import (
    Change,
    apply,
    changes_of,
    formatted,
    undo_interrupted,
    write_diff,
)

NOW = datetime(2026, 11, 27, 12)
OLD, EDITED, NEW, GONE = (Path("src", f"{name}.py") for name in ("old", "edited", "new", "gone"))
TEXTS: dict[Path, str | None] = {OLD: "a = 2\n", EDITED: "b = 2\n", NEW: "c = 2\n", GONE: None}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A product with three files, of which a person has edited one."""
    texts = {OLD: "a = 1\n", EDITED: "b = 1\n", GONE: "d = 1\n"}
    digests = {path.as_posix(): sha256(text.encode()).hexdigest() for path, text in texts.items()}
    (tmp_path / ".bake.json").write_text(json.dumps({"files": digests}))
    (tmp_path / "src").mkdir()
    for path, text in texts.items():
        (tmp_path / path).write_text(text)
    (tmp_path / EDITED).write_text("b = 'by hand'\n")
    return tmp_path


def content(root: Path) -> dict[str, str]:
    files = (path for path in (root / "src").rglob("*") if path.is_file())
    return {path.name: path.read_text() for path in files}


def test_files_are_replaced_and_an_edited_one_is_kept(root: Path) -> None:
    changes = changes_of(root, TEXTS)
    assert {change.path: change.says for change in changes} == {
        OLD: "+1 −1 lines",
        EDITED: "kept, because it was edited; proposed: +1 −1 lines",
        NEW: "new, +1 lines",
        GONE: "removed, −1 lines",
    }
    backup = apply(root, changes, NOW)
    expected = {"old.py": "a = 2\n", "edited.py": "b = 'by hand'\n", "new.py": "c = 2\n"}
    assert content(root) == expected
    assert (backup / OLD).read_text() == "a = 1\n"
    assert (backup / GONE).read_text() == "d = 1\n"
    assert (backup.parent / "proposed" / EDITED).read_text() == "b = 2\n"
    assert not undo_interrupted(root)


def test_the_diff_names_what_is_new_removed_and_kept(root: Path) -> None:
    path = write_diff(root, changes_of(root, TEXTS), NOW)
    assert path == Path("var/adopt/20261127-120000/changes.diff")
    assert (root / path).read_text().splitlines() == [
        *("--- src/old.py", "+++ src/old.py", "@@ -1 +1 @@", "-a = 1", "+a = 2"),
        *("--- src/edited.py", "+++ src/edited.py (proposed; the file is kept)"),
        *("@@ -1 +1 @@", "-b = 'by hand'", "+b = 2"),
        *("--- /dev/null", "+++ src/new.py", "@@ -0,0 +1 @@", "+c = 2"),
        *("--- src/gone.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-d = 1"),
    ]


def test_a_removed_line_that_begins_with_dashes_is_counted() -> None:
    assert Change(OLD, "-- old\n++ a\n", "++ a\n++ b\n").says == "+1 −1 lines"


def test_a_second_run_changes_nothing_and_keeps_later_edits(root: Path) -> None:
    apply(root, changes_of(root, TEXTS), NOW)
    assert [change.path for change in changes_of(root, TEXTS)] == [EDITED]
    (root / OLD).write_text("a = 'corrected'\n")
    assert [change.kept for change in changes_of(root, {OLD: "a = 3\n", NEW: "c = 3\n"})] == [
        True,
        False,
    ]


@pytest.mark.parametrize("fails_at", [0, 1, 2, 3, 4])
def test_an_error_leaves_the_product_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    before = content(root)
    real, calls = writing._replace, [0]

    def replace(path: Path, text: str) -> None:
        if calls[0] == fails_at:
            raise KeyboardInterrupt
        calls[0] += 1
        real(path, text)

    monkeypatch.setattr(writing, "_replace", replace)
    try:
        apply(root, changes_of(root, TEXTS), NOW)
    except KeyboardInterrupt:
        assert content(root) == before
        assert not (root / ".adopt.json").exists()
    else:
        assert fails_at == 4  # there are only three files and the mark of an unfinished run
    assert not undo_interrupted(root)


def test_a_killed_run_is_undone_by_the_next_command(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(root)
    # As after a kill: the changes are made, and the mark of an unfinished run is still there.
    monkeypatch.setattr(Path, "unlink", lambda path, **more: None)
    apply(root, changes_of(root, TEXTS), NOW)
    monkeypatch.undo()
    assert content(root) != before
    writing._beside(root / OLD).write_text("a =")  # it was killed while it wrote
    assert undo_interrupted(root)
    assert content(root) == before
    assert not undo_interrupted(root)


def test_code_is_formatted_and_a_long_value_is_marked() -> None:
    text = formatted(f"x = {'v' * 120!r}\ny = [ 1,2 ]\n", "x.py")
    assert text.endswith("  # noqa: E501\ny = [1, 2]\n")


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.txt")), ids=lambda path: path.name)
def test_a_template_is_formatted_as_it_is_written(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text, path.name.removesuffix(".txt")) == text
    assert max(map(len, text.splitlines())) <= 100
