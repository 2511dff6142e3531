"""The lock of a product's folder: shared by all who use its files, alone for who replaces them."""

import errno
import os
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from mlproduct import tasks
from mlproduct.cli import server_verbs
from mlproduct.cli.project import Project
from mlproduct.config.settings import Settings
from mlproduct.demo.command import DEMO, demo
from mlproduct.errors import ConfigError, Refused
from mlproduct.in_use import LOCK, replacing, using

from ..team import PACKAGE, PRODUCT, make_project

USED = "is running – expected nothing that uses the files to be replaced"
REPLACED = "is replacing files of this folder – expected files that stay as they are"


def test_several_use_the_files_and_none_replaces_them_meanwhile(tmp_path: Path) -> None:
    used = using(tmp_path / "var"), using(tmp_path / "var")
    with used[0], used[1], pytest.raises(Refused, match=USED), replacing(tmp_path):
        pass
    with replacing(tmp_path), pytest.raises(Refused, match=REPLACED), using(tmp_path / "var"):
        pass
    with using(tmp_path / "var"):
        pass


def test_an_error_in_the_block_is_not_hidden_and_frees_the_lock(tmp_path: Path) -> None:
    for lock in (using(tmp_path / "var"), replacing(tmp_path)):
        with pytest.raises(OSError, match="mine"), lock:
            raise OSError("mine")


@pytest.mark.parametrize("odd", ["file", "folder", "link"])
def test_a_service_starts_where_no_lock_can_be_taken(tmp_path: Path, odd: str) -> None:
    var = tmp_path / "var"
    if odd == "file":
        var.touch()
    elif odd == "folder":
        (var / LOCK).mkdir(parents=True)
    else:
        var.symlink_to(var)
    with using(var):
        pass
    with pytest.raises(ConfigError, match=r"in-use.lock cannot be locked: "), replacing(tmp_path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
@pytest.mark.parametrize(
    ("function", "number"), [("os.open", errno.EROFS), ("fcntl.flock", errno.ENOLCK)]
)
def test_a_service_starts_on_a_file_system_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, number: int
) -> None:
    def refuses(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"mlproduct.in_use.{function}", refuses)
    ran = False
    with using(tmp_path / "var"):
        ran = True
    assert ran


def test_a_service_and_a_run_do_not_start_while_files_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    settings = Settings.from_environment()
    runs: list[str] = []

    @tasks.flow(PRODUCT, "anything")
    def anything() -> None:
        runs.append("ran")

    with replacing(tmp_path):
        with pytest.raises(Refused, match=REPLACED):
            anything.fn()
        with pytest.raises(Refused, match=REPLACED):
            server_verbs.serve(Namespace(host=None, port=None), Project("no_such", settings))
    assert runs == []
    anything.fn()
    assert runs == ["ran"]


def test_a_demo_does_not_replace_the_folder_of_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(tmp_path / "product")
    monkeypatch.setenv("PRODUCT_ROOT", str(root))
    folder = root / "var" / "demo"
    (folder / DEMO).parent.mkdir(parents=True)
    (folder / DEMO).touch()
    project = Project(PACKAGE, Settings.from_environment())
    with using(folder / "var"), pytest.raises(Refused, match=USED):
        demo(Namespace(folder=folder), project)
    assert (folder / DEMO).exists()
