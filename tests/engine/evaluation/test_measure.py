"""The measurements of a challenger and of the data, and the problems of those that fail."""

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import EvaluationBudget as Settings
from mlproduct.data.columns import Columns
from mlproduct.evaluation.measure import Baseline, Challenger, evaluate, measure_data
from mlproduct.gate.criteria import Criteria, Criterion, Measurement, Owner, Value
from mlproduct.problems import BinaryClassification, Metric, Predictions

PROBLEM = BinaryClassification()
COLUMNS = Columns(
    "k",
    None,
    None,
    "y",
    PROBLEM,
    ("x",),
    ("region",),
    (),
    (),
    {"region": ("n", "s", "void")},
)
ROWS = 600


def table(rows: int = ROWS, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    y = (random.random(rows) < 1 / (1 + np.exp(-2 * x))).astype(int)
    region = np.where(random.random(rows) < 0.5, "n", "s")
    return pd.DataFrame({"k": np.arange(rows).astype(str), "region": region, "x": x, "y": y})


class Model:
    """A classifier with fixed coefficients, which needs no training."""

    def __init__(self, slope: float = 2.0) -> None:
        self.slope = slope

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        chance = 1 / (1 + np.exp(-self.slope * rows["x"].to_numpy()))
        return np.c_[1 - chance, chance]

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return (self.predict_proba(rows)[:, 1] > 0.4).astype(int)


def criterion(name: str = "c", **given: Any) -> Criterion:
    return Criterion(id=name, says="says", why="why", **given)


def measurements(
    *criteria: Criterion,
    model: Any = None,
    holdout: pd.DataFrame | None = None,
    baselines: Any = None,
    seen: Any = (),
    value: Value | None = None,
) -> list[Measurement]:
    holdout = table() if holdout is None else holdout
    file = Criteria(
        decision="d",
        owner=Owner(name="n", contact="c"),
        review_by=date(2030, 1, 1),
        primary="recall",
        value=value,
        criteria=criteria or (criterion(metric="recall", at_least=0.5),),
    )
    return list(
        evaluate(
            Challenger(model or Model(), np.array(seen, dtype=np.uint64), 2_000_000, 3.5),
            baselines or {},
            table(seed=9),
            holdout,
            np.arange(len(holdout), dtype=np.uint64),
            columns=COLUMNS,
            criteria=file,
            settings=Settings(resamples=200),
            seed=1,
        ).measurements
    )


def measurement_of(found: list[Measurement], metric: str, **at: Any) -> Any:
    at = {"by": None, "slice": None, "versus": None, "other": None, **at}
    return next(
        m for m in found if m.metric == metric and all(getattr(m, k) == v for k, v in at.items())
    )


def test_the_same_seed_results_in_the_same_measurements() -> None:
    speed = {"latency_p50_ms", "latency_p95_ms", "rows_per_second"}
    one, two = ([m for m in measurements() if m.metric not in speed] for _ in range(2))
    assert one == two
    assert measurement_of(one, "model_megabytes").value == 2
    assert measurement_of(one, "training_seconds").value == 3.5


def test_a_value_does_not_depend_on_the_order_of_the_rows() -> None:
    shuffled = table().sample(frac=1, random_state=3)
    for metric in ("recall", "roc_auc", "brier"):
        assert measurement_of(measurements(), metric).value == pytest.approx(
            measurement_of(measurements(holdout=shuffled), metric).value
        )


def test_the_difference_to_an_identical_champion_is_exactly_zero() -> None:
    champion = Baseline(lambda rows: PROBLEM.predict(Model(), rows), np.array([], dtype=np.uint64))
    found = measurements(baselines={"champion": champion})
    difference = measurement_of(found, "roc_auc", versus="champion")
    assert (difference.value, difference.interval.low, difference.interval.high) == (0, 0, 0)


def test_a_champion_is_compared_on_rows_that_it_was_not_trained_on() -> None:
    def champion(seen: int) -> dict:
        return {
            "champion": Baseline(
                lambda rows: PROBLEM.predict(Model(-1), rows), np.arange(seen, dtype=np.uint64)
            )
        }

    some = measurement_of(measurements(baselines=champion(400)), "recall", versus="champion")
    assert some.rows == ROWS - 400
    assert "compared on 200 of 600 rows" in some.note
    assert (
        measurement_of(measurements(baselines=champion(ROWS)), "recall", versus="champion").support
        == 0
    )


def test_holdout_rows_that_the_challenger_was_trained_on_are_counted() -> None:
    found = measurement_of(measurements(seen=range(590, 700)), "holdout_rows_trained_on")
    assert (found.value, found.support, found.problem) == (10, None, None)


def test_every_slice_is_measured_with_an_interval_for_each_error_level() -> None:
    holdout = table()
    holdout.loc[:49, "region"] = None
    found = measurements(
        criterion("a", metric="recall", by="region", at_least=0.5),
        criterion("b", metric="recall", by="region", gap_at_most=0.2, leaving_out=("void",)),
        holdout=holdout,
    )
    slices = [m for m in found if m.by and m.other is None]
    assert {m.slice for m in slices} == {"n", "s", "void", "(missing)"}
    assert sum(m.rows for m in slices) == ROWS
    assert measurement_of(found, "recall", by="region", slice="void").support == 0
    assert len(measurement_of(found, "recall", by="region", slice="n").intervals) == 4
    pair = measurement_of(found, "recall", by="region", slice="n", other="s")
    assert len(pair.intervals) == 3
    assert pair.interval.low < pair.value < pair.interval.high


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metric": "recall", "by": "regoin", "at_least": 0}, "did you mean 'region'"),
        ({"metric": "recall", "by": "regoin", "gap_at_most": 0}, "did you mean 'region'"),
        ({"metric": "recall", "by": "x", "at_least": 0}, "at most 200"),
        (
            {"metric": "latency_p95_ms", "by": "region", "at_most": 0},
            "is measured as a whole",
        ),
        ({"metric": "recal", "at_least": 0}, "did you mean 'recall'"),
        ({"metric": "mae", "at_least": 0}, "not a metric of classification"),
        ({"metric": "value_per_1000", "at_least": 0}, "the value of the outcomes"),
        ({"metric": "recall", "versus": "rule", "at_least": 0}, "there is no rule"),
        (
            {"metric": "recal", "versus": "champion", "at_least": 0, "if_none": "met"},
            "did you mean 'recall'",
        ),
    ],
)
def test_a_criterion_that_cannot_be_measured_results_in_a_problem(
    fields: dict, message: str
) -> None:
    found = measurements(criterion(**fields))
    place = (fields["metric"], fields.get("by"), fields.get("versus"))
    problems = [m for m in found if (m.metric, m.by, m.versus) == place]
    assert [message in str(m.problem) for m in problems] == [True]
    assert (problems[0].other is not None) == ("gap_at_most" in fields)


