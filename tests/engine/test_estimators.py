"""The engine's estimators follow the conventions of scikit-learn."""

import numpy as np
import pytest
from mlproduct import SoftmaxOfMargins
from sklearn.datasets import make_classification
from sklearn.svm import LinearSVC


def test_the_softmax_of_margins_keeps_the_class_with_the_largest_margin() -> None:
    inputs, classes = make_classification(300, n_informative=6, n_classes=4, random_state=7)
    model = SoftmaxOfMargins(LinearSVC(random_state=7)).fit(inputs, classes)
    scores = model.predict_proba(inputs)
    assert scores.shape == (300, 4)
    assert np.allclose(scores.sum(axis=1), 1)
    assert np.array_equal(model.classes_[scores.argmax(axis=1)], model.predict(inputs))


def test_the_softmax_of_margins_refuses_two_classes() -> None:
    with pytest.raises(ValueError, match="2 classes – expected at least 3"):
        SoftmaxOfMargins(LinearSVC()).fit([[0.0], [1.0]], [0, 1])
