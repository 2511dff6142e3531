"""The quarantine: storing, listing, exporting, repairing and replaying rejected rows."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.quarantine import Quarantine
from mlproduct.data.validation import validate
from mlproduct.errors import ConfigError
from mlproduct.reading import Reading
from mlproduct.tables import Batch, Rejected, Validated
from pandera.typing import Series

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Schema(pa.DataFrameModel):
    key: Series[str] = pa.Field(metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
    amount: Series[float] = pa.Field(ge=0, nullable=True, metadata={"role": "feature"})
    email: Series[str] = pa.Field(metadata={"role": "ignored", "pii": True})


SOURCE = pd.DataFrame(
    {
        "key": ["001", "002", "003", "004", "001"],
        "at": "2026-01-01",
        "amount": ["1", "-5", "abc", "4", "1"],
        "email": "secret@example.com",
    }
)


def check(batches: Iterable[Batch], limit: float = 1.0) -> Validated:
    return validate(batches, Schema, limit=limit)


@pytest.fixture
def rejected() -> Rejected:
    return check([Batch(SOURCE, "rows.csv", 0)]).rejected


@pytest.fixture
def quarantine(tmp_path: Path, rejected: Rejected) -> Quarantine:
    quarantine = Quarantine(tmp_path / "quarantine")
    quarantine.keep("run-1", rejected, when=NOON)
    return quarantine


def repair(quarantine: Quarantine, path: Path, **amounts: str) -> Path:
    """Exports the run as a CSV file and replaces the amounts of the given keys."""
    quarantine.export("run-1", path)
    rows = pd.read_csv(path, dtype="str")
    for key, amount in amounts.items():
        rows.loc[rows["key"] == key.removeprefix("k"), "amount"] = amount
    rows.to_csv(path, index=False)
    return path


def test_list_and_show_return_the_quarantined_rows_of_a_run_with_reasons(
    quarantine: Quarantine,
) -> None:
    (kept,) = quarantine.list()
    assert (kept.run, kept.when, kept.source, kept.rows, kept.pending) == (
        "run-1",
        NOON,
        "rows.csv",
        3,
        3,
    )
    assert kept.reason in {"amount: at least 0", "amount: type: number", "key: unique"}
    shown = quarantine.show("run-1")
    assert list(shown.columns) == ["row", "column", "rule", "value", "reason", "source", "run"]
    assert shown["row"].tolist() == [1, 2, 4]


def test_keep_ignores_rows_that_are_quarantined_already_and_adds_new_ones(
    quarantine: Quarantine, rejected: Rejected
) -> None:
    quarantine.keep("run-1", rejected)
    assert quarantine.list()[0].rows == 3
    more = check([Batch(SOURCE.iloc[1:2], "more.csv", 0)]).rejected
    quarantine.keep("run-1", more)
    assert quarantine.list()[0].rows == 4
    quarantine.keep("run-2", check([Batch(SOURCE.iloc[:1], "rows.csv", 0)]).rejected)
    assert [kept.run for kept in quarantine.list()] == ["run-1"], (
        "a run without rejected rows is not stored"
    )


def test_personal_data_is_neither_quarantined_nor_exported(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    quarantine.export("run-1", tmp_path / "out.csv")
    for file in [*quarantine.folder.rglob("*.parquet"), tmp_path / "out.csv"]:
        assert b"secret" not in file.read_bytes()


def test_the_export_contains_the_rows_and_the_reason_for_each(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    assert quarantine.export("run-1", tmp_path / "new" / "out.csv") == 3
    rows = pd.read_csv(tmp_path / "new" / "out.csv", dtype="str")
    assert list(rows.columns) == ["row", "source", "why", "key", "at", "amount"]
    assert rows["key"].tolist() == ["002", "003", "001"]
    assert rows["why"].tolist() == ["amount: at least 0", "amount: type: number", "key: unique"]


def test_repaired_rows_are_in_the_next_training_once(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    path = repair(quarantine, tmp_path / "out.csv", k002="5")
    first = quarantine.replay("run-1", path, check)
    assert (first.accepted, first.left) == (1, 2)
    assert first.failures["value"].tolist() == ["abc"]
    again = quarantine.replay("run-1", path, check)
    assert (again.accepted, again.left) == (0, 2)
    result = check([Batch(SOURCE, "rows.csv", 0), *quarantine.repaired()])
    assert result.rows["key"].tolist() == ["001", "004", "002"]
    assert quarantine.list()[0].pending == 2
    assert quarantine.show("run-1")["row"].tolist() == [2, 4]


def test_a_second_repair_is_added_to_the_first(quarantine: Quarantine, tmp_path: Path) -> None:
    quarantine.replay("run-1", repair(quarantine, tmp_path / "a.csv", k002="5"), check)
    done = quarantine.replay("run-1", repair(quarantine, tmp_path / "b.csv", k003="6"), check)
    assert (done.accepted, done.left) == (1, 1)
    (batch,) = quarantine.repaired()
    assert sorted(batch.rows["amount"]) == [5.0, 6.0]
    assert sorted(batch.numbers) == [1, 2]


def test_a_repaired_row_is_dropped_when_the_source_is_corrected(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    quarantine.replay("run-1", repair(quarantine, tmp_path / "out.csv", k002="5"), check)
    result = check([Batch(SOURCE.assign(amount="9"), "rows.csv", 0), *quarantine.repaired()])
    assert result.rows["amount"].tolist() == [9.0] * 4
    assert result.seen == 5
    assert result.rejected.failures["rule"].tolist() == ["unique"]


def test_a_replay_without_a_file_accepts_rows_under_a_changed_rule(quarantine: Quarantine) -> None:
    class Looser(Schema):
        amount: Series[float] = pa.Field(nullable=True, metadata={"role": "feature"})

    done = quarantine.replay("run-1", None, lambda batches: validate(batches, Looser, limit=1))
    assert (done.accepted, done.left) == (1, 2)
    (batch,) = quarantine.repaired()
    assert batch.rows["amount"].tolist() == [-5.0]


def test_a_duplicate_stays_quarantined_until_its_key_is_changed(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    assert quarantine.replay("run-1", repair(quarantine, tmp_path / "a.csv"), check).accepted == 0
    path = repair(quarantine, tmp_path / "b.csv", k001="77")
    assert quarantine.replay("run-1", path, check).accepted == 1


def test_rows_missing_from_the_repaired_file_stay_pending(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    path = repair(quarantine, tmp_path / "out.csv", k002="5")
    path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")
    assert quarantine.replay("run-1", path, check).left == 2


@pytest.mark.parametrize(
    ("run", "content", "expected"),
    [
        ("run-9", None, "expected one of: run-1"),
        ("../run-1", None, "is not the name of a run"),
        ("repaired", None, "is not the name of a run"),
        ("run-1", "key,at,amount\n1,2,3\n", "no column row"),
        ("run-1", "row,source,key,at,amount\n77,rows.csv,1,2,3\n", "is not a row of run run-1"),
        ("run-1", "", "no column row"),
    ],
)
def test_a_replay_with_an_invalid_run_or_file_is_refused(
    quarantine: Quarantine, tmp_path: Path, run: str, content: str | None, expected: str
) -> None:
    path = tmp_path / "repaired.csv"
    path.write_text(content or "")
    with pytest.raises(ConfigError, match=expected):
        quarantine.replay(run, path if content is not None else None, check)
    assert list(quarantine.repaired()) == []


def test_a_replay_with_a_missing_file_is_refused(quarantine: Quarantine, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        quarantine.replay("run-1", tmp_path / "none.csv", check)


def test_an_interrupted_write_leaves_the_previous_state(
    quarantine: Quarantine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = repair(quarantine, tmp_path / "out.csv", k002="5")
    more = check([Batch(SOURCE.iloc[1:2], "more.csv", 0)]).rejected
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupt)
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            quarantine.keep("run-1", more)
        with pytest.raises(KeyboardInterrupt):
            quarantine.replay("run-1", path, check)
    assert quarantine.list()[0].rows == 3
    assert list(quarantine.repaired()) == []
    quarantine.keep("run-1", more)
    assert quarantine.replay("run-1", path, check).accepted == 1
    assert quarantine.list()[0].rows == 4


FORMULAS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
TEXTS = [*FORMULAS, "'tis", "'=1", "''", "'", "-5", "a=1", "1-1", "O'Neill"]


class Named(pa.DataFrameModel):
    key: Series[str] = pa.Field(metadata={"role": "key"})
    amount: Series[float] = pa.Field(alias="=amount", ge=0, metadata={"role": "feature"})
    name: Series[str] = pa.Field(alias="@name", metadata={"role": "feature"})


def quarantine_with(tmp_path: Path, names: list[str], amounts: list[str]) -> Quarantine:
    rows = pd.DataFrame(
        {"key": [f"K{n}" for n in range(len(names))], "=amount": amounts, "@name": names}
    )
    found = Quarantine(tmp_path / "quarantine")
    found.keep("run-1", validate([Batch(rows, "=rows.csv", 0)], Named, limit=1.0).rejected)
    return found


def test_no_exported_cell_is_a_spreadsheet_formula(tmp_path: Path) -> None:
    amounts = ["-5", "-1.5e3", *["=2"] * (len(TEXTS) - 2)]
    quarantine_with(tmp_path, TEXTS, amounts).export("run-1", tmp_path / "out.csv", texts=["@name"])
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["row", "source", "why", "key", "'=amount", "'@name"]
    assert [line[4] for line in lines[:3]] == ["-5", "-1.5e3", "'=2"], (
        "a number in a numeric column is not quoted"
    )
    assert [line[5] for line in lines[: len(FORMULAS)]] == [f"'{text}" for text in FORMULAS]
    assert lines[TEXTS.index("-5")][5] == "'-5"
    others = [cell for line in lines for place, cell in enumerate(line) if place != 4]
    assert not [cell for cell in others if cell.startswith(tuple("=+-@\t\r\n"))]


@pytest.mark.parametrize("texts", [(), ("@name", "key")])
def test_a_replay_of_an_export_restores_texts_exactly(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    found = quarantine_with(tmp_path, TEXTS, ["-5"] * len(TEXTS))
    path = tmp_path / "out.csv"
    found.export("run-1", path, texts=texts)
    content = path.read_bytes()
    path.write_bytes(content.replace(b",-5,", b",5,"))
    done = found.replay("run-1", path, lambda batches: validate(batches, Named, limit=1))
    assert (done.accepted, done.left) == (len(TEXTS), 0)
    (batch,) = found.repaired()
    assert batch.rows["@name"].tolist() == TEXTS
    assert set(batch.rows["=amount"]) == {5.0}


def test_a_replay_reads_an_export_of_release_0_2_0_unchanged(tmp_path: Path) -> None:
    """Release 0.2.0 exported cells and column names without quoting formulas."""
    found = quarantine_with(tmp_path, ["'tis", "=1"], ["-5", "-5"])
    path = tmp_path / "out.csv"
    lines = ["row,source,why,key,=amount,@name", "0,=rows.csv,,K0,5,'tis", "1,=rows.csv,,K1,5,=1"]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert (
        found.replay("run-1", path, lambda batches: validate(batches, Named, limit=1)).accepted == 2
    )
    (batch,) = found.repaired()
    assert batch.rows["@name"].tolist() == ["'tis", "=1"]


GERMAN = Reading(",", ".", "€")


def test_rows_are_replayed_with_the_reading_of_their_source(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    given = SOURCE.assign(
        key=["1", "2", "3", "4", "5"], amount=["1,5 €", "1.234,5", "1.5", "4", "x"]
    )
    quarantine.keep("run-1", check([Batch(given, "rows.csv", 0)]).rejected)
    assert quarantine.rows("run-1")["amount"].tolist() == ["1,5 €", "1.234,5", "x"]
    # The setting was missing at first, so the reading is that of today.
    replayed = quarantine.replay("run-1", None, check, GERMAN)
    assert (replayed.accepted, replayed.left) == (2, 1)
    (batch,) = quarantine.repaired()
    assert batch.rows["amount"].tolist() == [1.5, 1234.5]
    assert (batch.reading, batch.repaired) == (Reading(), True)


@pytest.mark.parametrize("dtype", ["float64", object])
def test_numbers_of_a_typed_column_keep_their_value_in_the_quarantine(
    tmp_path: Path, dtype: Any
) -> None:
    """As texts they need the source's decimal mark, or 234.567 would become 234567."""
    quarantine = Quarantine(tmp_path)
    amounts = pd.Series([234.567, 5.0, -1.5, 234.567, 1e-7], dtype=dtype)
    given = SOURCE.assign(key=["1", "2", "3", "1", "4"], amount=amounts, at="2026-01-01")
    given.loc[[0, 4], "at"] = "soon"
    quarantine.keep("run-1", check([Batch(given, "rows.parquet", 0, reading=GERMAN)]).rejected)
    (batch,) = quarantine.pending("run-1", None, GERMAN)
    found = check([replace(batch, rows=batch.rows.assign(at="2026-01-01"))]).rejected
    assert found.failures["value"].tolist() == ["-1,5"], "-1,5 is below 0"
    rows = check([replace(batch, rows=batch.rows.assign(at="2026-01-01"))]).rows
    assert rows["amount"].tolist() == [234.567, 1e-7]


def test_a_duplicate_is_quarantined_as_the_source_spells_it(tmp_path: Path) -> None:
    given = SOURCE.head(2).assign(key="1", amount=["1.234,5", "1.234,5"])
    rejected = check([Batch(given, "rows.csv", 0, reading=GERMAN)]).rejected
    assert rejected.rows["amount"].tolist() == ["1234,5"]
