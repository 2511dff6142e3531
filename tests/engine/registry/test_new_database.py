"""MLflow's database appears as a whole: an interrupted creation leaves none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlproduct.config.settings import Settings
from mlproduct.registry.tracking import connect
from sqlalchemy import event
from sqlalchemy.engine import Engine


class Stopped(BaseException):
    """Ends the process in the middle of a statement, as a kill does."""


@contextmanager
def stopped_in_a_migration() -> Iterator[None]:
    def stop(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.strip().startswith("DROP TABLE experiments"):
            raise Stopped

    event.listen(Engine, "before_cursor_execute", stop)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", stop)


def test_an_interrupted_creation_leaves_no_database_and_the_next_command_creates_it(
    tmp_path: Path,
) -> None:
    settings = Settings.from_environment({"PRODUCT_ROOT": str(tmp_path)})
    with stopped_in_a_migration(), pytest.raises(Stopped):
        connect(settings)
    assert not (settings.var / "mlflow.db").exists()
    (settings.var / ".new-mlflow-killed").mkdir()
    assert [each.name for each in connect(settings).search_experiments()] == ["Default"]
    assert sorted(each.name for each in settings.var.iterdir()) == [".mlflow.db.lock", "mlflow.db"]
