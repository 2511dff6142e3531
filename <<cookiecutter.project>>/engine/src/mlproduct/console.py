"""What the command line shows: short, aligned, coloured in a terminal and nowhere else."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from .errors import InvalidData, ProductError
from .escaping import escaped

__all__ = ["coloured", "error", "heading", "line", "say", "table"]

COLOURS = {"green": "32", "red": "31", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """``text`` in ``colour`` where the stream is a terminal that wants it, else as it is.

    Source of the switch: https://no-color.org
    """
    stream = stream or sys.stdout
    if "NO_COLOR" in os.environ or not stream.isatty():
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


def say(text: str = "") -> None:
    print(text, flush=True)


def heading(text: str) -> None:
    say(coloured(text, "bold"))


def line(name: str, text: str) -> None:
    """One aligned line of a running report: the step, and what came of it."""
    say(f"  {name:<10}{text}")


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """The rows as aligned lines, each on one; the last column is left ragged."""
    rows = [tuple(map(escaped, row)) for row in rows]
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        indent
        + "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        )
        for row in rows
    ]


def error(problem: ProductError) -> None:
    """What went wrong, on standard error: the message, and the table of reasons where there is
    one.
    """
    print(coloured("error: ", "red", sys.stderr) + str(problem), file=sys.stderr)
    if isinstance(problem, InvalidData) and problem.reasons and "\n" not in str(problem):
        shown = [
            ("column", "rule", "rows", "example"),
            *((c, r, f"{n:,}", e) for c, r, n, e in problem.reasons),
        ]
        print("\n".join(table(shown)), file=sys.stderr)
