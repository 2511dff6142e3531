"""Damaged or lost databases: every command reports one in a line, and the champion stays."""

import sqlite3
from pathlib import Path

import pytest
from mlproduct.testing import TrialProduct

from ..products import DAY, a_day, deliver, to_score, with_registry
from ..team import main

BY = ["--by", "Ada", "--because", "It pays."]
USES_BOTH = [
    ["train"],
    ["approve", "2", *BY],
    ["reject", "2", *BY],
    ["rollback", *BY],
    ["verify"],
    ["score", "--day", str(DAY)],
    ["monitor", "--day", str(DAY)],
    ["serve", "--port", "0"],
    ["up"],
]
USES_PRODUCT_DB = [
    ["history"],
    ["label", "labels.parquet"],
    ["coverage"],
    ["ledger"],
    ["forget", "c1", "--by", "Ada"],
    ["expire"],
]
COMMANDS = [("mlflow.db", [*USES_BOTH, ["review"]]), ("product.db", [*USES_BOTH, *USES_PRODUCT_DB])]


@pytest.fixture
def complete(
    product: TrialProduct, released: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    """The product with its own registry, rows to score and labels to record."""
    found = with_registry(product, released, monkeypatch)
    deliver(found, to_score(found, frame=a_day(count=50)))
    return found


def damage(path: Path, damage_kind: str) -> None:
    content = path.read_bytes()
    path.write_bytes(
        b"\x00garbage" * 4_000 if damage_kind == "garbage" else content[: len(content) // 2]
    )


@pytest.mark.parametrize("damage_kind", ["garbage", "truncated"])
@pytest.mark.parametrize(("name", "commands"), COMMANDS, ids=["mlflow.db", "product.db"])
def test_every_command_reports_a_damaged_database_in_one_line(
    complete: TrialProduct,
    name: str,
    commands: list[list[str]],
    damage_kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(complete.settings.var / name, damage_kind)
    for command in commands:
        assert main(command) == 1, command
        output = capsys.readouterr().err
        assert f"{name} is damaged" in output, command
        assert "restore it from a backup" in output, command
        assert len(output.strip().splitlines()) == 1, output
    assert main(["doctor"]) == 2
    found = capsys.readouterr()
    assert f"databases not ok  {complete.settings.var / name} is damaged" in found.out
    assert found.err == ""


def test_doctor_checks_every_page_of_the_databases(
    complete: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor"])
    assert "product.db is intact" in (output := capsys.readouterr().out)
    assert "mlflow.db is intact" in output
    path = complete.settings.var / "mlflow.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        root = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'datasets'"
        ).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    content = bytearray(path.read_bytes())
    content[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(content)
    assert main(["doctor"]) == 2
    assert "mlflow.db is damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        ["doctor"],
        ["train"],
        ["approve", "2", *BY],
        ["reject", "2", *BY],
        ["rollback", *BY],
        ["score"],
        ["monitor"],
    ],
    ids=lambda command: command[0],
)
def test_a_lost_audit_log_is_reported_and_keeps_the_champion(
    complete: TrialProduct, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (complete.settings.var / "product.db").unlink()
    assert main(command) == (2 if command == ["doctor"] else 3)
    captured = capsys.readouterr()
    output = captured.out + captured.err
    assert "MLflow's alias champion is on version 1" in output
    assert "restore" in output
    assert "delete_registered_model_alias" in output
    assert complete.releases.models.alias("champion") == "1"
    assert complete.releases.audit_log.read().entries == ()
