"""The command line without training: help, exit codes, and one line for each mistake."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from mlproduct.cli import training_verbs
from mlproduct.clock import today
from mlproduct.data.quarantine import Quarantine
from mlproduct.registry.audit_log import AuditLog, Entry, taken_on_text
from mlproduct.tables import Rejected
from mlproduct.testing import TrialProduct

from ..databases import recorded
from ..products import with_operations
from ..team import PACKAGE, PROJECT, main, trial_at

HEAVY = {
    "cryptography",
    "evidently",
    "matplotlib",
    "mlflow",
    "numpy",
    "pandas",
    "pandera",
    "prefect",
    "scipy",
    "sklearn",
    "sqlalchemy",
}
VERBS = [
    "train",
    "criteria",
    "approve",
    "reject",
    "rollback",
    "history",
    "quarantine",
    "verify",
    "keys",
    "sample",
    "doctor",
    "status",
]


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialProduct:
    """A product with its configuration files and without data."""
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "elsewhere" / "prefect"))
    found = trial_at(tmp_path)
    for name in ("product/success_criteria.yaml", "config/pipeline.yaml", "config/product.yaml"):
        found.write(name, (PROJECT / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_page(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert verb in capsys.readouterr().out


def test_building_the_parser_imports_no_heavy_library() -> None:
    code = (
        f"import sys, {PACKAGE}; from mlproduct import cli; cli.parser({PACKAGE!r});"
        f" print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT / "src",
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [[], ["trian"], ["approve", "1"], ["quarantine"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_a_verb_outside_a_product_names_the_missing_file_and_exits_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRODUCT_ROOT", str(tmp_path))
    assert main(["criteria", "explain"]) == 2
    assert "success_criteria.yaml" in capsys.readouterr().err


def test_criteria_check_and_explain_accept_the_criteria_of_the_project(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["criteria", "check"]) == 0
    assert main(["criteria", "explain"]) == 0
    output = capsys.readouterr().out
    assert all(
        each["says"] in output for each in product.read("product/success_criteria.yaml")["criteria"]
    )


def test_criteria_check_prints_the_line_of_a_mistake_and_exits_with_2(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (product.root / "product/success_criteria.yaml").read_text(encoding="utf-8")
    line = 1 + text[: text.index("metric: ")].count("\n")
    product.write("product/success_criteria.yaml", text.replace("metric: ", "metric: no_", 1))
    assert main(["criteria", "check"]) == 2
    assert f"success_criteria.yaml:{line}: " in capsys.readouterr().out


def test_criteria_check_reports_mistakes_of_every_kind_in_one_run(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (product.root / "product/success_criteria.yaml").read_text(encoding="utf-8")
    changed = text.replace("metric: ", "metric: no_", 1).replace(
        "confidence: 0.95", "confidence: 0.5"
    )
    product.write("product/success_criteria.yaml", changed)
    assert main(["criteria", "check"]) == 2
    output = capsys.readouterr().out
    assert "confidence: 0.5: expected at least 0.8" in output
    assert "criteria.0.metric: no_" in output
    assert main(["train"]) == 2
    refused = capsys.readouterr().err
    assert "confidence: 0.5" in refused
    assert "criteria.0.metric: no_" in refused


def test_a_warning_about_the_criteria_is_shown_with_its_line_and_is_no_mistake(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["criteria", "check"]) == 0
    assert "warning:" not in capsys.readouterr().out
    path = product.root / "product/success_criteria.yaml"
    text = path.read_text(encoding="utf-8").replace("at_least: 0.60", "at_least: 0.50")
    product.write("product/success_criteria.yaml", text)
    line = 1 + text[: text.index("says: ")].count("\n")
    warning = f"{path}:{line}: warning: criteria.0.says: 6 of 10: differs from the bar"
    assert main(["criteria", "check"]) == 0
    assert warning in capsys.readouterr().out
    assert main(["sample", "--rows", "200"]) == 0
    assert main(["doctor"]) == 0
    assert warning.removeprefix(f"{product.root}/") in capsys.readouterr().out


def test_doctor_counts_the_problems_until_they_are_corrected(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 2
    output = capsys.readouterr().out
    assert "Problems to correct: 1." in output
    assert main(["sample", "--rows", "200"]) == 0
    assert main(["doctor"]) == 0


def test_history_reports_that_a_new_product_has_no_decision_and_no_champion(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [main([verb]) for verb in ("history", "verify")] == [0, 0]
    assert main(["quarantine", "list"]) == 0
    assert main(["history", "--on", "2026-11-24"]) == 0
    output = capsys.readouterr().out
    assert "No decision has been recorded yet." in output
    assert "Champion on 2026-11-24: none" in output
    assert main(["approve", "1", "--by", "a", "--because", "b"]) == 2


def test_verify_and_doctor_report_a_changed_audit_log(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify"]) == 0
    assert "audit log: no entries\n" in capsys.readouterr().out
    forged = Entry("approve", "1", None, "Eve", "Mine.", "ready", "d" * 64, "m" * 64)
    recorded(AuditLog(product.settings.database_url), forged)
    assert main(["sample", "--rows", "200"]) == 0
    assert [main([verb]) for verb in ("verify", "doctor")] == [3, 2]
    lines = capsys.readouterr().out.splitlines()
    unknown = "entry 1 of the audit log (approve of version 1 by Eve) is not known to MLflow"
    assert [line for line in lines if line.startswith(f"audit log: {unknown}")]
    assert [line for line in lines if "history" in line and f"not ok  {unknown}" in line]


def test_history_shows_the_risks_that_an_approval_accepted(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    audit_log = AuditLog(product.settings.database_url)
    first = Entry("approve", "1", None, "Ada", "It pays.", "ready", "d" * 64, "m" * 64)
    recorded(audit_log, first)
    concern = "The bar of catch was loosened from at_least 0.6 to 0.5."
    risky = replace(
        first,
        version="2",
        previous_version="1",
        despite=taken_on_text(["review", "catch"], [concern]),
    )
    recorded(audit_log, risky)
    recorded(audit_log, replace(risky, version="3", previous_version="2", despite="catch"))
    assert main(["history"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[2:4] == ["despite: catch, review", concern]
    assert lines[5:] == ["despite: catch"]
    assert main(["history", "--on", str(today())]) == 0
    assert "despite: catch" in capsys.readouterr().out


def test_history_escapes_control_characters_and_shows_the_entry_on_one_line(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    audit_log = AuditLog(product.settings.database_url)
    forged = "Fine.\n2026-11-25 00:00  approve  version 9\x1b[2K\u202e"
    recorded(
        audit_log, Entry("approve", "1", None, "Ada\rEve", forged, "ready", "d" * 64, "m" * 64)
    )
    assert main(["history"]) == 0
    output = capsys.readouterr().out
    assert len(output.splitlines()) == 1
    assert all(code in output for code in (r"\x0d", r"\x0a", r"\x1b", r"\u202e"))


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("score-2026-11-24", "contains rows of a scored day"),
        ("labels-2026-11-24", "no run 'labels-2026-11-24'"),
    ],
)
def test_quarantine_replay_refuses_rows_of_scoring_and_an_unknown_delivery(
    product: TrialProduct, run: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with_operations(product)
    assert main(["quarantine", "replay", run]) == 2
    assert message in capsys.readouterr().err


def test_an_unexpected_exception_prints_one_line_and_stores_the_traceback(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*given: object) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(training_verbs, "read_criteria", fails)
    assert main(["criteria", "explain"]) == 1
    output = capsys.readouterr().err
    assert output.startswith("error: ZeroDivisionError: unforeseen – see ")
    assert len(output.splitlines()) == 1
    assert "Traceback" in (product.root / "var" / "last-error.txt").read_text(encoding="utf-8")


def test_a_verb_creates_the_home_of_prefect_in_a_new_product(
    product: TrialProduct,
) -> None:
    assert main(["criteria", "check"]) == 0
    assert (product.root / "elsewhere" / "prefect").is_dir()


@pytest.mark.parametrize(
    "variables", [{"MLFLOW_TRACKING_URI": "http://mlflow:5000"}, {"PRODUCT_TODAY": "tomorrow"}]
)
def test_a_simulated_date_is_refused_when_invalid_or_when_the_registry_is_a_server(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
) -> None:
    for name, value in {
        "PRODUCT_ROOT": str(tmp_path),
        "PRODUCT_TODAY": "2027-02-28",
        **variables,
    }.items():
        monkeypatch.setenv(name, value)
    assert main(["history"]) == 2
    assert "PRODUCT_TODAY" in capsys.readouterr().err


TEAM_ROWS = "customer_id\n1\n"


def test_sample_never_overwrites_a_source_of_the_team(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    product.write("data/own.csv", TEAM_ROWS)
    inside = product.root / "var" / "sample" / "linked.csv"
    inside.parent.mkdir(parents=True)
    inside.symlink_to(product.root / "data" / "own.csv")
    for path in (
        "data/own.csv",
        "data/not-yet.csv",
        "var/sample/../../data/own.csv",
        "var/sample/linked.csv",
    ):
        product.write(
            "config/pipeline.yaml",
            {**product.read("config/pipeline.yaml"), "source": {"path": path}},
        )
        assert main(["sample", "--rows", "50"]) == 2
        output = capsys.readouterr().err
        assert f"reads {path}" in output
        assert "expected a file under " in output
        assert "var/sample/ – " in output
        assert "--to FILE" in output
    assert (product.root / "data" / "own.csv").read_text(encoding="utf-8") == TEAM_ROWS
    assert not (product.root / "data" / "not-yet.csv").exists()


def test_sample_for_scoring_never_overwrites_a_label_source_of_the_team(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = {
        "source": {"path": "var/sample/{day}.csv"},
        "labels": {"source": {"path": "data/{day}.csv"}},
    }
    product.write("config/scoring.yaml", sources)
    product.write("data/2026-12-01.csv", TEAM_ROWS)
    assert main(["sample", "--scoring", "--until", "2026-11-24"]) == 2
    assert "reads data/2026-12-01.csv" in capsys.readouterr().err
    assert (product.root / "data" / "2026-12-01.csv").read_text(encoding="utf-8") == TEAM_ROWS
    assert not (product.root / "var" / "sample").exists()


def test_an_existing_file_is_replaced_only_when_the_overwrite_option_names_it(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    path = product.root / "data" / "own.csv"
    product.write("data/own.csv", TEAM_ROWS)
    rejected = Rejected(
        pd.DataFrame(
            {"row": [0], "column": "key", "rule": "r", "value": "", "reason": "type", "source": "s"}
        ),
        pd.DataFrame({"row": [0], "source": ["s"], "key": ["1"]}),
    )
    Quarantine(product.settings.var / "quarantine").keep("run-1", rejected)
    for verb in (["sample", "--rows", "50"], ["quarantine", "export", "run-1"]):
        product.write("data/own.csv", TEAM_ROWS)
        assert main([*verb, "--to", str(path)]) == 2
        assert "already exists" in (output := capsys.readouterr().err)
        assert "--overwrite" in output
        assert path.read_text(encoding="utf-8") == TEAM_ROWS
        assert main([*verb, "--overwrite", str(path)]) == 0
        assert path.read_text(encoding="utf-8") != TEAM_ROWS
        with pytest.raises(SystemExit):
            main([*verb, "--to", str(path), "--overwrite", str(path)])


def test_demo_refuses_a_file_and_a_folder_that_contains_the_current_product(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (product.root / ".demo").touch()
    product.write("letter", "dear")
    monkeypatch.setenv("PRODUCT_ROOT", str(product.root / "inner"))
    for folder in (product.root / "letter", product.root):
        assert main(["demo", "--folder", str(folder)]) == 2
        assert "--folder" in capsys.readouterr().err
    assert (product.root / "letter").read_text(encoding="utf-8") == "dear"
