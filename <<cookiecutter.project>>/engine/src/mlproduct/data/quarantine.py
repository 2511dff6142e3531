"""Quarantined rows: stored per run with the reasons, exported, repaired and replayed.

    <folder>/<run>/<digest>/failures.parquet, rows.parquet    what a run rejected
    <folder>/repaired/<run>/<digest>.parquet                  what passed later; training reads it,
                                                              unless it was a delivery of labels

Files are changed only to forget a subject. A row is pending until it is in ``repaired``. Each file
is written under a temporary name and then renamed, so that a killed process leaves either the old
or the new state.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import ConfigError
from ..reading import PLAIN, Reading
from ..tables import Batch, Rejected, Validated
from . import delimited
from .erasure import Erasure
from .keys import of_subject
from .spreadsheet import escaped_name, harmless, original

__all__ = ["OF_LABELS", "Kept", "Quarantine", "Replayed"]

REPAIRED = "repaired"
# The runs of label deliveries begin with it, and those of scored days with "score-".
OF_LABELS = "labels-"
IDENTITY = ["source", "row"]
WHY = "why"


@dataclass(frozen=True)
class Kept:
    """Summary of the rows that one run quarantined; ``pending`` of them are not repaired yet.

    ``reason`` is the most frequent one.
    """

    run: str
    when: datetime
    source: str
    rows: int
    pending: int
    reason: str


@dataclass(frozen=True)
class Replayed:
    """How many rows were accepted and how many are left; ``failures`` contains the reasons."""

    accepted: int
    left: int
    failures: pd.DataFrame


@dataclass(frozen=True)
class Quarantine:
    """The quarantined rows in ``folder``, which the first ``keep`` creates.

    A method that reads a run raises ConfigError if there is no run of that name.
    """

    folder: Path

    def keep(self, run: str, rejected: Rejected, *, when: datetime | None = None) -> None:
        """Stores the rejected rows under the run's name; the same rows again change nothing."""
        if rejected.rows.empty:
            return
        place = self.folder / _name(run)
        place.mkdir(parents=True, exist_ok=True)
        final = place / _digest(rejected.rows)
        if final.exists():
            return
        # The dot in front hides the unfinished folder from ``_parts``.
        beside = Path(tempfile.mkdtemp(prefix=".", dir=place))
        failures = rejected.failures.assign(
            run=run, kept_at=(when or datetime.now(UTC)).isoformat()
        )
        failures.to_parquet(beside / "failures.parquet", index=False)
        rejected.rows.to_parquet(beside / "rows.parquet", index=False)
        _move(beside, final)

    def list(self) -> tuple[Kept, ...]:
        """A summary of every run that quarantined rows, the newest first."""
        if not self.folder.is_dir():
            return ()
        runs = (
            place.name
            for place in self.folder.iterdir()
            if place.name != REPAIRED and _parts(place)
        )
        return tuple(
            sorted(filter(None, map(self._summary, runs)), key=lambda kept: kept.when, reverse=True)
        )

    def show(self, run: str) -> pd.DataFrame:
        """The failures of the run's pending rows: row, column, rule, value, reason, source, run."""
        failures = self._read(run, "failures").drop(columns="kept_at")
        return failures[~self._is_repaired(run, failures)].reset_index(drop=True)

    def rows(self, run: str) -> pd.DataFrame:
        """The pending rows of the run as text; the first columns are ``row`` and ``source``."""
        # A changed delivery for the same day can contain rows that are already stored.
        rows = self._read(run, "rows").drop_duplicates(IDENTITY)
        return rows[~self._is_repaired(run, rows)].reset_index(drop=True)

    def export(self, run: str, path: Path, *, texts: Collection[str] = ()) -> int:
        """Writes the pending rows as CSV with a column ``why``, and returns how many there are.

        ``row`` and ``source`` identify a row in the repaired file and must not be edited. A cell
        that a spreadsheet would execute gets an apostrophe in front. A number such as -5 gets one
        only in the columns ``texts``, where it is a text.
        """
        rows, failures = self.rows(run), self.show(run)
        reasons = failures["column"] + ": " + failures["rule"]
        why = (
            reasons.groupby([failures[name] for name in IDENTITY])
            .agg("; ".join)
            .rename(WHY)
            .reset_index()
        )
        table = rows.merge(why, on=IDENTITY, how="left")
        table = table[
            ["row", "source", WHY, *(name for name in rows.columns if name not in IDENTITY)]
        ]
        for name in table.columns.drop("row"):
            table[name] = harmless(table[name].astype("str"), numbers=name not in texts)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        # pandas quotes a cell that contains a character of the line terminator. With both of
        # them, neither can start a new row.
        table.rename(columns=escaped_name).to_csv(
            beside, index=False, encoding="utf-8", lineterminator="\r\n"
        )
        beside.replace(path)
        return len(table)

    def pending(
        self, run: str, repaired: Path | None = None, reading: Reading = PLAIN
    ) -> Iterator[Batch]:
        """The run's pending rows as batches, with the cells of the file ``repaired`` if given.

        ``reading`` is that of the source of the rows, because their texts are stored as they were.
        A row that was rejected only as a duplicate is left out unless the file changes it. Raises
        ConfigError for a missing file, a missing column (also ``row`` and ``source``), and rows
        that are not of this run.
        """
        rows, failures = self.rows(run), self.show(run)
        repeats = failures.groupby(IDENTITY)["reason"].agg(
            lambda reasons: set(reasons) == {"duplicate"}
        )
        again = _identities(rows).isin(list(repeats.index[repeats]))
        now = rows if repaired is None else _repaired(repaired, rows, run, self._read(run, "rows"))
        unchanged = pd.Series(list(now.itertuples(index=False, name=None))).isin(
            list(rows[again.to_numpy()][list(now.columns)].itertuples(index=False, name=None))
        )
        now = now[~unchanged.to_numpy(dtype=bool)]
        for source, part in now.groupby("source", sort=False):
            positions = part["row"].to_numpy(dtype="int64")
            yield Batch(
                part.drop(columns=IDENTITY).reset_index(drop=True),
                str(source),
                0,
                positions=positions,
                reading=reading,
            )

    def replay(
        self,
        run: str,
        repaired: Path | None,
        check: Callable[[Iterator[Batch]], Validated],
        reading: Reading = PLAIN,
    ) -> Replayed:
        """Validates the pending rows again with ``check``; the next training reads those that pass.

        ``reading`` is that of the source today: rows that were rejected because it was wrong pass
        after it is corrected. Rows that passed before are no longer pending, so a replay can be
        repeated.
        """
        batches = list(self.pending(run, repaired, reading))
        before = len(self.rows(run))
        if not batches:
            return Replayed(0, before, self.show(run))
        checked = check(iter(batches))
        origins = pd.concat(
            [pd.DataFrame({"source": b.origin, "row": b.numbers}) for b in batches],
            ignore_index=True,
        )
        origins["source"] = origins["source"].astype("str")
        passed = origins[
            ~_identities(origins).isin(list(_identities(checked.rejected.rows)))
        ].reset_index(drop=True)
        # Both are joined by position below, so a difference would mix the cells of different rows.
        if len(passed) != len(checked.rows):
            raise ValueError(f"{len(checked.rows)} rows passed the replay, expected {len(passed)}")
        if len(passed):
            self._store(run, pd.concat([passed, checked.rows], axis=1))
        return Replayed(len(passed), before - len(passed), checked.rejected.failures)

    def repaired(self) -> Iterator[Batch]:
        """The rows that passed a replay, to be read after the source.

        If the source contains such a row as well, the source takes precedence.
        """
        for place in sorted((self.folder / REPAIRED).glob("[!.]*")):
            if place.name.startswith(OF_LABELS):  # recorded in the log, and without features
                continue
            rows = self._repaired_rows(place.name)
            if rows.empty:
                continue
            positions = rows["row"].to_numpy(dtype="int64")
            origin = f"quarantine of {place.name}"
            yield Batch(rows.drop(columns=IDENTITY), origin, 0, repaired=True, positions=positions)

    def forget(self, column: str, key: str) -> Erasure:
        """Erases the pending and repaired rows of the subject with ``key`` in ``column``.

        Returns how many rows there were, and which files could not be read.
        """
        sweep = Erasure()
        for file in (
            *self.folder.glob("*/*/rows.parquet"),
            *self.folder.glob(f"{REPAIRED}/*/*.parquet"),
        ):
            found = sweep.read(file, lambda path: _of_subject(path, column, key))
            if found is None or not found[1].any():
                continue
            rows, theirs, named = found
            failures = file.with_name("failures.parquet")
            # The failures are found by the rows. They come first, so that a second run still finds
            # them if this one is killed in between.
            if failures.is_file():
                others = sweep.read(failures, partial(_others, named=named))
                if others is None:
                    continue
                _replace(failures, others)
            _replace(file, rows[~theirs])
            sweep.erased += len(named)
        return sweep

    def _summary(self, run: str) -> Kept | None:
        """The summary of a run, None if all its rows were forgotten."""
        failures, rows = (
            self._read(run, "failures"),
            self._read(run, "rows").drop_duplicates(IDENTITY),
        )
        if rows.empty:
            return None
        counted = (failures["column"] + ": " + failures["rule"]).value_counts()
        return Kept(
            run=run,
            when=datetime.fromisoformat(failures["kept_at"].min()),
            source=", ".join(dict.fromkeys(failures["source"])),
            rows=len(rows),
            pending=int((~self._is_repaired(run, rows)).sum()),
            reason=str(counted.index[0]),
        )

    def _read(self, run: str, table: str) -> pd.DataFrame:
        parts = _parts(self.folder / _name(run))
        if not parts:
            known = ", ".join(kept.run for kept in self.list()[:5]) or "none so far"
            raise ConfigError(
                f"quarantine: no run {run!r} – expected one of: {known} – see `quarantine list`"
            )
        return pd.concat(
            [pd.read_parquet(part / f"{table}.parquet") for part in parts], ignore_index=True
        )

    def _repaired_rows(self, run: str) -> pd.DataFrame:
        files = sorted((self.folder / REPAIRED / _name(run)).glob("[!.]*.parquet"))
        if not files:
            return pd.DataFrame({"source": pd.Series(dtype="str"), "row": pd.Series(dtype="int64")})
        rows = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
        return rows.drop_duplicates(IDENTITY, ignore_index=True)

    def _is_repaired(self, run: str, rows: pd.DataFrame) -> pd.Series:
        return _identities(rows).isin(list(_identities(self._repaired_rows(run))))

    def _store(self, run: str, rows: pd.DataFrame) -> None:
        place = self.folder / REPAIRED / _name(run)
        place.mkdir(parents=True, exist_ok=True)
        _replace(place / f"{_digest(rows)}.parquet", rows)


