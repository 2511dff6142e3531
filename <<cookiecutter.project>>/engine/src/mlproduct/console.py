"""The output of the command line: aligned lines, with colours only in a terminal."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from .errors import InvalidData, ProductError
from .escaping import escaped

__all__ = ["coloured", "error", "heading", "line", "say", "table"]

# ANSI codes (SGR parameters).
COLOURS = {"green": "32", "red": "31", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """``text`` in ``colour`` if the stream is a terminal and NO_COLOR is not set, else unchanged.

    NO_COLOR is defined at https://no-color.org.
    """
    stream = stream or sys.stdout
    if "NO_COLOR" in os.environ or not stream.isatty():
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


def say(text: str = "") -> None:
    """Prints a line at once, also if the output is redirected."""
    print(text, flush=True)


def heading(text: str) -> None:
    """Prints a line in bold."""
    say(coloured(text, "bold"))


def line(name: str, text: str) -> None:
    """Prints one aligned line of a report: the name of a step and its result."""
    say(f"  {name:<9} {text}")


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """The rows as lines with aligned columns; the last column is not padded."""
    rows = [tuple(map(escaped, row)) for row in rows]
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        indent
        + "  ".join(
            # Not strict: the last column has no width.
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        )
        for row in rows
    ]


def error(problem: ProductError) -> None:
    """Prints the message of an error to standard error, and its table of reasons if it has one."""
    print(coloured("error: ", "red", sys.stderr) + str(problem), file=sys.stderr)
    # A message of several lines contains the reasons already.
    if isinstance(problem, InvalidData) and problem.reasons and "\n" not in str(problem):
        shown = [
            ("column", "rule", "rows", "example"),
            *((c, r, f"{n:,}", e) for c, r, n, e in problem.reasons),
        ]
        print("\n".join(table(shown)), file=sys.stderr)
