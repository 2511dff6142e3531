"""Synthetic messages of customers, for use until the product has real data.

A message is a sentence of its team (``sentences.py``), with a greeting, a product and thanks. The
text shows most teams, but not all of them:

    6 % of the messages are vague and could belong to every team
    8 % also have a sentence of another team, in half of them as the first one
    2 % were given to a wrong team by the agent who labelled them
    25 % have one or two typing errors

A team's share of the messages is between 8 and 28 %. German messages (40 %) have the same errors as
English ones, so a model is about equally good in both languages. New customers ask for advice and
for their account more often. The channel has no effect.

``drift`` raises the share of technical messages and that of messages about newer products.
"""

from datetime import date

import numpy as np
import pandas as pd
from mlproduct.synthetic import DAYS as SPAN
from mlproduct.synthetic import days, from_day, lose, today

from .sentences import DAYS, HELLO, LINK, NEW_TOPIC, SENTENCES, THANKS, THINGS, VAGUE, spelled_out

__all__ = ["CHANGES", "sample"]

# The column that has a new topic from the day ``changed_since`` on.
CHANGES = "message"

SHARES = {
    "billing": 0.22,
    "delivery": 0.28,
    "returns": 0.16,
    "account": 0.11,
    "technical": 0.15,
    "advice": 0.08,
}
TEAMS = np.array(list(SHARES))
LANGUAGES = {"en": 0.6, "de": 0.4}
MISSING = {"channel": 0.03, "customer_since": 0.08}


def sample(
    rows: int = 40_000,
    seed: int = 7,
    until: date | None = None,
    drift: float = 0.0,
    dirty: float = 0.004,
    shuffle_labels: bool = False,
    span: int = SPAN,
    changed_since: date | None = None,
    new_class: bool = False,
) -> pd.DataFrame:
    """Messages of the ``span`` days up to ``until`` (today if left out), oldest first.

    The same arguments give the same rows. ``dirty`` is the share of rows that break a rule of the
    schema. With ``shuffle_labels`` the teams belong to other messages: there is nothing to learn.

    From the day ``changed_since`` on, every fourth message is about a club for customers, which the
    account team looks after. Only a model trained on later rows can learn this. With ``new_class``
    a seventh team, ``club``, does. The schema does not allow it until the team adds it there.
    """
    random = np.random.default_rng(seed)
    age = np.sort(random.uniform(0, 1, rows))
    moved = drift * age * SPAN / 365
    times = days(age, until or today(), span)
    customers = np.floor(random.exponential(500, rows))
    topic = _topics(random, moved, customers)
    new = from_day(times, changed_since) & (random.uniform(size=rows) < 0.25)
    language = random.choice(list(LANGUAGES), rows, p=list(LANGUAGES.values()))
    number = pd.Series(random.permutation(rows))
    frame = pd.DataFrame(
        {
            "message_id": number.map("m{:07d}".format).astype("str"),
            "received_at": times,
            "email": number.map("person{}@example.com".format).astype("str"),
            "channel": random.choice(["email", "form", "chat"], rows, p=[0.5, 0.3, 0.2]),
            "language": language,
            "message": _messages(random, language, np.where(new, len(TEAMS), topic), moved),
            "customer_since": times - pd.to_timedelta(customers, unit="D"),
        }
    )
    slips = random.uniform(size=rows) < 0.02
    team = TEAMS[np.where(slips, random.integers(0, len(TEAMS), rows), topic)]
    frame["team"] = np.where(new, "club" if new_class else "account", team)
    if shuffle_labels:
        frame["team"] = random.permutation(frame["team"].to_numpy())
    lose(frame, MISSING, random)
    _spoil(frame, random, dirty)
    return frame


