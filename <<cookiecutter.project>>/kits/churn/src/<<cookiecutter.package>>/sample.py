"""Synthetic customers, for use until the product has real data.

The signal is known. With every number scaled to mean 0 and deviation 1, the log-odds of leaving are

    -2.3 + 1.5 monthly contract - 1.0 two years
         + 0.9 support calls + 0.8 days since login - 0.6 logins - 0.8 tenure
         + 0.5 charge × monthly contract - 0.5 discount

Region, plan and payment have no effect, so a model is equally good for every region. About one
customer in four leaves. As in real data, some values are missing and a few rows break a rule.

``drift`` raises the support calls, in standard deviations per year, and the share of monthly
contracts.
"""

from datetime import date

import numpy as np
import pandas as pd
from mlproduct.synthetic import DAYS, days, from_day, lose, today

__all__ = ["CHANGES", "sample"]

# The column that is counted differently from the day ``changed_since`` on.
CHANGES = "logins_30d"

MISSING = {"logins_30d": 0.06, "days_since_login": 0.06, "data_gb": 0.04, "payment": 0.03}


def sample(
    rows: int = 40_000,
    seed: int = 7,
    until: date | None = None,
    drift: float = 0.0,
    dirty: float = 0.004,
    shuffle_labels: bool = False,
    span: int = DAYS,
    changed_since: date | None = None,
) -> pd.DataFrame:
    """Customers over the ``span`` days up to ``until`` (today if left out), oldest first.

    The same arguments give the same rows. ``dirty`` is the share of rows that break a rule of the
    schema. With ``shuffle_labels`` the labels belong to other rows, so there is nothing to learn.

    From the day ``changed_since`` on, an app that stays logged in adds 14 logins a month to every
    customer. They do not change the risk. Only a model trained on later rows can learn this.
    """
    random = np.random.default_rng(seed)
    age = np.sort(random.uniform(0, 1, rows))
    frame = _features(random, age, drift)
    frame["churned"] = (random.uniform(size=rows) < _probability(frame)).astype("int64")
    if shuffle_labels:
        frame["churned"] = random.permutation(frame["churned"].to_numpy())
    frame.insert(1, "observed_at", days(age, until or today(), span))
    frame.loc[from_day(frame["observed_at"], changed_since), CHANGES] += 14
    lose(frame, MISSING, random)
    _spoil(frame, random, dirty)
    return frame


def _features(random: np.random.Generator, age: np.ndarray, drift: float) -> pd.DataFrame:
    rows = len(age)
    years = age * DAYS / 365
    monthly = 0.5 + 0.1 * drift * years
    contract = np.where(
        random.uniform(size=rows) < monthly, "monthly", random.choice(["yearly", "two years"], rows)
    )
    number = random.permutation(rows)
    return pd.DataFrame(
        {
            "customer_id": pd.Series(number).map("c{:07d}".format).astype("str"),
            "email": pd.Series(number).map("person{}@example.com".format).astype("str"),
            "region": random.choice(["north", "south", "east", "west"], rows),
            "plan": random.choice(
                ["basic", "plus", "family", "business"], rows, p=[0.4, 0.3, 0.2, 0.1]
            ),
            "contract": contract,
            "payment": random.choice(["card", "transfer", "invoice"], rows, p=[0.5, 0.3, 0.2]),
            "tenure_months": np.round(random.gamma(2.0, 15.0, rows).clip(0, 240)),
            "monthly_charge": np.round(random.normal(55, 18, rows).clip(5, 200), 2),
            "support_calls": np.round(random.gamma(1.2, 1.2, rows) + 1.3 * drift * years).clip(
                0, 60
            ),
            "logins_30d": random.poisson(12, rows).astype(float),
            "days_since_login": np.round(random.exponential(9, rows).clip(0, 365)),
            "data_gb": np.round(random.lognormal(2.2, 0.7, rows), 1),
            "discount": random.choice([0.0, 0.1, 0.2, 0.3], rows, p=[0.6, 0.2, 0.15, 0.05]),
        }
    )


def _probability(frame: pd.DataFrame) -> np.ndarray:
    monthly = (frame["contract"] == "monthly").to_numpy(dtype=float)
    odds = -2.3 + 1.5 * monthly - 1.0 * (frame["contract"] == "two years").to_numpy(dtype=float)
    odds += 0.9 * (frame["support_calls"] - 1.4) / 1.3
    odds += 0.8 * (frame["days_since_login"] - 9) / 9
    odds -= 0.6 * (frame["logins_30d"] - 12) / 3.5
    odds -= 0.8 * (frame["tenure_months"] - 30) / 21
    odds += 0.5 * (frame["monthly_charge"] - 55) / 18 * monthly
    odds -= 0.5 * (frame["discount"] - 0.07) / 0.1
    return (1 / (1 + np.exp(-odds))).to_numpy()


def _spoil(frame: pd.DataFrame, random: np.random.Generator, share: float) -> None:
    """Makes a share of the rows invalid, in place.

    The faults are a negative charge, an unknown region, a missing key and a repeated row, in turn.
    """
    spoiled = random.permutation(len(frame))[: int(share * len(frame))]
    negative, unknown, lost, twice = (spoiled[place::4] for place in range(4))
    frame.loc[negative, "monthly_charge"] = -1.0
    frame.loc[unknown, "region"] = "atlantis"
    frame.loc[lost, "customer_id"] = None
    sources = np.setdiff1d(np.arange(len(frame)), spoiled)[: len(twice)]
    if len(sources):
        frame.loc[twice] = frame.loc[np.resize(sources, len(twice))].to_numpy()
