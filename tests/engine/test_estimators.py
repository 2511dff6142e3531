"""The engine's estimators follow the conventions of scikit-learn."""

import numpy as np
import pytest
from mlproduct import SoftmaxOfMargins, TextWeights
from mlproduct.registry.allowed_types import ALLOWED_TYPES, unreviewed
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


def test_the_weights_of_texts_are_the_same_from_a_model_file() -> None:
    import skops.io

    texts = ["my card", "my late parcel", "  two  spaces\n", "Grüße 東京"]
    made = TextWeights(analyzer="char_wb", ngram_range=(1, 3)).fit(texts)
    assert unreviewed(made) == ()
    loaded = skops.io.loads(skops.io.dumps(made), trusted=list(ALLOWED_TYPES))
    assert loaded.vocabulary_ == made.vocabulary_
    assert (loaded.transform(texts) != made.transform(texts)).nnz == 0
    unfitted = skops.io.loads(skops.io.dumps(TextWeights()), trusted=list(ALLOWED_TYPES))
    assert not hasattr(unfitted, "vocabulary_")
