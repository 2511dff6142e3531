"""Lists the files of the engine that were edited: ``python -m mlproduct.manifest FOLDER``.

``MANIFEST.sha256`` in the engine's folder has a line for each file, in the format of ``sha256sum``.
The digests do not depend on the system's line ends. Without this file the team owns the engine.
"""

# Only the standard library: the template's hook runs this file before anything is installed.
import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["edited", "report", "write"]

NAME = "MANIFEST.sha256"
CACHES = (
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "*.egg-info",
    "build",
    "dist",
)


def write(engine: Path) -> None:
    """Deletes caches from the engine's folder and writes its manifest."""
    for pattern in CACHES:
        # A list, because the loop deletes folders in which rglob would continue.
        for cache in list(engine.rglob(pattern)):
            shutil.rmtree(cache, ignore_errors=True)
    lines = [f"{digest}  {name}" for name, digest in _digests(engine).items()]
    # The line ends of sha256sum on every system; Windows would write others.
    (engine / NAME).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def edited(engine: Path) -> tuple[str, ...] | None:
    """The differences from the manifest, one text each; None if there is no manifest."""
    try:
        lines = (engine / NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    written = {name: digest for digest, _, name in (line.partition("  ") for line in lines if line)}
    found = _digests(engine)
    return tuple(_differences(written, found))


def report(engine: Path) -> str:
    """One or more lines of text: the edited files, and what they mean for updates."""
    differences = edited(engine)
    if differences is None:
        return f"{engine.name}/ has no {NAME}: your team owns it, and updates do not change it."
    if not differences:
        return f"{engine.name}/ is unchanged."
    return "\n".join(
        (
            f"{engine.name}/ differs from {engine.name}/{NAME}:",
            *(f"  {each}" for each in differences),
            "An update replaces the folder and loses these edits. Undo them, request the change in"
            f" the template, or delete {engine.name}/{NAME} to own the engine from now on.",
        )
    )


def _differences(written: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    for name in sorted({*written, *found}):
        if name not in found:
            yield f"{name} is missing"
        elif name not in written:
            yield f"{name} is new"
        elif written[name] != found[name]:
            yield f"{name} was edited"


def _digests(engine: Path) -> dict[str, str]:
    paths = sorted(
        path for path in engine.rglob("*") if path.is_file() and not _is_cache(path, engine)
    )
    return {
        path.relative_to(engine).as_posix(): _digest(path) for path in paths if path.name != NAME
    }


def _digest(path: Path) -> str:
    # git may check files out with the line ends of Windows; this is not an edit.
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _is_cache(path: Path, engine: Path) -> bool:
    folders = path.relative_to(engine).parents
    return any(folder.match(pattern) for folder in folders for pattern in CACHES)


if __name__ == "__main__":
    print(report(Path(sys.argv[1])))
