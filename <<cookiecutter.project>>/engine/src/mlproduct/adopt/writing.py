"""Write the files of an adopted product: all of them, or none.

var/adopt/STAMP/changes.diff  all changes, written before the first of them is made
var/adopt/STAMP/backup/     the files as they were before
var/adopt/STAMP/proposed/   new texts of files that a person has edited; these are kept
var/adopt/unfinished        the stamp of a run that was interrupted; the next command undoes it
.adopt.json                 the digests of what was written, to recognise a later edit
"""

import difflib
import hashlib
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

__all__ = [
    "Change",
    "apply",
    "changes_of",
    "diff_of",
    "formatted",
    "undo_interrupted",
    "write_diff",
]

RECORD = Path(".adopt.json")
BAKE = Path(".bake.json")
FOLDER = Path("var", "adopt")
UNFINISHED = FOLDER / "unfinished"
LONGEST = 100
NOTHING = "/dev/null"  # the name that diff and patch give to a file that does not exist


@dataclass(frozen=True)
class Change:
    """A file with its new text, None if it is removed; ``kept`` if a person has edited it."""

    path: Path
    before: str | None
    after: str | None
    kept: bool = False

    @property
    def says(self) -> str:
        """What happens to the file."""
        # Without the two lines of names. A removed line can begin with "--", too.
        lines = list(self.diff())[2:]
        added, gone = (sum(line.startswith(mark) for line in lines) for mark in "+-")
        if self.kept:
            return f"kept, because it was edited; proposed: +{added} −{gone} lines"
        if self.after is None:
            return f"removed, −{gone} lines"
        if self.before is None:
            return f"new, +{added} lines"
        return f"+{added} −{gone} lines"

    def diff(self) -> Iterator[str]:
        """The lines of the unified diff; for a file that is kept, to the text that is proposed."""
        before, after = ((text or "").splitlines() for text in (self.before, self.after))
        name = self.path.as_posix()
        old, new = (NOTHING if text is None else name for text in (self.before, self.after))
        new += " (proposed; the file is kept)" if self.kept else ""
        return difflib.unified_diff(before, after, old, new, lineterm="")


def changes_of(root: Path, texts: Mapping[Path, str | None]) -> tuple[Change, ...]:
    """What has to change in the folder; files that are already so are left out.

    A file that is neither as it was generated nor as an earlier run wrote it was edited.
    """
    known = _known_digests(root)
    found = []
    for path, after in texts.items():
        place = root / path
        before = place.read_text(encoding="utf-8") if place.is_file() else None
        if before == after:
            continue
        edited = before is not None and known.get(path.as_posix()) not in (None, _digest(before))
        found.append(Change(path, before, after, kept=edited))
    return tuple(found)


def diff_of(changes: tuple[Change, ...]) -> Iterator[str]:
    """The lines of the diff of all files."""
    return itertools.chain.from_iterable(change.diff() for change in changes)


def write_diff(root: Path, changes: tuple[Change, ...], now: datetime) -> Path:
    """Writes the diff of all files, and returns its path in the folder."""
    path = _folder(now) / "changes.diff"
    _write(root / path, "".join(f"{line}\n" for line in diff_of(changes)))
    return path


def _folder(now: datetime) -> Path:
    return FOLDER / f"{now:%Y%m%d-%H%M%S}"


def _known_digests(root: Path) -> dict[str, str]:
    """The digests of the files as they were generated, or as an earlier run wrote them."""
    found: dict[str, str] = {}
    for record in (BAKE, RECORD):
        if (root / record).is_file():
            found |= json.loads((root / record).read_text(encoding="utf-8")).get("files", {})
    return found


def apply(root: Path, changes: tuple[Change, ...], now: datetime) -> Path:
    """Makes the changes, and returns the folder with the files as they were before.

    An error undoes all of them. If the process is killed, ``undo_interrupted`` does.
    """
    folder = root / _folder(now)
    for change in changes:
        if change.kept and change.after is not None:
            _write(folder / "proposed" / change.path, change.after)
    real = [change for change in changes if not change.kept]
    record = json.dumps({"files": _written(root, real)}, indent=2) + "\n"
    old = (root / RECORD).read_text(encoding="utf-8") if (root / RECORD).is_file() else None
    real.append(Change(RECORD, old, record))
    for change in real:
        if change.before is not None:
            _write(folder / "backup" / change.path, change.before)
    new = [change.path.as_posix() for change in real if change.before is None]
    _write(folder / "new.json", json.dumps(new))
    _replace(root / UNFINISHED, folder.name)
    try:
        for change in real:
            if change.after is None:
                (root / change.path).unlink()
            else:
                _replace(root / change.path, change.after)
    except BaseException:  # Ctrl-C as well: the product must not stay half changed
        undo_interrupted(root)
        raise
    (root / UNFINISHED).unlink()
    return folder / "backup"


def undo_interrupted(root: Path) -> bool:
    """Restores the files of a run that did not end, and returns whether there was one."""
    if not (root / UNFINISHED).is_file():
        return False
    folder = root / FOLDER / (root / UNFINISHED).read_text(encoding="utf-8").strip()
    backup = folder / "backup"
    for path in sorted(backup.rglob("*")):
        if path.is_file():
            place = root / path.relative_to(backup)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            _beside(place).unlink(missing_ok=True)
    for name in json.loads((folder / "new.json").read_text(encoding="utf-8")):
        (root / name).unlink(missing_ok=True)
        _beside(root / name).unlink(missing_ok=True)
    (root / UNFINISHED).unlink()
    return True


def _written(root: Path, changes: list[Change]) -> dict[str, str]:
    found = {}
    if (root / RECORD).is_file():
        found = json.loads((root / RECORD).read_text(encoding="utf-8")).get("files", {})
    written = {c.path.as_posix(): _digest(c.after) for c in changes if c.after is not None}
    return {**found, **written}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _beside(path).write_text(text, encoding="utf-8")
    _beside(path).replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.adopt")


def formatted(code: str, name: str) -> str:
    """The Python code as ruff formats it; as it is if ruff is not installed.

    Lines that stay too long, such as a long value, are marked for the linter.
    """
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(LONGEST)]
    done = subprocess.run(
        [*command, "--stdin-filename", name, "-"],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout if done.returncode == 0 else code
    # ruff cannot divide a text. A mark after """ would be part of the docstring.
    return "".join(
        f"{line}  # noqa: E501\n" if len(line) > LONGEST and '"""' not in line else f"{line}\n"
        for line in text.splitlines()
    )
