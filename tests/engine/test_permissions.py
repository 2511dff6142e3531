"""Nobody but the product's user can read what it keeps. Nothing is trained."""

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

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights otherwise")


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


def open_to_others(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if mode(path) & 0o077]


def test_what_a_verb_writes_is_its_users_alone(product: TrialProduct, tmp_path: Path) -> None:
    assert main(["sample", "--rows", "200"]) == 0
    assert [main([verb]) for verb in ("doctor", "history", "verify")] == [0, 0, 0]
    Runs(product.settings, "Radar").open(
        criteria(), PIPELINE
    )  # a file of the team's among the artifacts
    assert len(list(product.settings.var.rglob("*"))) > 5
    assert open_to_others(product.settings.var) == []
    assert main(["sample", "--rows", "200", "--to", str(tmp_path / "export.csv")]) == 0
    assert mode(tmp_path / "export.csv") == 0o600


def test_what_an_earlier_release_left_open_is_closed(product: TrialProduct) -> None:
    var = product.settings.var
    AuditLog(product.settings.database_url)
    for name in ("product.db-wal", "mlflow.db", "prefect/prefect.db"):
        (var / name).parent.mkdir(exist_ok=True)
        (var / name).touch()
    before = mode(product.root), mode(product.root / "config/pipeline.yaml")
    assert len([path for path in open_to_others(var) if path.suffix.startswith(".db")]) == 4
    assert main(["history"]) in (0, 1)
    assert mode(var) == 0o700
    assert [path for path in open_to_others(var) if path.suffix.startswith(".db")] == []
    assert (mode(product.root), mode(product.root / "config/pipeline.yaml")) == before


def test_a_flow_that_a_worker_runs_is_as_careful(product: TrialProduct) -> None:
    product.settings.var.mkdir()
    AuditLog(private_settings().database_url)
    assert open_to_others(product.settings.var) == []
    careless = [
        p.name
        for p in (ENGINE / "mlproduct" / "tasks").glob("*.py")
        if "Settings.from_environment" in p.read_text("utf-8")
    ]
    assert careless == []


def test_what_belongs_to_another_user_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuses)
    keep_private(tmp_path)
    keep_private(tmp_path / "nowhere")


def test_windows_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions.os, "name", "nt")
    try:
        keep_private(tmp_path)
    finally:
        monkeypatch.undo()
    assert os.umask(0o022) == 0o022
