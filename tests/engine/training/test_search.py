"""The search stays within its budget, is reproducible and never reads the holdout."""

import itertools
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import Search
from mlproduct.data.columns import Columns
from mlproduct.data.split_policies import POLICIES
from mlproduct.errors import ConfigError, InvalidData, ProductError
from mlproduct.estimators import calibrated_scores
from mlproduct.gate.criteria import Value
from mlproduct.problems import BinaryClassification, OutOfFold, Predictions
from mlproduct.problems.calibration import calibration
from mlproduct.problems.prediction_intervals import conformal_half_width
from mlproduct.product import Candidate
from mlproduct.training.preprocess import preprocess
from mlproduct.training.search import Found, search
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info, threadpool_limits

from ..data.small_tables import columns, table

VALUE = Value(currency="EUR", true_positive=10, false_positive=-2)


def linear(columns: Columns, seed: int) -> Any:
    return make_pipeline(preprocess(columns), LogisticRegression())


def dummy(columns: Columns, seed: int) -> Any:
    return DummyClassifier()


class Breaks(ClassifierMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> None:
        raise RuntimeError("no luck")


LINEAR = Candidate("linear", "a sum", linear, {"logisticregression__C": loguniform(0.01, 10)})
DUMMY = Candidate("dummy", "the same for every row", dummy)
BROKEN = Candidate("broken", "breaks", lambda columns, seed: Breaks())
RIDGE = Candidate(
    "ridge", "a sum", lambda columns, seed: make_pipeline(preprocess(columns), Ridge())
)


def found(
    *candidates: Candidate,
    task: str = "classification",
    rows: pd.DataFrame | None = None,
    by: Literal["time", "group", "hash"] = "hash",
    **more: Any,
) -> Found:
    budget = Search(**{"trials": 4, "workers": 1, "seed": 3, **more.pop("budget", {})})
    primary = "value_per_1000" if task == "classification" else "mae"
    goal = columns(task).of_target.objective(primary, VALUE)
    training = table(task=task) if rows is None else rows
    return search(
        training, columns(task), candidates or (LINEAR, DUMMY), goal, budget, by=by, **more
    )


@pytest.mark.parametrize("by", ["time", "group", "hash"])
def test_the_search_finds_the_same_model_with_any_number_of_workers(by: Any) -> None:
    one, two = (found(by=by, budget={"workers": workers}) for workers in (1, 2))
    rows = table(seed=5)[["a", "b", "c"]]
    assert [(t.candidate, t.params, t.score) for t in one.trials] == [
        (t.candidate, t.params, t.score) for t in two.trials
    ]
    assert np.array_equal(one.model.predict_proba(rows), two.model.predict_proba(rows))


def test_each_candidate_is_tried_with_its_defaults_first_and_then_with_varied_parameters() -> None:
    trials = found(budget={"trials": 5}).trials
    assert [trial.candidate for trial in trials] == [
        "linear",
        "dummy",
        "linear",
        "linear",
        "linear",
    ]
    assert [bool(trial.params) for trial in trials] == [False, False, True, True, True]


def test_the_best_candidate_is_ranked_first() -> None:
    result = found(DUMMY, LINEAR)
    assert result.candidate == "linear" == result.ranked[0].candidate
    assert result.ranked[-1].candidate == "dummy"


def test_the_earlier_of_two_equal_trials_is_ranked_first() -> None:
    assert found(DUMMY, Candidate("copy", "the same", dummy)).ranked[0].number == 0


def test_a_candidate_is_fitted_only_on_training_rows_and_features() -> None:
    seen: list[pd.DataFrame] = []

    class Spy(DummyClassifier):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            seen.append(X)
            return super().fit(X, y)

    training = table(rows=200)
    found(Candidate("spy", "records its rows", lambda columns, seed: Spy()), rows=training)
    assert seen
    assert all(
        set(rows["a"]) <= set(training["a"]) and list(rows.columns) == ["a", "b", "c"]
        for rows in seen
    )


def test_a_trial_that_fails_is_ranked_last_and_the_search_continues() -> None:
    result = found(BROKEN, LINEAR)
    assert result.candidate == "linear"
    assert result.ranked[-1].problem == "RuntimeError: no luck"


def test_the_search_reports_the_reasons_when_every_trial_fails() -> None:
    with pytest.raises(ProductError, match="broken: RuntimeError: no luck"):
        found(BROKEN)


def test_an_unknown_candidate_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no candidate 'linaer'"):
        found(budget={"candidates": ("linaer",)})


def test_the_time_limit_stops_the_search_after_at_least_one_trial() -> None:
    ticks: Iterator[int] = itertools.count(0, 100)
    result = found(budget={"trials": 4, "seconds": 1}, clock=lambda: float(next(ticks)))
    assert (len(result.trials), result.stopped_early) == (1, True)
    assert not found().stopped_early


@pytest.mark.parametrize("workers", [1, 2])
def test_a_network_with_fewer_rows_than_its_batch_causes_no_warning(workers: int) -> None:
    network = Candidate(
        "network",
        "two units",
        lambda columns, seed: make_pipeline(preprocess(columns), small_network()),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found(network, rows=table(120), budget={"trials": 1, "workers": workers})
    assert [str(each.message) for each in caught if "batch_size" in str(each.message)] == []


def small_network() -> MLPClassifier:
    return MLPClassifier((2,), batch_size=512, max_iter=400, tol=1e-2, random_state=0)


def test_progress_is_called_for_every_finished_trial() -> None:
    trials: list[int] = []
    found(progress=lambda trial: trials.append(trial.number))
    assert sorted(trials) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "log_loss", "brier"])