def _topics(random: np.random.Generator, moved: np.ndarray, customers: np.ndarray) -> np.ndarray:
    """The place in ``TEAMS`` of the team that each message is about."""
    odds = np.tile(np.log(list(SHARES.values())), (len(moved), 1))
    odds[:, TEAMS == "technical"] += 0.5 * moved[:, None]
    odds[:, np.isin(TEAMS, ["account", "advice"])] += 0.8 * (customers < 60)[:, None]
    # The largest of the log odds plus Gumbel noise has the probabilities of the odds.
    return (odds + random.gumbel(size=odds.shape)).argmax(axis=1)


def _messages(
    random: np.random.Generator, language: np.ndarray, topic: np.ndarray, moved: np.ndarray
) -> np.ndarray:
    messages = np.empty(len(topic), dtype=object)
    for name in LANGUAGES:
        rows = np.flatnonzero(language == name)
        messages[rows] = _in_one_language(random, name, topic[rows], moved[rows])
    wrong = np.flatnonzero(random.uniform(size=len(messages)) < 0.25)
    places = random.uniform(size=(len(wrong), 2))
    for row, (first, second) in zip(wrong, places, strict=True):
        messages[row] = _mistyped(messages[row], first)
        if second < 0.5:
            messages[row] = _mistyped(messages[row], 2 * second)
    return messages


def _in_one_language(
    random: np.random.Generator, language: str, topic: np.ndarray, moved: np.ndarray
) -> list[str]:
    choices = [spelled_out(SENTENCES[team, language]) for team in SHARES]
    choices += [spelled_out(NEW_TOPIC[language]), spelled_out(VAGUE[language])]
    rows = len(topic)
    vague = (random.uniform(size=rows) < 0.06) & (topic < len(TEAMS))
    main = _drawn(random, choices, np.where(vague, len(choices) - 1, topic))
    aside = _drawn(random, choices, random.integers(0, len(TEAMS), rows))
    more = np.where(random.uniform(size=rows) < 0.08, random.integers(1, 3, rows), 0)
    things = THINGS[language].split()
    newer = random.uniform(size=rows) < np.clip(0.1 + 0.3 * moved, 0, 1)
    thing = np.array(things)[random.integers(0, len(things) // 2, rows) + newer * len(things) // 2]
    hello, link, thanks, day = (
        random.choice(words[language], rows) for words in (HELLO, LINK, THANKS, DAYS)
    )
    return [
        (hello[row] + _joined(main[row], link[row], aside[row], more[row]) + thanks[row]).format(
            thing=thing[row], day=day[row]
        )
        for row in range(rows)
    ]


def _drawn(random: np.random.Generator, choices: list[list[str]], topic: np.ndarray) -> list[str]:
    shares = random.uniform(size=len(topic))
    return [
        choices[which][int(share * len(choices[which]))]
        for which, share in zip(topic, shares, strict=True)
    ]


def _joined(main: str, link: str, aside: str, more: int) -> str:
    """The sentence alone, before the second one or after it, as ``more`` is 0, 1 or 2."""
    return (main, main + link + aside, aside + link + main)[more]


def _mistyped(text: str, share: float) -> str:
    """The text with two neighbouring letters swapped, or without one of them."""
    place = int(share * (len(text) - 2))
    swapped = text[place + 1] + text[place] if place % 2 else text[place]
    return text[:place] + swapped + text[place + 2 :]


def _spoil(frame: pd.DataFrame, random: np.random.Generator, share: float) -> None:
    """Makes a share of the rows invalid, in place.

    The faults are an empty message, an unknown language, a missing key and a repeated row, in turn.
    """
    spoiled = random.permutation(len(frame))[: int(share * len(frame))]
    empty, unknown, lost, twice = (spoiled[place::4] for place in range(4))
    frame.loc[empty, "message"] = ""
    frame.loc[unknown, "language"] = "xx"
    frame.loc[lost, "message_id"] = None
    sources = np.setdiff1d(np.arange(len(frame)), spoiled)[: len(twice)]
    if len(sources):
        frame.loc[twice] = frame.loc[np.resize(sources, len(twice))].to_numpy()
