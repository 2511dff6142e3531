"""Predictions of models, of rules and of doing nothing have the same form."""

import numpy as np
import pandas as pd
from mlproduct.problems import BinaryClassification, Predictions, Regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier

BINARY, REGRESSION = BinaryClassification(), Regression()

X = pd.DataFrame({"x": np.linspace(-2, 2, 40)})
Y = (X["x"] + np.sin(9 * X["x"]) > 0).astype(int)


def test_predict_decides_by_the_threshold_of_the_model() -> None:
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.2).fit(X, Y)
    predictions = BINARY.predict(model, X)
    assert predictions.decision.tolist() == model.predict(X).tolist()
    assert predictions.score is not None
    assert predictions.decision.sum() > (predictions.score >= 0.5).sum()


def test_predict_accepts_a_plain_classifier_and_a_regression() -> None:
    classifier = LogisticRegression().fit(X, Y)
    assert BINARY.predict(classifier, X).decision.tolist() == classifier.predict(X).tolist()
    predictions = REGRESSION.predict(LinearRegression().fit(X, X["x"]), X)
    assert predictions.score is None
    assert predictions.low is None
    np.testing.assert_allclose(predictions.decision, X["x"])


def test_predict_returns_the_intervals_of_a_model() -> None:
    class Model:
        def predict(self, rows: pd.DataFrame) -> pd.Series:
            return rows["x"]

        def predict_interval(self, rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
            return rows["x"] - 1, rows["x"] + 1

    predictions = REGRESSION.predict(Model(), X)
    assert predictions.low is not None
    assert predictions.high is not None
    np.testing.assert_allclose(predictions.high, predictions.low + 2)


def test_do_nothing_predicts_no_positives_or_the_median() -> None:
    no_positives = BINARY.do_nothing(np.array([0.0, 0, 0, 1]))(X)
    assert no_positives.decision.sum() == 0
    assert no_positives.score is not None
    assert set(no_positives.score) == {0.25}
    median = REGRESSION.do_nothing(np.array([1.0, 2, 90]))(X)
    assert set(median.decision) == {2.0}


def test_by_rule_decides_without_a_score() -> None:
    predictions = BINARY.by_rule(lambda rows: rows["x"] > 0)(X)
    assert predictions.decision.sum() == 20
    assert predictions.score is None


def test_same_as_compares_decisions_and_scores() -> None:
    one = Predictions(np.ones(2), np.ones(2))
    assert one.same_as(Predictions(np.ones(2), np.ones(2)))
    assert not one.same_as(Predictions(np.ones(2)))
    assert not one.same_as(Predictions(np.ones(2), np.zeros(2)))
