"""A database that is damaged or lost: every verb says so in a line, and the champion stays what it
was.
"""

import sqlite3
from pathlib import Path

import pytest
from mlproduct.testing import TrialProduct

from ..products import DAY, a_day, deliver, to_score, with_registry
from ..team import main

BY = ["--by", "Ada", "--because", "It pays."]
OF_BOTH = [
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
OF_THE_DATABASE = [
    ["history"],
    ["label", "labels.parquet"],
    ["coverage"],
    ["ledger"],
    ["forget", "c1", "--by", "Ada"],
    ["expire"],
]
DAMAGED = [("mlflow.db", [*OF_BOTH, ["review"]]), ("product.db", [*OF_BOTH, *OF_THE_DATABASE])]


@pytest.fixture
def whole(
    product: TrialProduct, released: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> TrialProduct:
    """The product with files of its own, rows to score and labels to take in."""
    found = with_registry(product, released, monkeypatch)
    deliver(found, to_score(found, frame=a_day(count=50)))
    return found


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.write_bytes(b"\x00garbage" * 4_000 if how == "garbage" else content[: len(content) // 2])


@pytest.mark.parametrize("how", ["garbage", "truncated"])
@pytest.mark.parametrize(("name", "verbs"), DAMAGED, ids=["mlflow.db", "product.db"])
def test_a_damaged_database_is_one_line_in_every_verb(
    whole: TrialProduct,
    name: str,
    verbs: list[list[str]],
    how: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(whole.settings.var / name, how)
    for verb in verbs:
        assert main(verb) == 1, verb
        shown = capsys.readouterr().err
        assert f"{name} is damaged" in shown, verb
        assert "restore it from a backup" in shown, verb
        assert len(shown.strip().splitlines()) == 1, shown
    assert main(["doctor"]) == 2
    found = capsys.readouterr()
    assert f"databases not ok  {whole.settings.var / name} is damaged" in found.out
    assert found.err == ""


def test_the_doctor_checks_every_page(
    whole: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor"])
    assert "product.db is intact" in (output := capsys.readouterr().out)
    assert "mlflow.db is intact" in output
    path = whole.settings.var / "mlflow.db"
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
    "verb",
    [
        ["doctor"],
        ["train"],
        ["approve", "2", *BY],
        ["reject", "2", *BY],
        ["rollback", *BY],
        ["score"],
        ["monitor"],
    ],
    ids=lambda verb: verb[0],
)
def test_a_lost_trail_does_not_take_the_champion_along(
    whole: TrialProduct, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (whole.settings.var / "product.db").unlink()
    assert main(verb) == (2 if verb == ["doctor"] else 3)
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert "MLflow's alias champion is on version 1" in shown
    assert "restore" in shown
    assert "delete_registered_model_alias" in shown
    assert whole.releases.models.alias("champion") == "1"
    assert whole.releases.audit_log.read().entries == ()
