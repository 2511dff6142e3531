"""A verdict in the terminal: one line per criterion, and the reason if it is not met."""

import textwrap
from collections.abc import Sequence

from ..console import coloured, table
from ..escaping import escaped
from ..gate.bars import measured_with_bar
from ..gate.criteria import Outcome, Result

__all__ = ["result_lines"]

OUTCOME_COLOUR = {
    Outcome.MET: "green",
    Outcome.NOT_MET: "red",
    Outcome.UNDECIDED: "yellow",
    Outcome.WAIVED: "cyan",
}


def result_lines(results: Sequence[Result]) -> list[str]:
    """A line per criterion with outcome, measurement, bar and the sentence of the file.

    A criterion that is not met has a second line with the reason.
    """
    rows = [
        (r.outcome.value, r.criterion.id, measured_with_bar(r), r.criterion.says) for r in results
    ]
    lines = []
    for result, text in zip(results, table(rows), strict=True):
        outcome = result.outcome.value
        # Coloured after table(), which escapes control characters and counts them for the width.
        lines.append(text.replace(outcome, coloured(outcome, OUTCOME_COLOUR[result.outcome]), 1))
        if result.outcome is not Outcome.MET:
            because = textwrap.shorten(
                escaped(result.because), 240, placeholder=" … (see the scorecard)"
            )
            lines.append(coloured(f"    {because}", "dim"))
    return lines
