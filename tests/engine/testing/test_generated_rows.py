"""Generated rows have a feature of every kind, and the target depends on each of them."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct import Product
from mlproduct.testing.generated_rows import generated_rows
from sklearn.feature_extraction.text import CountVectorizer

from .. import all_kinds
from ..team import PRODUCT


@pytest.fixture
def product() -> Product:
    binary = PRODUCT.problem == all_kinds.PROBLEMS["binary"]
    labelled: Any = all_kinds.Labelled if binary else all_kinds.Priced
    return replace(PRODUCT, features=all_kinds.Features, labelled=labelled, sample=None)


def test_the_rows_pass_the_schema_and_the_target_depends_on_dates_and_texts(
    product: Product,
) -> None:
    rows = generated_rows(product, 2_000, until=date(2026, 11, 2))
    assert len(rows) == 2_000
    days = (rows["at"] - rows["joined"]) / pd.Timedelta(days=1)
    assert days.between(0, 540).all()
    counts = CountVectorizer().fit_transform(rows["note"])
    share = counts[:, 0].toarray()[:, 0] / counts.sum(axis=1).A1
    target = rows[str(product.columns.target)]
    for number in (days, share):
        assert np.corrcoef(number, target)[0, 1] > 0.1


def test_the_rows_are_the_same_for_the_same_seed(product: Product) -> None:
    first, second = (generated_rows(product, 50, until=date(2026, 11, 2)) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
