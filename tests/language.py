"""Checks the words and the lines of every text file in the repository; ``make check`` runs it.

The texts are read by data scientists in a hurry and by product managers: plain English, the terms
of the field, one word for one thing. A finding names the file, the line and what to write instead.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# What is not written, and what is written instead. Each was once in these texts.
INSTEAD = {
    r"kept aside|set aside|in quarantine(?![.(])": "quarantined",
    r"tak(e|es|en) on what": "accepts the open risks",
    r"\bmend(s|ed|ing)?\b": "repair, correct",
    r"(train(ing)?|retraining) asked for|asks for a retraining": "requests a retraining",
    r"nothing drifted": "no drift",
    r"may or may not be|would tell\b": "too close to call; would settle it",
    r"same answer for everyone": "always predicting the same",
    r"of the rows from \S+ up": "of rows are ≥",
    r"\bby lot\b": "at random",
    r"\bspeaks? (of|about)\b": "names, shows",
    r"\b(is|are|was|were) (said|told) (by|in|of|so)\b": "is reported, is named",
    r"\b(nobody|somebody|anybody|everybody)\b": "no one, a person",
    r"\blook(s|ed|ing)? at\b": "check, inspect",
    r"\blast words\b": "the end of the output",
    r"\bat work\b": "running",
    r"\bby now\b": "now, already",
    r"\bstands? (in|there|beside|behind|before|above)\b": "is",
    r"giv(es?|ing) the answer away": "reveals the target",
    r"\bheld against\b": "compared with, checked by",
    r"\bout for good\b": "permanently",
    r"\bhand(s|ed)? (in|over)\b": "deliver, pass",
    r"\bcomes? out\b": "results in, is",
    r"expected is\b": "expected",
    r"\bof (its|their|our|his|her) own\b": "own, separate",
}
PATTERNS = [(re.compile(words, re.IGNORECASE), instead) for words, instead in INSTEAD.items()]

# Names that do not state what they hold.
NAMES = {"said", "told", "look", "desk", "here", "work", "utils", "helpers", "stuff", "foo"}

# Python is wrapped by the linter, Markdown by the page that shows it.
LINE_LENGTHS = {".yaml": 120, ".yml": 120, ".toml": 120, ".sh": 120, "Makefile": 150, ".css": 100}

# Not ours to word: stored texts of earlier releases, locks, archives, this list; the title of a
# paper.
EXCEPT = ("requirements.lock", "tests/engine/fixtures/", "tests/language.py")
QUOTED = ("another look at the jackknife", "nobody@example.com")


def findings(path: str, text: str) -> Iterator[str]:
    """What is wrong in the text of one file, as ``file:line: finding``."""
    for number, line in enumerate(text.splitlines(), 1):
        shown = line
        for quoted in QUOTED:
            shown = shown.replace(quoted, "")
        for pattern, instead in PATTERNS:
            if found := pattern.search(shown):
                yield f"{path}:{number}: {found[0]!r} – write: {instead}"
        limit = LINE_LENGTHS.get(Path(path).suffix, LINE_LENGTHS.get(Path(path).name))
        if limit and len(line) > limit:
            yield f"{path}:{number}: {len(line)} characters – expected at most {limit}"
    if path.endswith(".py"):
        for number, name in _names(text):
            yield f"{path}:{number}: the name {name!r} – write what it holds"


def _names(text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                pass
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                pass
            case _:
                continue
        if name.strip("_").lower() in NAMES:
            yield node.lineno, name


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: list[str] = []
    for path in filter(None, listed.stdout.split("\0")):
        file = ROOT / path
        if any(part in path for part in EXCEPT) or not file.is_file():
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or an archive
        found += findings(path, text)
    print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
