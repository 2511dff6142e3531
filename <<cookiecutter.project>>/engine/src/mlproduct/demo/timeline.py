"""A long story on the screen: a line for each thing that happens, and how far it has come.

In a terminal a bar stands below the lines; elsewhere there are only the lines. What is printed
otherwise meanwhile goes to a log.
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
    """Lines under the moment they belong to."""

    def __init__(
        self, show: Callable[[str], None], advance: Callable[[str], None], stream: TextIO
    ) -> None:
        self._show, self._advance, self._stream = show, advance, stream
        self._moment = ""

    def begins(self, moment: str) -> None:
        """What is told from now on is of this moment."""
        self._moment = moment
        self._advance(moment)

    def tells(self, what: str, text: str) -> None:
        named = f"{what:<9}"
        if what in COLOURS:
            named = coloured(named, COLOURS[what], self._stream)
        self._show(f"{self._moment:<19}  {named} {text}")
        self._moment = ""


@contextmanager
def timeline(total: int, log: Path) -> Iterator[Timeline]:
    """A timeline of so many moments; whatever else is printed while it is open goes to ``log``."""
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
    with Progress(*columns, console=screen, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("", total=total, completed=-1)
        yield Timeline(
            lambda text: screen.print(Text.from_ansi(text), soft_wrap=True),
            lambda moment: progress.update(task, advance=1, description=moment),
            stream,
        )
