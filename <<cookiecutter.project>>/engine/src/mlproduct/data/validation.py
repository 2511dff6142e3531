"""Validate the rows of a source and separate those that satisfy the schema from the others.

Types are coerced cell by cell. Pandera then checks whole batches, and only a batch that breaks a
rule is checked row by row. A fault of the whole table stops the validation: a missing column, a
column of another type, a share of bad rows above the limit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameModel

from ..errors import InvalidData
from ..reading import PLAIN, Reading
from ..tables import Batch, Rejected, Validated
from .broken_rules import Broken, example_table, failure_table, reason_table, reasons_of, unlisted
from .coercion import Cells, as_source_text, coerce, coerce_key
from .fingerprint import row_hashes
from .schema_validator import SchemaValidator, schema_validator

__all__ = ["validate", "validation_report"]

# From this share of cells of the wrong type on, the column is wrong and not only some of its rows.
ANOTHER_TYPE = 0.5

# The largest share of rows with new values in an open column that is not the wrong file.
NEW_AT_MOST = 0.5

# While the source is being read, a column can be refused after this number of filled cells.
ENOUGH_TO_STOP = 100_000

# The cells of a named column as texts, spelled as the source spells them.
Writer = Callable[[str, pd.Series], pd.Series]


@dataclass
class _Piece:
    """The accepted rows of one batch, and their origin."""

    rows: pd.DataFrame
    numbers: np.ndarray
    origin: str
    repaired: bool
    reading: Reading = PLAIN


@dataclass
class _Tally:
    """The findings so far: accepted pieces, failures, rejected rows, and counts per column."""

    chunks: list[_Piece] = field(default_factory=list)
    failures: list[pd.DataFrame] = field(default_factory=list)
    rows: list[pd.DataFrame] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)
    filled: dict[str, int] = field(default_factory=dict)
    seen: int = 0

    def reject(
        self,
        broken: list[Broken],
        rows: pd.DataFrame,
        numbers: np.ndarray,
        origin: str,
        write: Writer,
    ) -> np.ndarray:
        """Records the failures, and returns the positions of the rejected rows in ``rows``."""
        bad = np.unique(np.concatenate([one.positions for one in broken]))
        self.failures.append(failure_table(broken, rows, numbers, origin))
        table = pd.DataFrame({name: write(name, rows[name].iloc[bad]) for name in rows.columns})
        table.insert(0, "row", numbers[bad])
        table.insert(1, "source", pd.Series(origin, index=table.index, dtype="str"))
        self.rows.append(table.reset_index(drop=True))
        return bad

    def rejected(self, validator: SchemaValidator) -> Rejected:
        if not self.rows:
            empty = pd.DataFrame(
                {
                    name: pd.Series(dtype="str")
                    for name in ("row", "source", *validator.columns.read)
                }
            )
            return Rejected(
                failure_table((), empty, np.empty(0, np.int64), ""), empty.astype({"row": "int64"})
            )
        failures, rows = (
            pd.concat(tables, ignore_index=True) for tables in (self.failures, self.rows)
        )
        return Rejected(failures, rows)


def validate(
    batches: Iterable[Batch],
    schema: type[DataFrameModel],
    *,
    limit: float,
    open_column: str | None = None,
) -> Validated:
    """The rows that satisfy ``schema``, with exactly the columns of ``Columns.read`` in that order.

    All other rows are in ``rejected``, with every rule they break. This includes the later one of
    two rows with the same key and time or, if the schema has no time, with the same cells in all
    columns. Numbers are float64 or int64 (float64 if they may be missing), texts are ``str``, and
    dates are datetime64[us] in UTC without a time zone.

    Raises InvalidData for a source without rows, a missing column, a column of another type, and a
    share of rejected rows above ``limit``. The exception contains what was rejected until then.
    With ``limit`` 1, only a missing column and a source without rows raise it. Rows whose only
    fault is a value of ``open_column`` that the schema does not list are rejected as well, but up
    to half of the rows may be so: they are of a new class, and not the wrong file.
    """
    validator, tally = schema_validator(schema), _Tally()
    for batch in batches:
        _take(batch, validator, tally)
        _refuse_other_types(validator, tally, limit, ENOUGH_TO_STOP)
    if not tally.seen:
        names = ", ".join(dict.fromkeys(piece.origin for piece in tally.chunks)) or "the source"
        raise InvalidData(f"{names}: no rows – expected at least one – check the source")
    _refuse_other_types(validator, tally, limit, 1)
    for repeated in validator.identities:
        _drop_repeated(repeated, validator, tally)
    rejected = tally.rejected(validator)
    _refuse_too_many(rejected, tally.seen, limit, open_column)
    return Validated(_joined(tally.chunks, validator), rejected, tally.seen)


def _take(batch: Batch, validator: SchemaValidator, tally: _Tally) -> None:
    """Adds one batch to the accepted and the rejected rows."""
    # An empty file has no header; it is only an error if no other file has rows.
    empty_file = not len(batch.rows) and not len(batch.rows.columns) and not batch.unread
    # Rows repaired under an earlier schema can lack a new column; they are judged row by row.
    if not empty_file and not batch.repaired:
        _refuse_missing_columns(batch, validator, tally)
    if batch.rows.empty:
        tally.chunks.append(_Piece(validator.empty, batch.numbers, batch.origin, batch.repaired))
        return
    raw = batch.rows.reindex(columns=list(validator.columns.read)).reset_index(drop=True)
    cells = {
        name: (coerce_key if name == validator.columns.key else coerce)(
            raw[name], kind, validator.spelling(name, batch.reading)
        )
        for name, kind in validator.kinds.items()
    }
    broken = _broken_cells(cells, validator, tally)
    sound = np.ones(len(raw), dtype=bool)
    for one in broken:
        sound[one.positions] = False
    rows, found = validator.check(
        pd.DataFrame({name: cell.values for name, cell in cells.items()}, copy=False), sound
    )
    numbers = batch.numbers
    if broken or found:
        write = _writer(validator, batch.reading)
        keep = np.ones(len(raw), dtype=bool)
        keep[tally.reject(broken + found, raw, numbers, batch.origin, write)] = False
        rows, numbers = rows[keep[sound]].reset_index(drop=True), numbers[keep]
    tally.chunks.append(_Piece(rows, numbers, batch.origin, batch.repaired, batch.reading))
    tally.seen += len(raw)


def _broken_cells(
    cells: dict[str, Cells], validator: SchemaValidator, tally: _Tally
) -> list[Broken]:
    """The cells that are of the wrong type, infinite, or missing where a value is required."""
    broken = []
    for name, cell in cells.items():
        missing = cell.missing
        tally.wrong[name] = tally.wrong.get(name, 0) + int(cell.wrong.sum())
        tally.filled[name] = tally.filled.get(name, 0) + int(len(missing) - missing.sum())
        found = [
            (cell.wrong, f"type: {validator.expects(name)}", "type"),
            (cell.infinite, "finite", "range"),
            (missing & (name not in validator.nullable), "not missing", "missing"),
        ]
        broken += [
            Broken(np.flatnonzero(mask), name, rule, reason)
            for mask, rule, reason in found
            if mask.any()
        ]
    return broken


def _refuse_missing_columns(batch: Batch, validator: SchemaValidator, tally: _Tally) -> None:
    missing = [name for name in validator.columns.read if name not in batch.rows.columns]
    if not missing:
        return
    reasons = tuple(
        (name, "column is there", len(batch.rows), validator.nearest(name, batch.unread))
        for name in missing
    )
    what = "column" if len(missing) == 1 else "columns"
    raise InvalidData(
        f"{batch.origin}: no {what} {', '.join(missing)} – expected every column of schemas.py –"
        f" add it to the source, or remove it from the schema\n{reason_table(reasons)}",
        reasons,
        tally.rejected(validator),
    )


def _refuse_other_types(
    validator: SchemaValidator, tally: _Tally, limit: float, cells: int
) -> None:
    # Scoring has the limit 1, because it checks the share of the whole day at the end of the day.
    if limit >= 1:
        return
    share = {
        name: tally.wrong[name] / max(seen, 1)
        for name, seen in tally.filled.items()
        if seen >= cells
    }
    other = [name for name, wrong in share.items() if wrong >= ANOTHER_TYPE]
    if not other:
        return
    rejected = tally.rejected(validator)
    failures = rejected.failures
    failures = failures[(failures["reason"] == "type") & failures["column"].isin(other)]
    reasons = reasons_of(failures)
    counted = ", ".join(
        f"{name} is not a {validator.expects(name)} in {share[name]:.0%} of its cells"
        for name in other
    )
    raise InvalidData(
        f"wrong type: {counted} – expected the type in schemas.py{validator.advice(other, reasons)}"
        " – repair the source,"
        f" or the type in the schema\n{example_table(failures)}",
        reasons,
        rejected,
    )


def _refuse_too_many(rejected: Rejected, seen: int, limit: float, open_column: str | None) -> None:
    bad = len(rejected.rows)
    if open_column is not None:
        new = sum(unlisted(rejected.failures, open_column).values())
        bad -= new if new <= NEW_AT_MOST * seen else 0
    if bad <= limit * seen:
        return
    reasons = reasons_of(rejected.failures)
    raise InvalidData(
        f"{bad:,} of {seen:,} rows ({bad / seen:.1%}) break the schema – expected at most"
        f" {limit:.1%} – repair the source,"
        f" or the rules in schemas.py\n{example_table(rejected.failures)}",
        reasons,
        rejected,
    )


def _writer(validator: SchemaValidator, reading: Reading) -> Writer:
    def write(name: str, cells: pd.Series) -> pd.Series:
        kind = "text" if name == validator.columns.key else validator.kinds[name]
        return as_source_text(cells, kind, validator.spelling(name, reading))

    return write


def _drop_repeated(names: tuple[str, ...], validator: SchemaValidator, tally: _Tally) -> None:
    """Rejects rows with the same values of ``names`` as an earlier row, by a hash of 64 bits.

    Among ten million different rows, the probability of two equal hashes is about
    3 in a million.
    """
    hashes = np.concatenate([row_hashes(piece.rows, names) for piece in tally.chunks])
    again = pd.Series(hashes).duplicated().to_numpy()
    if len(names) == 1:  # missing values are not duplicates of each other
        again = again & np.concatenate(
            [piece.rows[names[0]].notna().to_numpy() for piece in tally.chunks]
        )
    start = 0
    for piece in tally.chunks:
        repeated = again[start : start + len(piece.rows)]
        start += len(repeated)
        if not repeated.any():
            continue
        if piece.repaired:  # the source now contains the row and takes precedence
            tally.seen -= int(repeated.sum())
        else:
            broken = [Broken(np.flatnonzero(repeated), names[0], "unique", "duplicate")]
            write = _writer(validator, piece.reading)
            tally.reject(broken, piece.rows, piece.numbers, piece.origin, write)
        piece.rows = piece.rows[~repeated].reset_index(drop=True)
        piece.numbers = piece.numbers[~repeated]


def _joined(chunks: list[_Piece], validator: SchemaValidator) -> pd.DataFrame:
    """The chunks as one table; each column of a chunk is freed after it is copied."""
    if len(chunks) == 1:
        return chunks[0].rows
    columns = {}
    for name in validator.columns.read:
        columns[name] = pd.concat([piece.rows.pop(name) for piece in chunks], ignore_index=True)
    # By default, pandas would copy every column once more.
    return pd.DataFrame(columns, copy=False)


def validation_report(validated: Validated) -> str:
    """A Markdown page: the numbers of rows read, accepted and quarantined, and the broken rules."""
    quarantined = len(validated.rejected.rows)
    lines = [
        "# Validation",
        "",
        f"{validated.seen:,} rows read, {len(validated.rows):,} accepted, {quarantined:,}"
        f" quarantined ({validated.rejected_share:.2%}).",
    ]
    counted = validated.rejected.failures.groupby(["column", "rule", "reason"], sort=False).size()
    if len(counted):
        lines += ["", "| column | rule | reason | rows |", "|---|---|---|---|"]
        ordered = counted.sort_values(ascending=False, kind="stable")
        lines += [
            f"| {column} | {rule} | {reason} | {rows:,} |"
            for (column, rule, reason), rows in ordered.items()
        ]
    return "\n".join(lines) + "\n"
