"""Accelerated models predict exactly what the model predicts, or are not used."""

from typing import Any

import numpy as np
import pytest
from mlproduct.data.validation import validate
from mlproduct.service import accelerate
from mlproduct.service.accelerate import ArrayRows, accelerated
from mlproduct.tables import Batch
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from trial_radar.candidates import CANDIDATES
from trial_radar.sample import sample
from trial_radar.schemas import Labelled

from ..team import PRODUCT

COLUMNS = PRODUCT.columns
FEATURES = list(COLUMNS.features)


@pytest.fixture(scope="module")
def rows() -> Any:
    return validate([Batch(sample(rows=2_000, seed=3), "sample", 0)], Labelled, limit=1.0).rows


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_an_accelerated_candidate_predicts_what_its_model_predicts(
    candidate: Any, rows: Any
) -> None:
    model = candidate.build(COLUMNS, 7).fit(rows[FEATURES], rows[COLUMNS.target])
    fast = accelerated(model, rows, COLUMNS)
    if candidate.name == "dummy":
        assert fast is None
        return
    assert fast is not None, "the candidate was not accelerated"
    others = validate([Batch(sample(rows=1_000, seed=4), "others", 0)], Labelled, limit=1.0).rows[
        FEATURES
    ]
    for part in (others, others.head(1), others.head(7)):
        assert COLUMNS.of_target.predict(model, part).same_as(
            COLUMNS.of_target.predict(fast, ArrayRows.of(part))
        )


def test_an_accelerated_model_with_other_predictions_is_not_used(
    rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CANDIDATES[0].build(COLUMNS, 7).fit(rows[FEATURES], rows[COLUMNS.target])
    right = accelerate._Texts.transform
    monkeypatch.setattr(
        accelerate._Texts, "transform", lambda self, light: np.flip(right(self, light), axis=1)
    )
    assert accelerated(model, rows, COLUMNS) is None


def test_a_model_of_another_structure_is_accelerated_exactly_or_not_at_all(rows: Any) -> None:
    only_numbers = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="float"))
    )
    model = make_pipeline(only_numbers, Ridge())
    model.fit(rows[FEATURES].fillna(0), rows[COLUMNS.target])
    fast = accelerated(model, rows.fillna(0), COLUMNS)
    if fast is not None:
        numbers = rows[FEATURES].fillna(0)
        assert COLUMNS.of_target.predict(model, numbers).same_as(
            COLUMNS.of_target.predict(fast, ArrayRows.of(numbers))
        )
