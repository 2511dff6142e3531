"""Scoring days, recording labels and erasing subjects, with the real flows on a small product."""

import os
import re
import shutil
import signal
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.data.quarantine import Quarantine
from mlproduct.log.prediction_log import PredictionLog
from mlproduct.registry.audit_mirror import HEAD
from mlproduct.registry.releases import Releases
from mlproduct.tasks import scoring
from mlproduct.testing import TrialProduct

from ..products import (
    COLUMNS,
    DAY,
    a_day,
    deliver,
    in_log,
    log,
    read_in_batches,
    settings,
    started_process,
    to_score,
)
from ..team import PRODUCT, main


def parts(lane: str = "batch") -> pd.DataFrame:
    files = sorted((settings().var / "predictions" / f"lane={lane}").rglob("*.parquet"))
    return pd.concat(
        [pd.read_parquet(file, partitioning=None) for file in files], ignore_index=True
    )


def test_the_champion_scores_a_day_and_the_predictions_are_written_and_logged(
    product: TrialProduct, released: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert f"{len(frame):,} rows scored by version 1" in capsys.readouterr().out
    found, written = in_log(DAY, DAY), parts()
    assert len(found) == len(written) == len(frame)
    assert set(found["lane"]) == {"batch"}
    model = released.releases.models.load("1").model
    predictions = COLUMNS.of_target.predict(model, written[list(COLUMNS.features)])
    np.testing.assert_array_equal(found["decision"], predictions.decision)
    np.testing.assert_array_equal(written["prediction_decision"], predictions.decision)
    if predictions.score is not None:
        np.testing.assert_array_equal(found["score"], predictions.score)
    assert not set(COLUMNS.private) & set(written.columns)


def test_quarantined_rows_are_shown_with_column_rule_and_three_examples(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame, name = a_day().astype(object), COLUMNS.numeric[0]
    frame.loc[frame.index[[2, 3, 5, 7]], name] = ["one", "two", "three", "four"]
    product.save(
        frame.drop(columns=COLUMNS.target).astype({name: "str"}),
        f"var/sample/scoring/{DAY}.parquet",
    )
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    printed = capsys.readouterr().out
    assert "4 quarantined" in printed
    assert f"{name}  type: number" in printed
    assert "4  'one' (row 2), 'two' (row 3), 'three' (row 5)\n" in printed
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert "'one'" not in capsys.readouterr().out, "nothing new was quarantined"


def test_scoring_again_adds_only_new_rows(product: TrialProduct) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    before = in_log(DAY, DAY)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    pd.testing.assert_frame_equal(in_log(DAY, DAY), before)
    late = a_day(seed=1)
    late[COLUMNS.key] = "late-" + late[COLUMNS.key].astype("str")
    to_score(product, frame=pd.concat([frame, late], ignore_index=True))
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    now = in_log(DAY, DAY)
    assert (len(now), now["identity"].is_unique) == (len(frame) + len(late), True)
    assert len(parts()) == len(now)


def test_a_duplicate_row_is_scored_once(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = a_day()
    to_score(product, frame=pd.concat([frame, frame.head(9)], ignore_index=True))
    read_in_batches(monkeypatch)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert len(in_log(DAY, DAY)) == len(parts()) == len(frame)


def killed_while_scoring(addresses: dict[str, str]) -> None:
    """Kills its own process after the second part is written and before it is logged."""
    os.environ.update(addresses)
    record, seen = PredictionLog.record, []

    def record_and_kill(self: PredictionLog, block: Any) -> bool:
        seen.append(block)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return record(self, block)

    with pytest.MonkeyPatch.context() as patch:
        read_in_batches(patch)
        patch.setattr(PredictionLog, "record", record_and_kill)
        scoring.score_day(scoring.scoring_context(PRODUCT, shadow=False), DAY, "killed")


def test_scoring_again_after_a_kill_logs_every_row_once(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = to_score(product)
    process = started_process(killed_while_scoring)
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert [partition.done for partition in log().partitions()] == [False]
    assert 0 < len(in_log(DAY, DAY)) < len(frame)
    read_in_batches(monkeypatch)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    found = in_log(DAY, DAY)
    assert (len(found), found["identity"].is_unique) == (len(frame), True)
    assert len(parts()) == len(frame)


def test_two_concurrent_workers_score_every_row_once(product: TrialProduct) -> None:
    frame = to_score(product)
    workers = [started_process(score_in_batches) for _ in range(2)]
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = in_log(DAY, DAY)
    assert (len(found), found["identity"].is_unique) == (len(frame), True)


def score_in_batches(addresses: dict[str, str]) -> None:
    os.environ.update(addresses)
    with pytest.MonkeyPatch.context() as patch:
        read_in_batches(patch)
        scoring.score_day(scoring.scoring_context(PRODUCT, shadow=False), DAY, "one of two")


def test_scoring_a_span_scores_only_the_missing_days(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    for day in (days[0], days[1], days[3]):
        to_score(product, day)
    assert main(["score", "--day", str(days[0])]) == 0
    first_partition = log().partitions()[0]
    assert main(["score", "--from", str(days[0]), "--to", str(days[3])]) == 2
    refusal = capsys.readouterr().err
    assert "1 of 3 days could not be scored" in refusal
    assert str(days[2]) in refusal
    assert [partition.day for partition in log().partitions() if partition.done] == [
        days[0],
        days[1],
        days[3],
    ]
    assert log().partitions()[0] == first_partition
    to_score(product, days[2])
    assert main(["score", "--from", str(days[0]), "--to", str(days[3])]) == 0
    assert len(log().partitions()) == 4
    assert main(["score", "--from", str(days[0]), "--to", str(days[3])]) == 0
    assert "are already scored" in capsys.readouterr().out


@pytest.mark.parametrize(
    "span", [["--from", "2026-11-02"], ["--from", "2026-11-02", "--to", "2026-11-01"]]
)
def test_an_incomplete_or_reversed_span_is_refused(product: TrialProduct, span: list[str]) -> None:
    assert main(["score", *span]) == 2


def test_a_day_is_completed_by_the_version_that_started_it(product: TrialProduct) -> None:
    frame = to_score(product)
    digest = scoring.scoring_context(PRODUCT, shadow=False).model("2").digest
    log().begin("batch", DAY, "2", digest)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert set(in_log(DAY, DAY)["version"]) == {"2"}
    assert len(in_log(DAY, DAY)) == len(frame)


@pytest.mark.usefixtures("aliases")
@pytest.mark.parametrize(
    ("alias", "expected"),
    [("1", "the audit log is empty, but MLflow's alias"), (None, "there is no champion – scoring")],
)
def test_scoring_without_a_recorded_champion_is_refused(
    product: TrialProduct, capsys: pytest.CaptureFixture[str], alias: str | None, expected: str
) -> None:
    to_score(product)
    models = Releases(settings(), PRODUCT.name).models
    models.point("champion", alias)
    models.tag_model(HEAD, None)
    (product.root / "var" / "product.db").unlink()
    assert main(["score", "--day", str(DAY)]) == 3
    assert expected in capsys.readouterr().err
    assert log().partitions() == ()


def test_bad_rows_are_quarantined_and_too_many_leave_the_day_incomplete(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = a_day()
    bad = frame[COLUMNS.key].isin(frame[COLUMNS.key].head(100))
    frame[COLUMNS.numeric[0]] = frame[COLUMNS.numeric[0]].where(~bad, -1.0)
    to_score(product, frame=frame)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 4
    assert "100 of 400 rows (25.0%) break the schema" in capsys.readouterr().err
    assert len(in_log(DAY, DAY)) == 300
    assert [partition.done for partition in log().partitions()] == [False]
    (quarantined,) = Quarantine(settings().var / "quarantine").list()
    assert (quarantined.run, quarantined.rows) == (f"score-{DAY}", 100)
    to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    (partition,) = log().partitions()
    assert (partition.done, partition.rows, partition.rejected) == (True, 400, 0)


def test_a_day_without_rows_stays_incomplete(product: TrialProduct) -> None:
    to_score(product, frame=a_day().head(0))
    assert main(["score", "--day", str(DAY)]) == 4
    assert [partition.done for partition in log().partitions()] == [False]


def test_the_challenger_scores_the_same_rows_in_a_separate_stream(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY)]) == 0
    assert "shadow: also scored by version 2" in capsys.readouterr().out
    counted, shadow = in_log(DAY, DAY), in_log(DAY, DAY, streams=["shadow"])
    assert (len(counted), len(shadow)) == (len(frame), len(frame))
    assert (set(counted["version"]), set(shadow["version"])) == ({"1"}, {"2"})
    assert set(counted["identity"]) == set(shadow["identity"])


def test_a_challenger_that_fails_does_not_affect_scoring(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    load = scoring.ScoringContext.model

    def failing_model(self: scoring.ScoringContext, version: str) -> Any:
        if version == "2":
            raise RuntimeError("no such thing")
        return load(self, version)

    monkeypatch.setattr(scoring.ScoringContext, "model", failing_model)
    assert main(["score", "--day", str(DAY)]) == 0
    assert "shadow: failed: RuntimeError: no such thing" in capsys.readouterr().out
    assert len(in_log(DAY, DAY)) == len(frame)


def test_labels_are_matched_by_key_and_day_and_counted(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    file = deliver(product, frame.head(100))
    assert main(["label", file]) == 0
    assert "100 rows: 100 new" in capsys.readouterr().out
    found = in_log(DAY, DAY)
    assert found["outcome"].notna().sum() == 100
    expected = frame.head(100).set_index(COLUMNS.key)[COLUMNS.target].astype(float)
    labelled = found.dropna(subset="outcome").set_index("key")["outcome"]
    np.testing.assert_array_equal(labelled.sort_index(), expected.sort_index())
    assert main(["coverage", "--from", str(DAY), "--to", str(DAY)]) == 0
    assert "100 labelled  25%" in capsys.readouterr().out


def test_every_row_of_a_delivery_is_counted_once(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The delivery contains new, corrected, unchanged, duplicate and invalid rows, and labels that
    are late and match no prediction.
    """
    next_day = datetime.combine(DAY + timedelta(days=1), time(3), UTC)
    monkeypatch.setattr("mlproduct.tasks.labelling.now", lambda: next_day)
    target, frame = str(COLUMNS.target), to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert main(["label", deliver(product, frame.head(90))]) == 0
    assert "90 rows: 90 new." in capsys.readouterr().out
    again = frame.head(100).copy()
    other = 1 - again[target] if again[target].isin([0, 1]).all() else again[target] + 1
    again.loc[:9, target] = other[:10]
    again[target] = again[target].astype("Float64")
    again.loc[[20, 21], target] = None
    old = a_day(DAY - timedelta(days=90), count=3)
    file = deliver(
        product, pd.concat([again, again.tail(1), old], ignore_index=True), "again.parquet"
    )
    assert main(["label", file]) == 0
    out = capsys.readouterr().out
    found = re.search(r"^  labels +\S+: ([\d,]+) rows: ([^.]+)\. (.+)$", out, re.MULTILINE)
    assert found is not None, out
    listed = [count.split(" ", 1) for count in found[2].split(", ")]
    counts = {what: int(number.replace(",", "")) for number, what in listed}
    assert sum(counts.values()) == int(found[1].replace(",", "")) == 104
    assert counts == {"new": 13, "corrected": 10, "unchanged": 78, "quarantined": 3}
    assert found[3] == "3 of the labels arrived late. 3 of the labels match no prediction yet."


def test_a_missing_delivery_is_refused_unless_labels_are_delivered_irregularly(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", "--day", str(DAY)]) == 2
    assert "no such file" in capsys.readouterr().err
    written = product.read("config/scoring.yaml")
    product.write(
        "config/scoring.yaml",
        {**written, "labels": written["labels"] | {"delivered": "irregularly"}},
    )
    assert main(["label", "--day", str(DAY)]) == 0
    assert "nothing was delivered" in capsys.readouterr().out
    product.save(a_day().head(0), f"var/sample/labels/{DAY}.parquet")
    assert main(["label", "--day", str(DAY)]) == 0
    assert main(["label", "no-such-file.parquet"]) == 2


def test_an_empty_delivery_is_refused_when_labels_are_delivered_daily(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    product.save(a_day().head(0), f"var/sample/labels/{DAY}.parquet")
    assert main(["label", "--day", str(DAY)]) == 4
    monkeypatch.setattr("mlproduct.tasks.labelling.read", lambda *given, **named: iter(()))
    assert main(["label", "--day", str(DAY)]) == 4


def test_label_without_a_day_records_the_labels_of_today(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlproduct.tasks.labelling.today", lambda: DAY)
    columns = [name for name in (COLUMNS.key, COLUMNS.time, COLUMNS.target) if name]
    product.save(a_day().head(100)[columns], f"var/sample/labels/{DAY}.parquet")
    assert main(["label"]) == 0
    assert "100 rows: 100 new" in capsys.readouterr().out


def test_a_label_file_delivered_twice_changes_nothing(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    file = deliver(product, frame)
    assert main(["label", file]) == 0
    before = in_log(DAY, DAY)
    assert "already recorded" not in capsys.readouterr().out
    assert main(["label", file]) == 0
    assert "already recorded on " in capsys.readouterr().out
    pd.testing.assert_frame_equal(in_log(DAY, DAY), before)


def test_a_delivery_of_invalid_labels_is_refused_completely(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = to_score(product)
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    frame[COLUMNS.target] = -7
    assert main(["label", deliver(product, frame)]) == 4
    assert "break the schema" in capsys.readouterr().err
    assert in_log(DAY, DAY)["outcome"].isna().all()
    assert main(["label", deliver(product, frame.assign(**{str(COLUMNS.target): None}))]) == 4


def day_with_one_bad_row(product: TrialProduct) -> tuple[int, str, str]:
    """The number of rows, the key of the quarantined row, and the key of a scored and
    labelled row.
    """
    frame = a_day()
    bad, scored = frame[COLUMNS.key].iloc[0], frame[COLUMNS.key].iloc[7]
    frame.loc[frame[COLUMNS.key] == bad, COLUMNS.numeric[0]] = -1.0
    to_score(product, frame=frame)
    assert main(["score", "--day", str(DAY)]) == 0
    assert main(["label", deliver(product, frame)]) == 0
    return len(frame), bad, scored


def test_forget_erases_a_subject_from_all_files_and_the_database(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    count, bad, scored = day_with_one_bad_row(product)
    part = next((settings().var / "predictions" / "lane=batch" / f"day={DAY}").iterdir())
    shutil.copy(part, part.with_name("part-of-a-scoring-that-was-killed.parquet"))
    for key in (bad, scored):
        assert main(["forget", key, "--by", "Ada"]) == 0
    assert (
        "Erased 2 predictions, 1 labels and 0 quarantined rows; rewrote 3 Parquet files."
        in capsys.readouterr().out
    )
    assert Quarantine(settings().var / "quarantine").list() == ()
    for path in settings().var.rglob("*"):
        if path.is_file() and path.suffix == ".parquet" and "sample" not in path.parts:
            held = pd.read_parquet(path, partitioning=None).astype(str)
            assert not held.isin([bad, scored]).to_numpy().any(), path
    assert not in_log(DAY, DAY, streams=["batch", "shadow"])["key"].isin([bad, scored]).any()
    assert len(in_log(DAY, DAY)) == count - 2


def test_expire_deletes_predictions_older_than_keep_days(
    product: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "today", lambda: DAY)
    old = DAY - timedelta(days=product.read("config/scoring.yaml")["keep_days"])
    for day in (old, DAY):
        to_score(product, day)
        assert main(["score", "--day", str(day), "--no-shadow"]) == 0
    monkeypatch.setattr("mlproduct.tasks.labelling.today", lambda: DAY + timedelta(days=1))
    assert main(["expire"]) == 0
    assert in_log(old, old).empty
    assert len(in_log(DAY, DAY)) == 400
    assert [
        path.name for path in sorted((settings().var / "predictions" / "lane=batch").iterdir())
    ] == [f"day={DAY}"]


def test_sample_rows_of_a_day_can_be_scored_and_labelled(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", "--scoring", "--until", str(DAY), "--rows", "300"]) == 0
    assert main(["score", "--day", str(DAY), "--no-shadow"]) == 0
    assert main(["label", "--day", str(DAY + timedelta(days=7))]) == 0
    (covered,) = log().coverage(DAY, DAY)
    assert covered.share > 0.9


@pytest.mark.parametrize("option", [["--shuffle-labels"], ["--to", "elsewhere.parquet"]])
def test_sample_rows_for_scoring_accept_no_other_path_and_no_shuffled_labels(
    product: TrialProduct, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", "--scoring", "--until", str(DAY), *option]) == 2
    assert "leave them out" in capsys.readouterr().err
    assert not (product.root / "var" / "sample").exists()


def test_forget_continues_after_damaged_files_and_reports_them(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    _, bad, scored = day_with_one_bad_row(product)
    capsys.readouterr()
    var = settings().var
    part = next((var / "predictions" / "lane=batch" / f"day={DAY}").iterdir())
    content = part.read_bytes()
    part.write_bytes(content[:-100])
    spool = var / "service" / "spool"
    damaged = [part, spool / "1.json", var / "quarantine" / "run-0" / "d" / "rows.parquet"]
    for path in damaged[1:]:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"PAR1 no more")
    for key in (scored, bad):
        assert main(["forget", key, "--by", "Ada"]) == 1
        shown = capsys.readouterr()
        assert all(
            str(path.relative_to(var)) in shown.err
            for path in (damaged if key == scored else damaged[1:])
        )
        assert "it is erased from all other files and the database" in shown.err
        assert "restore" in shown.err
        assert "Traceback" not in shown.err
        assert "quarantined rows; rewrote" in shown.out
    assert Quarantine(var / "quarantine").forget(COLUMNS.key, bad).erased == 0
    assert not in_log(DAY, DAY, streams=["batch", "shadow"])["key"].isin([bad, scored]).any()
    shadow = next((var / "predictions" / "lane=shadow" / f"day={DAY}").iterdir())
    assert scored not in set(pd.read_parquet(shadow, partitioning=None)[COLUMNS.key])
    for path in damaged[1:]:
        path.unlink()
    part.write_bytes(
        content
    )  # restored from a backup, but the database no longer lists the subject in it
    assert main(["forget", scored, "--by", "Ada"]) == 0
    assert scored not in set(pd.read_parquet(part, partitioning=None)[COLUMNS.key])
