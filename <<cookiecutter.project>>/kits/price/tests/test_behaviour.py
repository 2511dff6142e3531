"""The predictions depend on what must matter, and not on what must not, whatever the score.

Some candidates are fitted to a small sample. The idea is from M. T. Ribeiro, T. Wu, C.
Guestrin, S. Singh (2020), Beyond accuracy: behavioral testing of NLP models with CheckList, ACL.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from mlproduct import Product

Price = Callable[[pd.DataFrame], np.ndarray]


@pytest.fixture(scope="module")
def rows(product: Product) -> pd.DataFrame:
    """A sample without dirty rows."""
    assert product.sample is not None
    return product.sample(rows=4000, until=date(2026, 11, 24), dirty=0.0)


@pytest.fixture(scope="module", params=["linear", "boosting", "neural network"])
def price(request: pytest.FixtureRequest, product: Product, rows: pd.DataFrame) -> Price:
    """The price that a candidate, fitted on ``rows``, gives each row."""
    candidate = next(each for each in product.candidates if each.name == request.param)
    features = list(product.columns.features)
    model = candidate.build(product.columns, 0).fit(rows[features], rows["price_eur"])
    return lambda table: np.asarray(model.predict(table[features]))


def test_the_price_does_not_depend_on_the_seller_and_the_date(
    price: Price, rows: pd.DataFrame
) -> None:
    others = rows.assign(
        listing_id="l9999999",
        seller_email="nobody@example.com",
        listed_at=pd.Timestamp("2020-01-01"),
    )
    assert np.array_equal(price(rows), price(others))


def test_the_price_does_not_depend_on_the_order_of_the_rows(
    price: Price, rows: pd.DataFrame
) -> None:
    shuffled = rows.sample(frac=1, random_state=1)
    assert np.allclose(price(shuffled), pd.Series(price(rows)).loc[shuffled.index])


@pytest.mark.parametrize(
    ("name", "step", "sign"),
    [("mileage_km", 50_000.0, -1), ("age_years", 3.0, -1), ("power_kw", 40.0, 1)],
)
def test_a_higher_value_moves_the_average_price_in_the_expected_direction(
    price: Price, rows: pd.DataFrame, name: str, step: float, sign: int
) -> None:
    moved = price(rows.assign(**{name: rows[name] + step})) / price(rows) - 1
    assert sign * moved.mean() > 0.02


def test_a_larger_category_has_a_higher_average_price(price: Price, rows: pd.DataFrame) -> None:
    categories = ("small", "family", "estate", "suv")
    ordered = [price(rows.assign(category=each)).mean() for each in categories]
    assert ordered == sorted(ordered)


def test_the_price_of_unknown_and_missing_values_is_positive(
    price: Price, rows: pd.DataFrame
) -> None:
    odd = rows.head(5).assign(category="spaceship", power_kw=np.nan, doors=np.nan, gearbox=None)
    predictions = price(odd.astype({"gearbox": "str"}))
    assert np.isfinite(predictions).all()
    assert (predictions > 0).all()


def test_extreme_values_do_not_lead_to_an_extreme_price(price: Price, rows: pd.DataFrame) -> None:
    mistyped = rows.head(50).assign(power_kw=1000.0, doors=6.0, previous_owners=30.0)
    assert price(mistyped).max() < 10 * rows["price_eur"].max()
