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

Risk = Callable[[pd.DataFrame], np.ndarray]


@pytest.fixture(scope="module")
def rows(product: Product) -> pd.DataFrame:
    """A sample without dirty rows."""
    assert product.sample is not None
    return product.sample(rows=4000, until=date(2026, 11, 24), dirty=0.0)


@pytest.fixture(scope="module", params=["linear", "boosting"])
def risk(request: pytest.FixtureRequest, product: Product, rows: pd.DataFrame) -> Risk:
    """The probability of leaving that a candidate, fitted on ``rows``, gives each row."""
    candidate = next(each for each in product.candidates if each.name == request.param)
    features = list(product.columns.features)
    model = candidate.build(product.columns, 0).fit(rows[features], rows["churned"])
    return lambda table: np.asarray(model.predict_proba(table[features])[:, 1])


def test_the_risk_does_not_depend_on_the_identity_of_the_customer(
    risk: Risk, rows: pd.DataFrame
) -> None:
    others = rows.assign(
        customer_id="c9999999",
        email="nobody@example.com",
        observed_at=pd.Timestamp("2020-01-01"),
    )
    assert np.array_equal(risk(rows), risk(others))


def test_the_risk_does_not_depend_on_the_order_of_the_rows(risk: Risk, rows: pd.DataFrame) -> None:
    shuffled = rows.sample(frac=1, random_state=1)
    assert np.allclose(risk(shuffled), pd.Series(risk(rows)).loc[shuffled.index])


@pytest.mark.parametrize(
    ("name", "step", "sign"),
    [
        ("support_calls", 3.0, 1),
        ("days_since_login", 20.0, 1),
        ("logins_30d", 8.0, -1),
        ("tenure_months", 24.0, -1),
    ],
)
def test_a_higher_value_moves_the_average_risk_in_the_expected_direction(
    risk: Risk, rows: pd.DataFrame, name: str, step: float, sign: int
) -> None:
    moved = risk(rows.assign(**{name: rows[name] + step})) - risk(rows)
    assert sign * moved.mean() > 0.01


def test_a_monthly_contract_has_a_higher_average_risk_than_two_years(
    risk: Risk, rows: pd.DataFrame
) -> None:
    monthly, years = (risk(rows.assign(contract=each)).mean() for each in ("monthly", "two years"))
    assert monthly > years


def test_the_risk_of_unknown_and_missing_values_is_a_probability(
    risk: Risk, rows: pd.DataFrame
) -> None:
    odd = rows.head(5).assign(
        region="atlantis", logins_30d=np.nan, days_since_login=np.nan, payment=None
    )
    predictions = risk(odd.astype({"payment": "str"}))
    assert ((predictions >= 0) & (predictions <= 1)).all()
