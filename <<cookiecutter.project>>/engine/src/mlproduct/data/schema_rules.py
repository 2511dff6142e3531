"""The rules of Pandera in words, and tables of the rows that broke them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandera.api.checks import Check

from .coercion import as_text

__all__ = [
    "FAILURE_COLUMNS",
    "Broken",
    "Reason",
    "failure_table",
    "in_words",
    "reason_table",
    "reasons_of",
]

FAILURE_COLUMNS = ("row", "column", "rule", "value", "reason", "source")

# A column, the broken rule, the number of rows that break it, and the value of one of them.
Reason = tuple[str, str, int, str]

SHOWN_CHARACTERS = 80  # of a cell
SHOWN_REASONS = 20

# Pandera's checks by reason code; all others have the code "rule".
CODES = {
    "greater_than": "range",
    "greater_than_or_equal_to": "range",
    "less_than": "range",
    "less_than_or_equal_to": "range",
    "in_range": "range",
    "isin": "category",
    "notin": "category",
    "equal_to": "category",
    "not_equal_to": "category",
}


@dataclass(frozen=True)
class Broken:
    """A rule and the rows that break it, as positions in one batch, counted from 0."""

    positions: np.ndarray
    column: str
    rule: str
    reason: str


def in_words(check: Check) -> tuple[str, str]:
    """The rule of a check in plain words, and its reason code."""
    known = check.statistics or {}
    spelled = {
        "greater_than": "more than {min_value}",
        "greater_than_or_equal_to": "at least {min_value}",
        "less_than": "less than {max_value}",
        "less_than_or_equal_to": "at most {max_value}",
        "in_range": "between {min_value} and {max_value}",
        "equal_to": "equal to {value}",
        "not_equal_to": "not {value}",
        "str_matches": "matches {pattern}",
        "str_contains": "contains {pattern}",
        "str_startswith": "starts with {string}",
        "str_endswith": "ends with {string}",
    }.get(str(check.name))
    code = CODES.get(str(check.name), "rule")
    if check.name in {"isin", "notin"}:
        values = known.get("allowed_values", known.get("forbidden_values", ()))
        return f"{'one' if check.name == 'isin' else 'none'} of {_listed(list(values))}", code
    if check.name == "str_length":
        return _length(known), code
    if spelled is not None:
        return spelled.format(**{key: _short(value) for key, value in known.items()}), code
    return str(check.error or str(check.name or "a check of the schema").replace("_", " ")), code


def _short(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    return f"{value:g}" if isinstance(value, float) else str(getattr(value, "pattern", value))


def _listed(values: list[Any]) -> str:
    return ", ".join(map(str, values[:4])) + ("…" if len(values) > 4 else "")


def _length(known: dict[str, Any]) -> str:
    low, high, exact = (known.get(name) for name in ("min_value", "max_value", "exact_value"))
    if exact is not None:
        return f"exactly {exact} characters"
    if low is not None and high is not None:
        return f"{low} to {high} characters"
    return f"at least {low} characters" if low is not None else f"at most {high} characters"


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


def reason_table(reasons: Sequence[Reason]) -> str:
    """The reasons as aligned lines of text with a header; at most 20, then the number of others."""
    shown = [
        (column, rule, f"{rows:,}", repr(example))
        for column, rule, rows, example in reasons[:SHOWN_REASONS]
    ]
    lines = [("column", "rule", "rows", "example"), *shown]
    width = [max(len(line[at]) for line in lines) for at in range(3)]
    text = [f"  {c:<{width[0]}}  {r:<{width[1]}}  {n:>{width[2]}}  {e}" for c, r, n, e in lines]
    if len(reasons) > SHOWN_REASONS:
        text.append(f"  and {len(reasons) - SHOWN_REASONS} more")
    return "\n".join(text)
