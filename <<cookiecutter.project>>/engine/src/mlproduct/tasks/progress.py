"""The progress of a running search: a bar in a terminal, lines of text elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from .. import console

__all__ = ["Advance", "trials"]


class Advance(Protocol):
    """The function to call after each finished trial, with a description of its result."""

    def __call__(self, described: str) -> None: ...


@contextmanager
def trials(total: int) -> Iterator[Advance]:
    """A context with a function to call after each of ``total`` trials."""
    if sys.stdout.isatty():
        with _bar(total) as advance:
            yield advance
    else:
        yield _lines(total)


@contextmanager
def _bar(total: int) -> Iterator[Advance]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = (TextColumn("  search   "), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, TextColumn("{task.description}"), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda described: progress.update(task, advance=1, description=described)


def _lines(total: int) -> Advance:
    done = 0

    def advance(described: str) -> None:
        nonlocal done
        done += 1
        console.line("search", f"trial {done} of {total}: {described}")

    return advance
