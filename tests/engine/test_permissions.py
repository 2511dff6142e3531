"""File permissions: only the product's user can read what the product stores."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlproduct import permissions
from mlproduct.permissions import keep_private, private_settings
from mlproduct.registry.audit_log import AuditLog
from mlproduct.registry.runs import Runs
from mlproduct.testing import TrialProduct

from .registry.trial_releases import PIPELINE, criteria
from .team import ENGINE, PROJECT, main, trial_at

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows manages permissions differently")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialProduct:
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "var" / "prefect"))
    found = trial_at(tmp_path)
    for name in ("product/success_criteria.yaml", "config/pipeline.yaml", "config/product.yaml"):
        found.write(name, (PROJECT / name).read_text(encoding="utf-8"))
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def readable_by_others(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if mode(path) & 0o077]


def test_commands_write_files_that_only_their_user_can_read(
    product: TrialProduct, tmp_path: Path
) -> None:
    assert main(["sample", "--rows", "200"]) == 0
    assert [main([command]) for command in ("doctor", "history", "verify")] == [0, 0, 0]
    Runs(product.settings, "Radar").open(
        criteria(), PIPELINE
    )  # adds a file of the team's to the artifacts
    assert len(list(product.settings.var.rglob("*"))) > 5
    assert readable_by_others(product.settings.var) == []
    assert main(["sample", "--rows", "200", "--to", str(tmp_path / "export.csv")]) == 0
    assert mode(tmp_path / "export.csv") == 0o600


def test_a_command_restricts_files_left_readable_by_an_earlier_release(
    product: TrialProduct,
) -> None:
    var = product.settings.var
    AuditLog(product.settings.database_url)
    for name in ("product.db-wal", "mlflow.db", "prefect/prefect.db"):
        (var / name).parent.mkdir(exist_ok=True)
        (var / name).touch()
    before = mode(product.root), mode(product.root / "config/pipeline.yaml")
    assert len([path for path in readable_by_others(var) if path.suffix.startswith(".db")]) == 4
    assert main(["history"]) in (0, 1)
    assert mode(var) == 0o700
    assert [path for path in readable_by_others(var) if path.suffix.startswith(".db")] == []
    assert (mode(product.root), mode(product.root / "config/pipeline.yaml")) == before


def test_tasks_use_the_private_settings(product: TrialProduct) -> None:
    product.settings.var.mkdir()
    AuditLog(private_settings().database_url)
    assert readable_by_others(product.settings.var) == []
    unprotected = [
        p.name
        for p in (ENGINE / "mlproduct" / "tasks").glob("*.py")
        if "Settings.from_environment" in p.read_text("utf-8")
    ]
    assert unprotected == []


def test_keep_private_ignores_files_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuses)
    keep_private(tmp_path)
    keep_private(tmp_path / "nowhere")


def test_keep_private_does_nothing_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions.os, "name", "nt")
    try:
        keep_private(tmp_path)
    finally:
        monkeypatch.undo()
    assert os.umask(0o022) == 0o022