def test_a_comparison_with_a_missing_champion_is_not_measured() -> None:
    found = measurements(criterion(metric="recall", versus="champion", at_least=0))
    assert not [m for m in found if m.versus == "champion"]


def test_an_exception_in_one_metric_does_not_affect_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> np.ndarray:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setitem(
        BinaryClassification.metrics, "f1", Metric("f1", "higher", "", combine=broken)
    )
    found = measurements()
    assert measurement_of(found, "f1").problem == "ZeroDivisionError: by zero"
    assert measurement_of(found, "recall").problem is None


def test_scores_that_are_not_numbers_are_a_problem() -> None:
    class Missing(Model):
        def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
            return np.full((len(rows), 2), np.nan)

    assert (
        "600 of 600 scores are not numbers"
        in measurement_of(measurements(model=Missing()), "roc_auc").problem
    )


def test_a_champion_that_cannot_predict_is_a_problem_of_each_comparison_with_it() -> None:
    def fails(rows: pd.DataFrame) -> Predictions:
        raise KeyError("tenure")

    found = measurements(baselines={"champion": Baseline(fails)})
    assert (
        measurement_of(found, "recall", versus="champion").problem
        == "champion cannot predict: KeyError: 'tenure'"
    )
    assert measurement_of(found, "recall").problem is None


def test_a_holdout_without_rows_results_in_measurements_without_support() -> None:
    found = measurements(
        holdout=table(0),
        baselines={"do_nothing": Baseline(PROBLEM.do_nothing(table()["y"].to_numpy(float)))},
    )
    assert measurement_of(found, "recall").support == 0
    assert measurement_of(found, "latency_p95_ms").problem == "there are no rows to predict"


def test_the_challenger_is_compared_with_the_rule_and_with_doing_nothing() -> None:
    baselines = {
        "do_nothing": Baseline(PROBLEM.do_nothing(table()["y"].to_numpy(float))),
        "rule": Baseline(PROBLEM.by_rule(lambda rows: rows["x"] > 1)),
    }
    found = measurements(
        baselines=baselines, value=Value(currency="EUR", true_positive=10, false_positive=-1)
    )
    assert (
        measurement_of(found, "value_per_1000", versus="do_nothing").value
        == measurement_of(found, "value_per_1000").value
    )
    assert measurement_of(found, "recall", versus="rule").interval.low > 0
    assert not [m for m in found if m.metric == "roc_auc" and m.versus == "rule"]


def test_measure_data_measures_rows_rejections_age_and_leaking_features() -> None:
    today = date(2026, 11, 24)
    found = measure_data(
        rows=10,
        rejected_share=0.1,
        newest=datetime(2026, 11, 20),
        leaking=("x",),
        doubtful=("y", "z"),
        today=today,
    )
    assert {m.metric: m.value for m in found} == {
        "rows": 10,
        "rejected_share": 0.1,
        "age_days": 4,
        "leaking_features": 1,
        "doubtful_features": 2,
    }
    assert measurement_of(list(found), "doubtful_features").note == "y, z"
    for newest, problem in (
        (datetime(2027, 1, 1), "after 2026-11-24"),
        (None, "no row has a time"),
    ):
        of_age = measure_data(
            rows=1, rejected_share=0, newest=newest, leaking=(), doubtful=(), today=today
        )
        assert problem in measurement_of(list(of_age), "age_days").problem
