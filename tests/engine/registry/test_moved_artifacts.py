"""A moved or copied product folder: its models are found, and a copy never writes to the
original.
"""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlproduct.registry.moved_artifacts import ADDRESSES, follow
from mlproduct.testing import TrialProduct

from ..team import PACKAGE, main, trial_at


def copied(released: TrialProduct, root: Path) -> TrialProduct:
    shutil.copytree(released.root, root)
    return trial_at(root)


def digests(root: Path) -> dict[str, str]:
    files = (
        path
        for path in (root / "var").rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    )
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def addresses(product: TrialProduct) -> set[str]:
    with closing(sqlite3.connect(product.settings.var / "mlflow.db")) as connection:
        return {
            str(address)
            for table, columns in ADDRESSES.items()
            for column in columns
            for (address,) in connection.execute(
                f"SELECT {column} FROM {table} WHERE {column} LIKE '%mlartifacts%'"
            )
        }


def test_a_moved_product_finds_its_models(
    released: TrialProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new path contains blanks and letters that a URI must escape."""
    first = copied(released, tmp_path / "first")
    assert first.releases.verify("1") == ()
    moved = trial_at(tmp_path / "über all #2")
    first.root.rename(moved.root)
    monkeypatch.setenv("PRODUCT_ROOT", str(moved.root))
    assert main(["verify"]) == 0
    assert moved.releases.models.load("1").model is not None
    assert moved.releases.approve("2", by="Ada", because="It is as good.").version == "2"


def test_a_copy_writes_nothing_into_the_original(released: TrialProduct, tmp_path: Path) -> None:
    original = copied(released, tmp_path / "original")
    assert original.releases.verify("1") == ()
    before = digests(original.root)
    copy = copied(original, tmp_path / "copy")
    assert copy.train().version == "3"
    copy.releases.approve("2", by="Ada", because="It is as good.")
    assert digests(original.root) == before
    assert len(addresses(copy)) > 3
    root = (copy.settings.var / "mlartifacts").as_uri()
    assert [each for each in addresses(copy) if not each.startswith(root)] == []


def test_a_copy_works_without_the_original(released: TrialProduct, tmp_path: Path) -> None:
    original = copied(released, tmp_path / "original")
    copy = copied(original, tmp_path / "copy")
    shutil.rmtree(original.root)
    assert [copy.releases.verify(each) for each in ("1", "2")] == [(), ()]


def test_artifacts_with_server_addresses_are_found_without_a_server(
    released: TrialProduct, tmp_path: Path
) -> None:
    """The MLflow server that ``up`` of 0.2.0 started recorded such addresses."""
    product = copied(released, tmp_path / "product")
    root = (released.settings.var / "mlartifacts").as_uri()
    with closing(sqlite3.connect(product.settings.var / "mlflow.db")) as connection, connection:
        for table, columns in ADDRESSES.items():
            for column in columns:
                change = f"UPDATE {table} SET {column} = replace({column}, ?, 'mlflow-artifacts:')"
                connection.execute(change, (root,))
    assert addresses(product) == set()
    assert product.releases.verify("1") == ()


def test_follow_keeps_addresses_outside_the_product(released: TrialProduct, tmp_path: Path) -> None:
    product = copied(released, tmp_path / "product")
    with closing(sqlite3.connect(product.settings.var / "mlflow.db")) as connection, connection:
        connection.execute(
            "UPDATE experiments SET artifact_location = 's3://team/var/mlartifacts/1'"
        )
    follow(product.settings)
    with closing(sqlite3.connect(product.settings.var / "mlflow.db")) as connection:
        found = {
            address
            for (address,) in connection.execute("SELECT artifact_location FROM experiments")
        }
    assert found == {"s3://team/var/mlartifacts/1"}


def test_a_command_refuses_to_run_on_the_product_of_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """This happens when the environment of one folder is active and its copy is the working
    directory.
    """
    (tmp_path / "src" / PACKAGE).mkdir(parents=True)
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    assert main(["history"]) == 2
    assert "would run on the product in" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()