def test_a_metric_of_scores_is_compared_itself_and_in_its_own_direction(name: str) -> None:
    y = np.repeat([0.0, 1.0], 200)
    random = np.random.default_rng(3)
    good, bad = (
        np.clip(0.5 + 0.3 * (y - 0.5) + noise, 0.01, 0.99)
        for noise in (random.normal(0, 0.1, 400), random.normal(0, 0.4, 400))
    )
    problem = BinaryClassification()
    objective = problem.objective(name, None)
    scores = [problem.trial_score(OutOfFold(y, score), objective) for score in (good, bad)]
    expected = [objective.score(y, Predictions((s >= 0.5) * 1.0, s)) for s in (good, bad)]
    assert scores == pytest.approx(expected)
    assert objective.better(*scores)


def test_the_threshold_optimises_the_primary_metric_and_is_part_of_the_model() -> None:
    result, rows = found(LINEAR), table(rows=2000, seed=9)
    probability = result.model.predict_proba(rows[["a", "b", "c"]])[:, 1]
    decided = result.model.predict(rows[["a", "b", "c"]])
    assert np.array_equal(decided, (probability >= result.threshold).astype(float))

    def worth(decisions: np.ndarray) -> float:
        return float(((decisions == 1) * np.where(rows["y"] == 1, 10, -2)).sum())

    assert worth(decided) > worth((probability >= 0.5).astype(float))


def test_overconfident_probabilities_are_calibrated_and_honest_ones_are_not() -> None:
    random = np.random.default_rng(2)
    honest = random.uniform(0.05, 0.95, 4000)
    y = (random.uniform(size=4000) < honest).astype(float)
    odds = np.log(honest / (1 - honest))
    assert calibration(y, honest, 0) == ("none", None)
    sure = 1 / (1 + np.exp(-3 * odds))
    method, curve = calibration(y, sure, 0)
    assert method == "sigmoid"
    assert np.abs(calibrated_scores(curve, sure) - honest).mean() < 0.02


def test_probabilities_are_not_calibrated_with_too_few_positives() -> None:
    y = np.r_[np.ones(29), np.zeros(300)]
    assert calibration(y, np.where(y == 1, 0.999, 0.5), 0) == ("none", None)


def test_an_overconfident_candidate_is_calibrated() -> None:
    rows = table(rows=1500)
    rows["b"] = rows["a"] + 0.01 * rows["b"].fillna(0)  # naive Bayes counts the same evidence twice
    sure = Candidate(
        "bayes",
        "overconfident",
        lambda columns, seed: make_pipeline(preprocess(columns), GaussianNB()),
    )
    result, new = found(sure, rows=rows), table(rows=5000, seed=9)
    new["b"] = new["a"]
    probability = result.model.predict_proba(new[["a", "b", "c"]])[:, 1]
    bare = (
        sure.build(columns(), 3)
        .fit(rows[["a", "b", "c"]], rows["y"])
        .predict_proba(new[["a", "b", "c"]])[:, 1]
    )
    assert result.calibration == "sigmoid"
    assert log_loss(new["y"], probability) < 0.95 * log_loss(new["y"], bare)
    assert log_loss(new["y"], probability) < 1.01 * log_loss(
        new["y"], calibrated_scores(calibration(new["y"], bare, 0)[1], bare)
    )


