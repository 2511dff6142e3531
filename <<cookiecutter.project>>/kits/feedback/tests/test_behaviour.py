"""The predictions depend on what must matter, and not on what must not, whatever the score.

A candidate is fitted to a small sample. The idea is from M. T. Ribeiro, T. Wu, C.
Guestrin, S. Singh (2020), Beyond accuracy: behavioral testing of NLP models with CheckList, ACL.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from mlproduct import Product

Scores = Callable[[pd.DataFrame], np.ndarray]

CLEAR = {
    "billing": ["I was charged twice for the lamp.", "Auf der Rechnung steht der falsche Betrag."],
    "delivery": ["My parcel has not arrived yet.", "Mein Paket ist noch nicht angekommen."],
    "returns": ["I want to send back the kettle.", "Ich möchte die Lampe zurückgeben."],
    "account": ["I forgot my password.", "Bitte löschen Sie mein Konto."],
    "technical": ["The display of the kettle shows an error.", "Der Mixer lässt sich nicht laden."],
    "advice": ["Which drill do you recommend?", "Was ist der Unterschied zwischen den Modellen?"],
}
MESSAGES = [message for messages in CLEAR.values() for message in messages]


@pytest.fixture(scope="module")
def rows(product: Product) -> pd.DataFrame:
    """A sample without dirty rows."""
    assert product.sample is not None
    return product.sample(rows=4000, until=date(2026, 11, 24), dirty=0.0)


@pytest.fixture(scope="module")
def scores(product: Product, rows: pd.DataFrame) -> Scores:
    """The probability of each team for each row, by the linear candidate, fitted on ``rows``."""
    candidate = next(each for each in product.candidates if each.name == "linear")
    inputs = list(product.columns.inputs)
    classes = np.unique(rows["team"], return_inverse=True)[1]
    model = candidate.build(product.columns, 0).fit(rows[inputs], classes)
    return lambda table: np.asarray(model.predict_proba(table[inputs]))


def written(rows: pd.DataFrame, messages: list[str]) -> pd.DataFrame:
    """Rows that differ only in their messages."""
    same = rows.iloc[np.zeros(len(messages), dtype=int)].reset_index(drop=True)
    return same.assign(message=pd.Series(messages, dtype=rows["message"].dtype))


def teams(scores: Scores, rows: pd.DataFrame, messages: list[str]) -> list[int]:
    return scores(written(rows, messages)).argmax(axis=1).tolist()


def test_the_team_does_not_depend_on_the_sender(scores: Scores, rows: pd.DataFrame) -> None:
    others = rows.assign(message_id="m9999999", email="nobody@example.com")
    assert np.array_equal(scores(rows), scores(others))


def test_the_team_does_not_depend_on_the_order_of_the_rows(
    scores: Scores, rows: pd.DataFrame
) -> None:
    places = np.random.default_rng(1).permutation(len(rows))
    assert np.allclose(scores(rows.iloc[places]), scores(rows)[places])


def test_a_clear_message_goes_to_its_team_in_both_languages(
    scores: Scores, rows: pd.DataFrame
) -> None:
    expected = np.repeat(np.searchsorted(sorted(CLEAR), list(CLEAR)), 2)
    assert teams(scores, rows, MESSAGES) == expected.tolist()


def test_a_typing_error_does_not_change_the_team(scores: Scores, rows: pd.DataFrame) -> None:
    mistyped = [message[:-4] + message[-3] + message[-4] + message[-2:] for message in MESSAGES]
    assert teams(scores, rows, mistyped) == teams(scores, rows, MESSAGES)


@pytest.mark.parametrize("change", ["Please: {}", "Hello, {}", "{} Thank you!", "{} Danke."])
def test_politeness_does_not_change_the_team(
    scores: Scores, rows: pd.DataFrame, change: str
) -> None:
    polite = [change.format(message) for message in MESSAGES]
    assert teams(scores, rows, polite) == teams(scores, rows, MESSAGES)


def test_capital_letters_do_not_change_the_team(scores: Scores, rows: pd.DataFrame) -> None:
    loud = [message.upper() for message in MESSAGES]
    assert teams(scores, rows, loud) == teams(scores, rows, MESSAGES)


def test_unknown_values_and_a_strange_message_have_probabilities(
    scores: Scores, rows: pd.DataFrame
) -> None:
    odd = written(rows, ["?", "東京 🚀", "word " * 2000]).assign(
        language="fr", channel=None, customer_since=pd.NaT
    )
    found = scores(odd.astype({"channel": "str"}))
    assert np.allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()


def test_the_share_of_technical_messages_rises_only_with_drift(product: Product) -> None:
    sample = product.sample
    assert sample is not None

    def rise(drift: float) -> float:
        table = sample(rows=20_000, until=date(2026, 11, 24), dirty=0.0, drift=drift)
        technical = table["team"] == "technical"
        return float(technical.iloc[10_000:].mean() - technical.iloc[:10_000].mean())

    assert rise(1.0) > 0.03
    assert abs(rise(0.0)) < 0.02
