"""Generated rows have features of every kind, and the target depends on each of them.

The arguments change what they name.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct import MulticlassClassification, Product
from mlproduct.data.generated_rows import changing_column, generated_rows, generated_sample
from mlproduct.testing import validated
from pandera.typing import Series
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


UNTIL = date(2026, 11, 2)
FEATURE = {"role": "feature"}


class Plain(pa.DataFrameModel):
    """Whole numbers, a number with a list, no time, and three classes."""

    id: Series[int] = pa.Field(metadata={"role": "key"})
    stars: Series[int] = pa.Field(isin=[1, 2, 3], metadata=FEATURE)
    visits: Series[int] = pa.Field(ge=0, le=40, metadata=FEATURE)
    weight: Series[float] = pa.Field(metadata=FEATURE)


class PlainLabelled(Plain):
    """The same with the target."""

    size: Series[str] = pa.Field(isin=["s", "m", "l"], metadata={"role": "target"})


class Listed(pa.DataFrameModel):
    """No number without a list of values."""

    id: Series[int] = pa.Field(metadata={"role": "key"})
    stars: Series[int] = pa.Field(isin=[1, 2, 3], metadata=FEATURE)
    size: Series[str] = pa.Field(isin=["s", "m", "l"], metadata={"role": "target"})


@pytest.fixture
def plain(product: Product) -> Product:
    return replace(
        product, problem=MulticlassClassification(), features=Plain, labelled=PlainLabelled
    )


@pytest.fixture(params=["all kinds", "plain"])
def any_product(request: pytest.FixtureRequest, product: Product, plain: Product) -> Product:
    return product if request.param == "all kinds" else plain


def test_the_dirty_share_of_the_rows_is_rejected_for_several_reasons(any_product: Product) -> None:
    table = generated_sample(any_product, 2_000, until=UNTIL, dirty=0.03)
    found = validated(any_product, table)
    assert len(table) == 2_000
    assert len(found.rejected.rows) == 60
    assert found.rejected.failures["reason"].nunique() == 3
    assert len(validated(any_product, generated_sample(any_product, 200, dirty=0.0)).rows) == 200


def test_a_change_moves_the_first_free_number_to_new_values_of_the_later_rows(
    any_product: Product, product: Product
) -> None:
    since = date(2026, 10, 5)
    knobs: dict[str, Any] = {"until": UNTIL, "dirty": 0.0, "span": 100}
    before, after = (
        generated_sample(any_product, 1_000, changed_since=day, **knobs) for day in (None, since)
    )
    changed = set(before.compare(after).columns.get_level_values(0))
    column = "price" if any_product is product else "visits"
    assert changed == {column} == {changing_column(any_product)}
    later = before[column] != after[column]
    assert 200 < later.sum() < 400
    assert after[column][later].min() >= before[column].max() - 1  # the range is 40 whole numbers
    if any_product is product:
        assert after["at"][later].min() == pd.Timestamp(since)


def test_with_drift_the_numbers_of_later_rows_are_higher(any_product: Product) -> None:
    def shift(drift: float) -> float:
        table = generated_sample(any_product, 4_000, until=UNTIL, dirty=0.0, drift=drift)
        numbers = table[changing_column(any_product)]
        return float((numbers[2_000:].mean() - numbers[:2_000].mean()) / numbers.std())

    assert shift(1.0) > 0.5
    assert abs(shift(0.0)) < 0.1


def test_the_rows_are_of_the_requested_days(product: Product) -> None:
    times = generated_sample(product, 500, until=UNTIL, span=6)["at"].dropna()
    assert (times.min(), times.max()) == (pd.Timestamp("2026-10-27"), pd.Timestamp(UNTIL))


def test_other_seeds_have_other_keys(plain: Product) -> None:
    first, second = (set(generated_sample(plain, 500, seed=seed, dirty=0)["id"]) for seed in (7, 8))
    assert not first & second


def test_without_a_free_number_nothing_can_change(plain: Product) -> None:
    product = replace(plain, features=Listed, labelled=Listed)
    assert changing_column(product) is None
    rows = generated_sample(product, 500, until=UNTIL, changed_since=UNTIL, dirty=0.0)
    pd.testing.assert_frame_equal(rows, generated_sample(product, 500, until=UNTIL, dirty=0.0))