def test_prediction_intervals_contain_nine_of_ten_new_rows() -> None:
    result, rows = found(RIDGE, task="regression"), table(rows=4000, task="regression", seed=8)
    low, high = result.model.predict_interval(rows[["a", "b", "c"]])
    assert 0.87 < np.mean((low <= rows["y"]) & (rows["y"] <= high)) < 0.94
    assert result.threshold is None


def test_the_half_width_uses_the_conformal_rank() -> None:
    assert conformal_half_width(
        np.array([1.1, 1.2, 1.3, 1.4]), np.ones(4), level=0.6
    ) == pytest.approx((0.3, False))


def test_the_half_width_is_relative_when_errors_grow_with_the_prediction() -> None:
    random = np.random.default_rng(4)
    price = np.exp(random.normal(size=2000))
    assert conformal_half_width(price * random.uniform(0.9, 1.1, 2000), price)[1]
    around_nothing = random.normal(size=2000)
    assert not conformal_half_width(
        around_nothing + random.uniform(-0.1, 0.1, 2000), around_nothing
    )[1]
    assert conformal_half_width(np.ones(100), np.zeros(100)) == (1.0, False)


def test_folds_by_time_fit_only_on_earlier_rows() -> None:
    rows = table()
    cuts = POLICIES["time"].folds(rows, columns(), 3, 0)
    at = rows["at"].to_numpy()[cuts.order]
    assert all(at[fitted].max() <= at[left].min() for fitted, left in cuts.cuts)
    assert list(cuts.left_out) == list(range(len(rows) // 4, len(rows)))


def test_folds_keep_groups_and_repeated_keys_together() -> None:
    rows = table()
    rows["id"] = [f"k{number % 100}" for number in range(len(rows))]
    for by, name in (("group", "family"), ("hash", "id")):
        for fitted, left in POLICIES[by].folds(rows, columns(), 3, 0).cuts:
            assert not set(rows[name].iloc[fitted]) & set(rows[name].iloc[left])


def test_rows_without_a_group_stay_together() -> None:
    rows = table()
    rows["family"] = rows["family"].where(rows["family"] > 3)
    for fitted, left in POLICIES["group"].folds(rows, columns(), 3, 0).cuts:
        assert len({rows["family"].iloc[part].isna().any() for part in (fitted, left)}) == 2


@pytest.mark.parametrize(
    ("by", "rows"), [("group", table().assign(family=1)), ("hash", table(2)), ("time", table(3))]
)
def test_too_few_rows_for_the_folds_are_reported_with_the_numbers(
    by: str, rows: pd.DataFrame
) -> None:
    with pytest.raises(InvalidData, match=r"has \d .*expected \d for search.folds"):
        POLICIES[by].folds(rows, columns(), 3, 0)


def test_a_constant_target_is_refused_before_the_first_trial() -> None:
    with pytest.raises(InvalidData, match="y is 0 in all 600 training rows"):
        found(rows=table().assign(y=0))


def test_a_model_that_predicts_nan_for_some_rows_is_ranked_last() -> None:
    class SkipsHardRows(Ridge):
        def predict(self, X: Any) -> Any:
            sure = super().predict(X)
            return np.where(np.abs(sure - 5) > 0.5, np.nan, sure)

    skips_hard_rows = Candidate(
        "skips_hard_rows",
        "",
        lambda columns, seed: make_pipeline(preprocess(columns), SkipsHardRows()),
    )
    result = found(skips_hard_rows, RIDGE, task="regression")
    assert result.candidate == "ridge"
    assert "predictions are not numbers" in str(result.ranked[-1].problem)


def test_every_trial_uses_one_thread() -> None:
    inside: list[int] = []

    class Counts(DummyClassifier):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            if threading.current_thread() is not threading.main_thread():
                inside.extend(
                    pool["num_threads"]
                    for pool in threadpool_info()
                    if pool["user_api"] == "openmp"
                )
            return super().fit(X, y)

    counts = Candidate(
        "counts",
        "",
        lambda columns, seed: Counts(),
        {"strategy": ["prior", "uniform", "stratified"]},
    )
    with threadpool_limits(2):
        found(counts, budget={"workers": 2, "trials": 3})
    assert set(inside) == {1}


@pytest.mark.parametrize("texts", ["one-hot", "ordinal"])
def test_preprocess_accepts_unseen_and_missing_values(texts: Any) -> None:
    rows = table()[["a", "b", "c"]]
    fitted = preprocess(columns(), texts=texts).fit(rows)
    odd = pd.DataFrame(
        {"a": [0.0, np.nan], "b": [np.nan, 1.0], "c": pd.Series(["never seen", None], dtype="str")}
    )
    assert np.asarray(fitted.transform(odd)).shape[0] == 2
