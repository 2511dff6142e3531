"""How a model behaves, whatever its score: what must not matter does not, what must, does.

Run after training: a small model is trained for it. In the spirit of M. T. Ribeiro, T. Wu, C. Guestrin,
S. Singh (2020), Beyond accuracy: behavioral testing of NLP models with CheckList, ACL.
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from <<cookiecutter.package>>.candidates import CANDIDATES
from <<cookiecutter.package>>.columns import columns_of
from <<cookiecutter.package>>.sample import sample
from <<cookiecutter.package>>.schemas import Labelled

COLUMNS = columns_of(Labelled)
ROWS = sample(rows=4000, until=date(2026, 11, 24), dirty=0.0)


@pytest.fixture(scope="module", params=["linear", "boosting", "neural network"])
def model(request: pytest.FixtureRequest) -> Any:
    candidate = next(candidate for candidate in CANDIDATES if candidate.name == request.param)
    return candidate.build(COLUMNS, 0).fit(ROWS[list(COLUMNS.features)], ROWS["price_eur"])


def price(model: Any, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(model.predict(rows[list(COLUMNS.features)]))


def test_who_sells_it_and_when_does_not_matter(model: Any) -> None:
    others = ROWS.assign(listing_id="l9999999", seller_email="nobody@example.com", listed_at=pd.Timestamp("2020-01-01"))
    assert np.array_equal(price(model, ROWS), price(model, others))


def test_the_order_of_the_rows_does_not_matter(model: Any) -> None:
    shuffled = ROWS.sample(frac=1, random_state=1)
    assert np.allclose(price(model, shuffled), pd.Series(price(model, ROWS)).loc[shuffled.index])


@pytest.mark.parametrize(
    ("name", "step", "sign"), [("mileage_km", 50_000.0, -1), ("age_years", 3.0, -1), ("power_kw", 40.0, 1)]
)
def test_more_of_it_moves_the_price_the_right_way_on_average(model: Any, name: str, step: float, sign: int) -> None:
    moved = price(model, ROWS.assign(**{name: ROWS[name] + step})) / price(model, ROWS) - 1
    assert sign * moved.mean() > 0.02


def test_a_larger_category_costs_more(model: Any) -> None:
    ordered = [price(model, ROWS.assign(category=name)).mean() for name in ("small", "family", "estate", "suv")]
    assert ordered == sorted(ordered)


def test_a_price_is_positive_also_for_values_never_seen_and_missing_ones(model: Any) -> None:
    odd = ROWS.head(5).assign(category="spaceship", power_kw=np.nan, doors=np.nan, gearbox=None)
    answers = price(model, odd.astype({"gearbox": "str"}))
    assert np.isfinite(answers).all()
    assert (answers > 0).all()


def test_a_mistyped_number_cannot_make_a_price_explode(model: Any) -> None:
    mistyped = ROWS.head(50).assign(power_kw=1000.0, doors=6.0, previous_owners=30.0)
    assert price(model, mistyped).max() < 10 * ROWS["price_eur"].max()