def _name(run: str) -> str:
    # The name becomes a folder: a path such as ../x must not leave the quarantine.
    if not re.fullmatch(r"\w[\w.-]*", run) or run == REPAIRED:
        raise ConfigError(
            f"quarantine: {run!r} is not the name of a run – expected letters, digits, '.', - and"
            " _ – see `quarantine list`"
        )
    return run


def _parts(place: Path) -> list[Path]:
    return sorted(part for part in place.glob("[!.]*") if part.is_dir())


def _digest(rows: pd.DataFrame) -> str:
    content = rows.to_csv(index=False).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _of_subject(
    path: Path, column: str, key: str
) -> tuple[pd.DataFrame, np.ndarray, list[tuple[str, int]]]:
    """The rows of a file, a mask of the subject's rows, and their identities."""
    rows = pd.read_parquet(path)
    theirs = (
        of_subject(rows[column], key) if column in rows.columns else np.zeros(len(rows), dtype=bool)
    )
    return rows, theirs, list(_identities(rows[theirs]))


def _others(path: Path, named: list[tuple[str, int]]) -> pd.DataFrame:
    """The failures in a file without those of the ``named`` rows."""
    failures = pd.read_parquet(path)
    return failures[~_identities(failures).isin(named)]


def _replace(file: Path, rows: pd.DataFrame) -> None:
    # The process id keeps the temporary files of two processes apart.
    beside = file.with_name(f".{os.getpid()}.{file.name}")
    rows.to_parquet(beside, index=False)
    beside.replace(file)


