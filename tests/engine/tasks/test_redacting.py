"""A failed Prefect run shows no secret in the message of its state or in its log."""

import logging

import pytest
from mlproduct.errors import ProductError
from mlproduct.tasks import INSIDE
from mlproduct.tasks.local_runner import run_locally
from mlproduct.tasks.redacting import LOGGERS, redacting
from prefect import flow, task

ADDRESS = "postgresql://db/product?user=ada&password=s3cr3t"


class RecordedLines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.mark.parametrize("kind", [RuntimeError, ConnectionError, ProductError])
def test_a_failed_flow_shows_no_secret(
    kind: type[Exception], prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    @redacting
    def raise_error() -> None:
        raise kind(f"no answer from {ADDRESS}") from OSError(ADDRESS)

    @flow
    @redacting
    def failing_flow() -> None:
        task(**INSIDE)(raise_error)()

    recorded = RecordedLines()
    for name in LOGGERS:
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "level", logging.INFO)
        monkeypatch.setattr(logger, "handlers", [*logger.handlers, recorded])
        monkeypatch.setattr(logger, "disabled", False)
    state = run_locally(failing_flow)
    assert state.is_failed()
    assert "postgresql://db/product" in str(state.message)
    assert "s3cr3t" not in f"{state.message}"
    assert any("no answer" in line for line in recorded.lines)
    assert "s3cr3t" not in "\n".join(recorded.lines)


def test_an_error_without_a_secret_is_raised_unchanged() -> None:
    @redacting
    def raise_error() -> None:
        raise KeyError("column")

    with pytest.raises(KeyError):
        raise_error()
