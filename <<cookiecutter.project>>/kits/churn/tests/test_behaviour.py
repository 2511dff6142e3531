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


@pytest.fixture(scope="module", params=["linear", "boosting"])
def model(request: pytest.FixtureRequest) -> Any:
    candidate = next(candidate for candidate in CANDIDATES if candidate.name == request.param)
    return candidate.build(COLUMNS, 0).fit(ROWS[list(COLUMNS.features)], ROWS["churned"])


def risk(model: Any, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(model.predict_proba(rows[list(COLUMNS.features)])[:, 1])


def test_who_the_customer_is_does_not_matter(model: Any) -> None:
    others = ROWS.assign(customer_id="c9999999", email="nobody@example.com", observed_at=pd.Timestamp("2020-01-01"))
    assert np.array_equal(risk(model, ROWS), risk(model, others))


def test_the_order_of_the_rows_does_not_matter(model: Any) -> None:
    shuffled = ROWS.sample(frac=1, random_state=1)
    assert np.allclose(risk(model, shuffled), pd.Series(risk(model, ROWS)).loc[shuffled.index])


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"support_calls": 3.0}, 1),
        ({"days_since_login": 20.0}, 1),
        ({"logins_30d": 8.0}, -1),
        ({"tenure_months": 24.0}, -1),
    ],
)
def test_more_of_it_moves_the_risk_the_right_way_on_average(model: Any, change: dict[str, float], sign: int) -> None:
    (name, step), *_ = change.items()
    moved = risk(model, ROWS.assign(**{name: ROWS[name] + step})) - risk(model, ROWS)
    assert sign * moved.mean() > 0.01


def test_a_monthly_contract_is_a_higher_risk_than_two_years(model: Any) -> None:
    assert risk(model, ROWS.assign(contract="monthly")).mean() > risk(model, ROWS.assign(contract="two years")).mean()


def test_values_never_seen_and_missing_ones_get_a_sensible_answer(model: Any) -> None:
    odd = ROWS.head(5).assign(region="atlantis", logins_30d=np.nan, days_since_login=np.nan, payment=None)
    answers = risk(model, odd.astype({"payment": "str"}))
    assert ((answers >= 0) & (answers <= 1)).all()
