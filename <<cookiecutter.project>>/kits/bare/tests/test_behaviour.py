"""The predictions depend on what must matter, and not on what must not, whatever the score.

The candidates are fitted to rows that are generated from schemas.py. Add what you know about your
own data: which value has to raise a prediction, which one must not change it. The idea is from M.
T. Ribeiro, T. Wu, C. Guestrin, S. Singh (2020), Beyond accuracy: behavioral testing of NLP models
with CheckList, ACL.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from mlproduct import Product
from mlproduct.testing import trial_rows, validated

Predicted = Callable[[pd.DataFrame], np.ndarray]


@pytest.fixture(scope="module")
def rows(product: Product) -> pd.DataFrame:
    """Generated rows that pass the schema."""
    return validated(product, trial_rows(product, rows=1500)).rows


@pytest.fixture(scope="module", params=[0, 1], ids=["first candidate", "second candidate"])
def predicted(request: pytest.FixtureRequest, product: Product, rows: pd.DataFrame) -> Predicted:
    """What a candidate, fitted on ``rows``, predicts for each row: a probability or a number."""
    columns = product.columns
    problem = columns.of_target
    model = product.candidates[request.param].build(columns, 0)
    model.fit(rows[list(columns.inputs)], columns.encoded_target(rows))

    def predict(table: pd.DataFrame) -> np.ndarray:
        found = problem.out_of_fold(model, table[list(columns.inputs)])
        return np.asarray(found, dtype=float)

    return predict


def test_a_prediction_does_not_depend_on_the_key(
    predicted: Predicted, product: Product, rows: pd.DataFrame
) -> None:
    key = product.columns.key
    others = rows.assign(**{key: rows[key].to_numpy()[::-1]})
    assert np.array_equal(predicted(rows), predicted(others))


def test_a_prediction_does_not_depend_on_the_order_of_the_rows(
    predicted: Predicted, rows: pd.DataFrame
) -> None:
    backwards = rows.iloc[::-1].reset_index(drop=True)
    assert np.allclose(predicted(rows), predicted(backwards)[::-1], atol=1e-6)


def test_unknown_and_missing_values_have_a_prediction(
    predicted: Predicted, product: Product, rows: pd.DataFrame
) -> None:
    columns = product.columns
    listed = [name for name in columns.categorical if rows[name].dtype == "str"]
    odd = rows.head(20).assign(**dict.fromkeys(listed, "a value that never occurred"))
    odd = odd.assign(**{name: np.nan for name in columns.numeric if odd[name].dtype == "float64"})
    assert np.isfinite(predicted(odd)).all()


def test_the_rule_has_an_answer_for_every_row(product: Product, rows: pd.DataFrame) -> None:
    decided = product.columns.of_target.by_rule(product.rule)
    found = decided(rows[list(product.columns.inputs)]).decision
    assert found.shape == (len(rows),)
    assert np.isfinite(found).all()
