"""A schema without a time column: one subject scored and labelled on several days, with the real
flows.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from mlproduct.problems import BinaryClassification
from mlproduct.tasks.logged_rows import labelled, logbook
from mlproduct.testing import TrialProduct
from trial_radar.schemas import Features, Labelled

from ..products import COLUMNS, DAY, a_day, in_log, settings, to_score
from ..team import PRODUCT, main

NEXT = DAY + timedelta(days=1)
KEY, TARGET = COLUMNS.key, str(COLUMNS.target)


@pytest.fixture
def product(product: TrialProduct, monkeypatch: pytest.MonkeyPatch) -> TrialProduct:
    """The released product with a schema that has no time column."""

    def without_time_column(schema: Any) -> Any:
        class WithoutTimeColumn(schema):
            @classmethod
            def to_schema(cls) -> Any:
                return schema.to_schema().remove_columns([COLUMNS.time])

        return WithoutTimeColumn

    without_time = replace(
        PRODUCT, features=without_time_column(Features), labelled=without_time_column(Labelled)
    )
    for module in ("product", "flows"):
        monkeypatch.setattr(f"trial_radar.{module}.product", without_time)
    monkeypatch.setattr(f"{__name__}.PRODUCT", without_time)
    return product


def score(product: TrialProduct, frame: pd.DataFrame) -> None:
    for day in (DAY, NEXT):
        to_score(product, day, frame)
        assert main(["score", "--day", str(day)]) == 0


def deliver(product: TrialProduct, frame: pd.DataFrame, **more: Any) -> str:
    return product.save(frame[[KEY, TARGET]].assign(**more), "labels.parquet")


def day_column(product: TrialProduct, name: str) -> None:
    written = product.read("config/scoring.yaml")
    product.write(
        "config/scoring.yaml", {**written, "labels": written["labels"] | {"day_column": name}}
    )


def with_other_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows with other target values."""
    binary = isinstance(COLUMNS.of_target, BinaryClassification)
    return frame.assign(**{TARGET: 1 - frame[TARGET] if binary else frame[TARGET] + 1})


def test_labels_with_a_day_column_match_the_predictions_of_their_day(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    day_column(product, "scored_on")
    frame = a_day(count=100)
    score(product, frame)
    for day, delivered in ((DAY, frame), (NEXT, with_other_labels(frame))):
        assert main(["label", deliver(product, delivered, scored_on=str(day))]) == 0
        assert "100 rows: 100 new" in capsys.readouterr().out
    for day, delivered in ((DAY, frame), (NEXT, with_other_labels(frame))):
        for found in (in_log(day, day), in_log(day, day, ["shadow"])):
            shown = found.set_index("key")["outcome"].sort_index()
            assert (
                shown.tolist()
                == delivered.set_index(KEY)[TARGET].sort_index().astype(float).tolist()
            )
        assert len(labelled(logbook(PRODUCT, settings()), [day])) == 100
    assert len(labelled(logbook(PRODUCT, settings()), [DAY, NEXT])) == 200
    assert main(["doctor"]) in (0, 2)
    assert "labels" in (output := capsys.readouterr().out)
    assert f"matched by {KEY} and scored_on" in output


def test_labels_without_a_day_are_refused_when_a_key_has_predictions_on_several_days(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = a_day(count=100)
    to_score(product, DAY, frame)
    assert main(["score", "--day", str(DAY)]) == 0
    main(["doctor"])
    assert f"matched by {KEY} alone" in capsys.readouterr().out
    assert main(["label", deliver(product, frame)]) == 0
    score(product, frame)
    main(["doctor"])
    assert "100 keys have predictions on more than one day" in capsys.readouterr().out
    assert main(["label", deliver(product, with_other_labels(frame))]) == 4
    refusal = capsys.readouterr().err
    assert "100 of 100 labels" in refusal
    assert "day_column" in refusal
    assert in_log(DAY, DAY).set_index("key")["outcome"].sort_index().tolist() == (
        frame.set_index(KEY)[TARGET].sort_index().astype(float).tolist()
    )
    assert in_log(NEXT, NEXT)["outcome"].isna().all()


def test_a_missing_or_conflicting_day_column_is_refused(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = a_day(count=100)
    score(product, frame)
    day_column(product, "scored_on")
    assert main(["label", deliver(product, frame)]) == 4
    assert "scored_on" in capsys.readouterr().err
    day_column(product, TARGET)
    assert main(["label", deliver(product, frame)]) == 2
    assert f"labels.day_column is {TARGET}" in capsys.readouterr().err
