"""``status``: the problems it finds, in at most ten lines and as JSON."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from mlproduct.cli.project import Project
from mlproduct.cli.status import LINES_AT_MOST, Status, status_of
from mlproduct.cli.status.operations import unscored
from mlproduct.cli.status.part import Part
from mlproduct.clock import today
from mlproduct.config.settings import Settings
from mlproduct.log.decision_log import Decided, DecisionLog, Reaction
from mlproduct.log.label_log import DELIVERIES
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.registry.audit_log import AuditLog, Entry
from mlproduct.registry.audit_mirror import HEAD
from mlproduct.registry.models import Models
from mlproduct.testing import TrialProduct

from ..databases import recorded
from ..products import with_registry
from ..team import PACKAGE, PRODUCT, SOURCES, main

KEYS = [
    "product",
    "day",
    "ok",
    "champion",
    "waiting",
    "score",
    "labels",
    "alarms",
    "servers",
    "unread",
    "wrong",
]
SHOWN = KEYS[3:9]
DAY = date(2026, 11, 24)


def status_with(*wrong: str, says: str = "fine") -> Status:
    return Status(
        "a-product", DAY, (*(Part(name, says) for name in SHOWN), Part("files", wrong=wrong))
    )


@pytest.mark.parametrize("count", [0, 1, 4, 5, 40])
def test_status_prints_at_most_ten_lines_and_counts_the_omitted_problems(count: int) -> None:
    status = status_with(*(f"Problem {number}." for number in range(count)))
    lines = status.lines()
    assert len(lines) <= LINES_AT_MOST
    output = [text for name, text in lines if name == "wrong"]
    left_out = [text for text in output if "more" in text]
    assert left_out == ([f"and {count - 3} more; --json has all"] if count > 4 else [])
    assert len(output) == max(min(count, 4), 1)
    assert len(status.to_json()["wrong"]) == count
    assert status.to_json()["ok"] is (count == 0)


def test_a_problem_shared_by_several_parts_is_reported_once() -> None:
    reason = "The database is away."
    away: dict[str, Any] = {"says": f"cannot be read: {reason}", "wrong": (reason,), "unread": True}
    parts = (
        Part("champion", "none", wrong=("None.",)),
        Part("score", **away),
        Part("labels", **away),
    )
    status = Status("a-product", DAY, parts)
    assert status.wrong == (("score", reason), ("champion", "None."))
    assert status.lines()[1:3] == [
        ("score", away["says"]),
        ("labels", "cannot be read, for the same reason as score"),
    ]


def test_typed_text_is_shown_on_one_line_and_without_secrets() -> None:
    typed = "Ada\n  wrong  nothing\x1b[2K\u202e postgresql://ada:hunter2@db/x"
    status = status_with(typed, says=typed)
    shown = "\n".join(text for _, text in status.lines())
    assert len(shown.splitlines()) == len(status.lines())
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "hunter2" not in shown + json.dumps(status.to_json())


@pytest.mark.parametrize(
    ("done", "missing"),
    [
        ([], []),
        ([DAY - timedelta(days=n) for n in (3, 1)], [DAY - timedelta(days=2)]),  # a gap
        ([DAY], []),
        (
            [DAY - timedelta(days=3)],
            [DAY - timedelta(days=2), DAY - timedelta(days=1)],
        ),  # scoring has stopped
        ([DAY - timedelta(days=n) for n in (28, 21, 14)], [DAY - timedelta(days=7)]),  # weekly
        (
            [d for n in range(28, 0, -1) if (d := DAY - timedelta(days=n)).weekday() < 5],
            [],
        ),  # weekdays only
    ],
)
def test_unscored_returns_the_expected_days_that_have_no_scores(
    done: list[date], missing: list[date]
) -> None:
    assert unscored(done, DAY) == missing


# --- a product with a champion, version 1, and a challenger, version 2


def current_status() -> Status:
    return status_of(Project(PACKAGE, Settings.from_environment(os.environ)), today())


def problems() -> dict[str, str]:
    """The problems in the current status, by part."""
    return dict(current_status().wrong)


def digests_of_files(root: Path) -> dict[str, str]:
    """The digest of every file under ``root``; the value of a folder is ``folder``."""
    paths = sorted(root.rglob("*"))
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
        for p in paths
    }


def record_scored_days(product: TrialProduct, *days: date) -> None:
    log = PredictionLog(product.settings.database_url)
    for day in days:
        log.finish(log.begin("batch", day, "1", "m" * 64), rejected=0)


def record_decision(
    product: TrialProduct, action: Reaction, day: date, champion: str = "1", cause: str = "drift:x"
) -> None:
    decision = Decided(
        action, cause, "support_calls drifted.", "proxy", day, day, champion, {"drifted": ["x"]}
    )
    DecisionLog(product.settings.database_url).decide(lambda before: decision)


def record_delivery(product: TrialProduct, **changes: Any) -> None:
    counts = {
        "rows": 10,
        "new": 10,
        "repeated": 0,
        "corrected": 0,
        "late": 0,
        "unmatched": 0,
        "rejected": 0,
    }
    row = {
        "digest": "d",
        "source": "labels.csv",
        "at": datetime.now(UTC).replace(tzinfo=None),
        **counts,
        **changes,
    }
    with AuditLog(product.settings.database_url).database.connected() as connection:
        connection.execute(DELIVERIES.insert(), row)


def test_status_reports_no_problem_exits_with_0_and_changes_no_file(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    yesterday = today() - timedelta(days=1)
    record_scored_days(product, yesterday)
    record_decision(product, "nothing", yesterday, cause="none")
    record_delivery(product)
    before = digests_of_files(product.root)
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*SHOWN, "wrong"]
    assert lines[0].split()[1:3] == ["version", "1"]
    assert "approved by Ada" in lines[0]
    assert lines[1].split(maxsplit=1)[1] == "version 2 (ready)"
    assert lines[-1].split() == ["wrong", "nothing"]
    assert main(["status", "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert list(output) == KEYS
    assert (output["product"], output["ok"], output["unread"], output["wrong"]) == (
        PRODUCT.name,
        True,
        [],
        [],
    )
    assert (output["champion"]["version"], output["champion"]["by"]) == ("1", "Ada")
    assert output["waiting"] == [{"version": "2", "verdict": "ready", "open": []}]
    assert output["score"]["day"] == str(yesterday)
    assert output["labels"]["source"] == "labels.csv"
    assert output["alarms"]["decision"] == "nothing"
    assert digests_of_files(product.root) == before


FAULTS: dict[str, tuple[Callable[[TrialProduct], Any], str, str]] = {
    "a file is missing": (
        lambda p: (p.root / "config/scoring.yaml").unlink(),
        "labels",
        "scoring.yaml",
    ),
    "a file has a mistake": (
        lambda p: p.write("config/pipeline.yaml", "sauce: 1"),
        "files",
        "pipeline.yaml",
    ),
    "a day is begun and not finished": (
        lambda p: PredictionLog(p.settings.database_url).begin(
            "batch", today() - timedelta(days=2), "1", "m"
        ),
        "score",
        "1 day is not scored",
    ),
    "scoring has stopped": (
        lambda p: record_scored_days(p, today() - timedelta(days=3)),
        "score",
        "2 days are not scored",
    ),
    "scored days are not monitored": (
        lambda p: record_scored_days(p, today() - timedelta(days=1)),
        "alarms",
        "are not monitored – run monitor.",
    ),
    "drift": (
        lambda p: record_decision(p, "wait", today()),
        "alarms",
        "The last decision of monitoring is wait: support_calls drifted.",
    ),
    "an alarm": (
        lambda p: record_decision(p, "nothing", today(), cause="alarm:few rows"),
        "alarms",
        "decision of monitoring is nothing",
    ),
    "labels are late": (
        lambda p: record_delivery(p, at=datetime(2026, 1, 2)),
        "labels",
        "Labels are late",
    ),
    "labels match no prediction": (
        lambda p: record_delivery(p, unmatched=10),
        "labels",
        "No label of the last delivery",
    ),
    "labels were never delivered": (
        lambda p: record_scored_days(p, today() - timedelta(days=90)),
        "labels",
        "No labels have been delivered",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported_in_its_part_and_status_exits_with_1(
    product: TrialProduct, fault: str
) -> None:
    make, part, says = FAULTS[fault]
    assert says not in " ".join(problems().values())
    make(product)
    assert says in problems()[part]
    assert main(["status"]) == 1


def test_a_decision_about_an_earlier_champion_is_no_alarm(
    product: TrialProduct,
) -> None:
    record_decision(product, "retrain", today(), champion="0")
    assert problems() == {}


def test_criteria_past_their_review_date_are_a_problem(product: TrialProduct) -> None:
    criteria = product.read("product/success_criteria.yaml")
    product.write("product/success_criteria.yaml", {**criteria, "review_by": date(2026, 1, 1)})
    assert "reviewed by 2026-01-01" in problems()["files"]


def test_spooled_predictions_are_a_problem_when_they_wait_too_long_or_were_refused(
    product: TrialProduct,
) -> None:
    spool = product.settings.var / "service" / "spool"
    (spool / "refused").mkdir(parents=True)
    block = spool / "one.json"
    block.write_text("{}")
    assert problems() == {}  # a new block is not a problem yet
    os.utime(block, (time.time() - 600,) * 2)
    assert "1 block of predictions is waiting" in problems()["spool"]
    block.rename(spool / "refused" / "one.json")
    assert "1 block of predictions was rejected" in problems()["spool"]


def test_status_lists_running_servers_and_reports_one_that_has_ended(product: TrialProduct) -> None:
    from mlproduct.cli.servers import Started, _write
    from mlproduct.processes import began

    (product.settings.var / "up").mkdir()
    mine = Started(
        "mlflow", os.getpid(), began(os.getpid()), "http://127.0.0.1:5000", "var/up/mlflow.log"
    )
    gone = replace(mine, name="service", began="long ago", log="var/up/service.log")
    _write(product.settings, (mine, gone))
    status = current_status()
    assert status.to_json()["servers"] == [{"name": "mlflow", "url": "http://127.0.0.1:5000"}]
    assert "service was started by up and has ended" in dict(status.wrong)["servers"]


def test_an_audit_log_that_contradicts_mlflow_is_reported_and_doctor_is_not_advised(
    product: TrialProduct, aliases: None
) -> None:
    models = Models(Settings.from_environment(os.environ), PRODUCT.name)
    models.tag_model(HEAD, "0" * 64)
    models.point("champion", "2")
    output = "\n".join(sentence for _, sentence in current_status().wrong)
    assert "which is the digest of no entry of the audit log" in output
    assert "doctor" not in output


def test_an_alias_that_differs_is_reported_and_not_corrected(
    product: TrialProduct, aliases: None
) -> None:
    models = Models(Settings.from_environment(os.environ), PRODUCT.name)
    models.point("champion", "2")
    output = problems()["champion"]
    assert "champion is version 1" in output
    assert "alias champion points to version 2" in output
    assert models.alias("champion") == "2"


def test_a_rejected_version_is_not_waiting(
    product: TrialProduct,
) -> None:
    audit_log = AuditLog(product.settings.database_url)
    recorded(audit_log, Entry("reject", "2", "1", "Ada", "No.", "ready", "d", "m"))
    assert current_status().to_json()["waiting"] == []


def test_a_version_is_not_waiting_when_the_champion_is_missing_from_the_registry(
    product: TrialProduct,
) -> None:
    audit_log = AuditLog(product.settings.database_url)
    recorded(audit_log, Entry("approve", "7", "1", "Ada", "Better.", "ready", "d", "m"))
    status = current_status()
    assert status.to_json()["waiting"] == []
    assert "Version 7, the champion, is not in the registry" in " ".join(
        sentence for _, sentence in status.wrong
    )


@pytest.mark.parametrize("how", ["missing", "garbage", "old", "unreachable"])
def test_an_unreadable_database_is_reported_once_and_the_other_parts_are_shown(
    product: TrialProduct,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = product.settings.var / "product.db"
    if how == "missing":
        path.unlink()
    elif how == "garbage":
        path.write_bytes(b"\x00garbage" * 4_000)
    elif how == "old":
        with sa.create_engine(f"sqlite:///{path}").begin() as connection:
            connection.exec_driver_sql("UPDATE product_version SET version_num = '0002'")
    else:
        monkeypatch.setenv("PRODUCT_DATABASE_URL", "postgresql://ada:hunter2@127.0.0.1:1/product")
    before = digests_of_files(product.root)
    assert main(["status", "--json"]) == 1
    output = json.loads(capsys.readouterr().out)
    assert list(output) == KEYS
    assert output["unread"] == ["champion", "waiting", "score", "labels", "alarms"]
    assert [output[name] for name in output["unread"]] == [None] * 5
    assert output["servers"] == []
    assert len(output["wrong"]) == 1
    assert main(["status"]) == 1
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) <= LINES_AT_MOST
    assert "hunter2" not in shown.out
    assert shown.err == ""
    assert digests_of_files(product.root) == before


@pytest.mark.parametrize("how", ["missing", "garbage", "unreachable"])
def test_an_unreadable_registry_is_reported_and_the_other_parts_are_shown(
    product: TrialProduct, released: TrialProduct, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = with_registry(product, released, monkeypatch)
    path = found.settings.var / "mlflow.db"
    if how == "missing":
        path.unlink()
    elif how == "garbage":
        path.write_bytes(b"\x00garbage" * 4_000)
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:hunter2@127.0.0.1:1")
    before = digests_of_files(product.root)
    status = current_status()
    output = status.to_json()
    assert (output["unread"], output["waiting"]) == (["waiting"], None)
    assert output["champion"]["version"] == "1"
    assert list(dict(status.wrong)) == ["waiting"]
    assert "hunter2" not in str(status.lines()) + json.dumps(output)
    assert digests_of_files(product.root) == before


def test_status_writes_no_file_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    assert main(["status"]) == 1
    assert len(capsys.readouterr().out.splitlines()) <= LINES_AT_MOST
    assert list(tmp_path.iterdir()) == []


def test_status_does_not_import_prefect(product: TrialProduct) -> None:
    code = (
        f"import sys; from mlproduct.cli import main; main({PACKAGE!r}, ['status']);"
        " print('prefect' in sys.modules)"
    )
    environ = {**os.environ, "PYTHONPATH": SOURCES}
    output = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        cwd=product.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout.splitlines()[-1] == "False"
