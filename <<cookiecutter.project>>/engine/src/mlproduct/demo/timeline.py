"""Show the events of the demo on the screen, one line each.

In a terminal, a progress bar is below the lines. All other output goes to a log file.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TextIO

from ..console import coloured

__all__ = ["Timeline", "timeline"]

COLOURS = {"alarm": "red", "approve": "green", "reject": "yellow", "rollback": "yellow"}


class Timeline:
    """Prints events as lines; the first line of each moment begins with the moment."""

    def __init__(
        self, show: Callable[[str], None], advance: Callable[[str], None], stream: TextIO
    ) -> None:
        self._show, self._advance, self._stream = show, advance, stream
        self._moment = ""

    def begins(self, moment: str) -> None:
        """Starts a moment: the next events belong to it."""
        self._moment = moment
        self._advance(moment)

    def tells(self, what: str, text: str) -> None:
        """Prints the event ``what`` with its text."""
        named = f"{what:<9}"
        if what in COLOURS:
            named = coloured(named, COLOURS[what], self._stream)
        self._show(f"{self._moment:<19}  {named} {text}")
        self._moment = ""


@contextmanager
def timeline(total: int, log: Path) -> Iterator[Timeline]:
    """A timeline of ``total`` moments; all other output in the block goes to ``log``."""
    stream = sys.stdout
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as kept, redirect_stdout(kept):
        if stream.isatty():
            with _bar(stream, total) as shown_line:
                yield shown_line
        else:
            yield Timeline(
                lambda text: print(text, file=stream, flush=True), lambda moment: None, stream
            )


@contextmanager
def _bar(stream: TextIO, total: int) -> Iterator[Timeline]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(30),
        TimeElapsedColumn(),
    )
    screen = Console(file=stream)
    # rich must not redirect stdout: timeline() has redirected it to the log.
    with Progress(*columns, console=screen, transient=True, redirect_stdout=False) as progress:
        # Each moment adds 1 at its start, so the first one has to result in 0.
        task = progress.add_task("", total=total, completed=-1)
        yield Timeline(
            lambda text: screen.print(Text.from_ansi(text), soft_wrap=True),
            lambda moment: progress.update(task, advance=1, description=moment),
            stream,
        )
