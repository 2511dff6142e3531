"""Which rows break which rules: a line for each, and the counts that a message shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .coercion import as_text

__all__ = [
    "FAILURE_COLUMNS",
    "Broken",
    "Reason",
    "example_table",
    "failure_table",
    "reason_table",
    "reasons_of",
    "unlisted",
]

FAILURE_COLUMNS = ("row", "column", "rule", "value", "reason", "source")

# A column, the broken rule, the number of rows that break it, and the value of one of them.
Reason = tuple[str, str, int, str]

SHOWN_CHARACTERS = 80  # of a cell
SHOWN_REASONS = 20  # a screen; the quarantine contains all of them
SHOWN_EXAMPLES = 3  # per reason


@dataclass(frozen=True)
class Broken:
    """A rule and the rows that break it, as positions in one batch, counted from 0."""

    positions: np.ndarray
    column: str
    rule: str
    reason: str


def failure_table(
    broken: Sequence[Broken], rows: pd.DataFrame, numbers: np.ndarray, origin: str
) -> pd.DataFrame:
    """One line per broken rule and row, with the cell as it was read, cut at 80 characters."""
    tables = []
    for one in broken:
        cells = rows[one.column].iloc[one.positions] if one.column in rows.columns else None
        value = (
            ""
            if cells is None
            else as_text(cells).str.slice(0, SHOWN_CHARACTERS).fillna("").to_numpy()
        )
        line = {
            "row": numbers[one.positions],
            "column": one.column,
            "rule": one.rule,
            "value": value,
        }
        tables.append(pd.DataFrame({**line, "reason": one.reason, "source": origin}))
    if not tables:
        return pd.DataFrame(
            {name: pd.Series(dtype="int64" if name == "row" else "str") for name in FAILURE_COLUMNS}
        )
    table = pd.concat(tables, ignore_index=True).astype(
        {name: "str" for name in FAILURE_COLUMNS[1:]}
    )
    return table.sort_values("row", kind="stable", ignore_index=True)


def reasons_of(failures: pd.DataFrame) -> tuple[Reason, ...]:
    """The broken rules by column, the most frequent first."""
    grouped = failures.groupby(["column", "rule"], sort=True).agg(
        rows=("row", "size"), example=("value", "first")
    )
    grouped = grouped.sort_values("rows", ascending=False, kind="stable").reset_index()
    return tuple((str(c), str(r), int(n), str(e)) for c, r, n, e in grouped.itertuples(index=False))


def unlisted(failures: pd.DataFrame, column: str) -> dict[str, int]:
    """The values of ``column`` that the schema does not list, with the rows of each.

    Only of rows that break no other rule, the most frequent first.
    """
    rules = failures.groupby(["source", "row"])["rule"].transform("size")
    alone = (rules == 1) & (failures["column"] == column) & (failures["reason"] == "category")
    return {str(value): int(n) for value, n in failures.loc[alone, "value"].value_counts().items()}


def reason_table(reasons: Sequence[Reason]) -> str:
    """The reasons as aligned lines of text with a header; at most 20, then the number of others."""
    return _aligned(
        "example",
        [
            (column, rule, f"{rows:,}", repr(example))
            for column, rule, rows, example in reasons[:SHOWN_REASONS]
        ],
        len(reasons),
    )


def example_table(failures: pd.DataFrame) -> str:
    """The broken rules as aligned lines with up to three different values and their rows.

    Rows are counted from 0, as in the quarantine. The file is named if there are several.
    """
    several = failures["source"].nunique() > 1
    groups = failures.groupby(["column", "rule"], sort=True)
    reasons = reasons_of(failures)
    lines = []
    for column, rule, rows, _ in reasons[:SHOWN_REASONS]:
        found = groups.get_group((column, rule)).drop_duplicates("value").head(SHOWN_EXAMPLES)
        examples = [
            f"{value!r} ({f'{source} ' if several else ''}row {row})"
            for value, source, row in found[["value", "source", "row"]].itertuples(index=False)
        ]
        lines.append((column, rule, f"{rows:,}", ", ".join(examples)))
    return _aligned("examples", lines, len(reasons))


def _aligned(last: str, shown: Sequence[tuple[str, ...]], total: int) -> str:
    lines = [("column", "rule", "rows", last), *shown]
    width = [max(len(line[at]) for line in lines) for at in range(3)]
    text = [f"  {c:<{width[0]}}  {r:<{width[1]}}  {n:>{width[2]}}  {e}" for c, r, n, e in lines]
    if total > len(shown):
        text.append(f"  and {total - len(shown)} more")
    return "\n".join(text)