def _move(beside: Path, final: Path) -> None:
    try:
        beside.rename(final)
    except OSError:  # another process has just stored the same rows
        shutil.rmtree(beside, ignore_errors=True)
        if not final.is_dir():
            raise


def _identities(rows: pd.DataFrame) -> pd.Series:
    pairs = zip(rows["source"].astype("str"), rows["row"].astype("int64"), strict=True)
    return pd.Series(list(pairs), index=rows.index, dtype=object)


def _repaired(path: Path, pending: pd.DataFrame, run: str, kept: pd.DataFrame) -> pd.DataFrame:
    """The pending rows with the cells of the file; rows repaired earlier are left out."""
    wanted = list(pending.columns)
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file – expected the exported CSV, repaired – check the path"
        )
    headers = {escaped_name(name): name for name in wanted}
    names = [*dict.fromkeys([*headers, *wanted])]  # release 0.2.0 did not escape names
    tables = [table for table, _ in delimited.frames(lambda: path.open("rb"), str(path), names)]
    rows = pd.concat(tables, ignore_index=True).rename(columns=headers).apply(original)
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise ConfigError(
            f"{path}: no column {missing[0]} – expected the exported columns – export {run} again"
        )
    numbers = pd.to_numeric(rows["row"], errors="coerce")
    known = set(_identities(kept))
    pairs = list(zip(rows["source"], numbers, strict=True))
    strange = next((pair for pair in pairs if pair not in known), None)
    if strange is not None:
        raise ConfigError(
            f"{path}: {strange[0]} row {strange[1]} is not a row of run {run} – expected the"
            " exported row and source – do not change these columns"
        )
    rows = rows[wanted].assign(row=numbers.astype("int64")).drop_duplicates(IDENTITY)
    return rows[_identities(rows).isin(list(_identities(pending)))].reset_index(drop=True)
