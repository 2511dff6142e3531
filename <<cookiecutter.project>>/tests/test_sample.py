"""The rows of sample.py pass the schema, and its arguments change what they name.

Delete this file together with sample.py.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct import Product
from mlproduct.testing import validated

UNTIL = date(2026, 11, 24)
Rows = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def rows(product: Product) -> Rows:
    """``rows(**arguments)``: rows of the sample, by default 2,000 up to ``UNTIL``."""

    def make(**arguments: Any) -> pd.DataFrame:
        assert product.sample is not None
        return product.sample(**{"rows": 2000, "until": UNTIL, **arguments})

    return make


def test_a_sample_without_dirty_rows_is_accepted_completely(product: Product, rows: Rows) -> None:
    found = validated(product, rows(dirty=0.0))
    assert len(found.rejected.rows) == 0
    assert list(found.rows.columns) == list(product.columns.read)


def test_rows_without_the_target_can_be_scored(product: Product, rows: Rows) -> None:
    table = rows(dirty=0.0).drop(columns=[product.columns.target])
    assert len(validated(product, table, product.features).rows) == len(table)


def test_the_dirty_share_of_the_rows_is_rejected_for_several_reasons(
    product: Product, rows: Rows
) -> None:
    found = validated(product, rows(dirty=0.04))
    assert 0.035 <= found.rejected_share <= 0.045
    assert found.rejected.failures["reason"].nunique() >= 3


def test_the_same_seed_gives_the_same_rows_and_another_seed_other_rows(rows: Rows) -> None:
    pd.testing.assert_frame_equal(rows(), rows())
    assert not rows().equals(rows(seed=8))


def test_the_newest_row_is_of_the_requested_day(product: Product, rows: Rows) -> None:
    assert validated(product, rows()).rows[product.columns.time].max().date() == UNTIL


def test_personal_data_is_in_the_sample_but_is_not_read(product: Product, rows: Rows) -> None:
    private = set(product.columns.private)
    assert private
    assert private <= set(rows().columns)
    assert not private & set(validated(product, rows()).rows.columns)


def test_shuffled_labels_are_the_same_labels_on_other_rows(product: Product, rows: Rows) -> None:
    target = product.columns.target
    original, shuffled = rows(dirty=0.0), rows(dirty=0.0, shuffle_labels=True)
    assert sorted(original[target]) == sorted(shuffled[target])
    assert (original[target] != shuffled[target]).mean() > 0.2


def test_numeric_features_shift_only_with_drift(product: Product, rows: Rows) -> None:
    numbers = list(product.columns.numeric)
    if not numbers:
        pytest.skip("no feature of schemas.py is a number")

    def largest_shift(table: pd.DataFrame) -> float:
        early, late = table.iloc[:1000][numbers], table.iloc[1000:][numbers]
        return float(((late.mean() - early.mean()).abs() / table[numbers].std()).max())

    assert largest_shift(rows(dirty=0.0, drift=1.0)) > 0.2
    assert largest_shift(rows(dirty=0.0)) < 0.15


def test_the_rule_returns_a_value_of_the_target_for_every_row_also_if_values_are_missing(
    product: Product, rows: Rows
) -> None:
    table = validated(product, rows()).rows[list(product.columns.features)]
    nothing = dict.fromkeys((*product.columns.numeric, *product.columns.texts))
    empty = table.assign(**nothing).astype(table.dtypes.to_dict())
    decided = product.columns.of_target.by_rule(product.rule)
    for features in (table, empty):
        predictions = decided(features).decision
        assert predictions.shape == (len(features),)
        assert np.isfinite(predictions).all()


def test_the_rows_are_of_the_requested_span_of_days(product: Product, rows: Rows) -> None:
    times = rows(until=date(2026, 9, 8), span=6, dirty=0.0)[product.columns.time]
    assert (times.min(), times.max()) == (pd.Timestamp("2026-09-02"), pd.Timestamp("2026-09-08"))


def test_changed_since_changes_only_the_demo_column_of_later_rows(
    product: Product, rows: Rows
) -> None:
    until, since = date(2026, 9, 8), date(2026, 9, 5)
    before, after = (
        rows(until=until, span=6, dirty=0.0, changed_since=day) for day in (None, since)
    )
    differences = before.compare(after)
    changed_columns = set(differences.columns.get_level_values(0))
    # The target may change with it.
    assert changed_columns - {product.columns.target} == {product.demo_column}
    assert product.demo_column in product.columns.features
    changed = before.loc[differences.index, product.columns.time]
    assert (changed >= pd.Timestamp(since)).all()
