"""Synthetic used cars, for use until the product has real data.

The signal is known. The logarithm of the price in EUR is

    9.75 + category (small 0, family 0.45, estate 0.6, suv 0.8) + brand (Alba 0 to Elan 0.4)
         - 0.13 age in years - 0.035 × 10,000 km + 0.45 log(power / 80 kW)
         + 0.1 automatic + 0.15 electric, where younger than 5 years - 0.03 previous owners

plus noise of 0.12, which is about 12 % of the price. The noise is the same for all cars, so the
error in percent is the same for every category. As in real data, some values are missing and a few
rows break a rule.

``drift`` lowers all prices, in standard deviations of the noise per year, and raises the mileage.
"""

from datetime import date

import numpy as np
import pandas as pd
from mlproduct.synthetic import DAYS, days, from_day, lose, today

__all__ = ["CHANGES", "sample"]

# The column that has another unit from the day ``changed_since`` on.
CHANGES = "mileage_km"

CATEGORIES = {"small": 0.0, "family": 0.45, "estate": 0.6, "suv": 0.8}
BRANDS = {"Alba": 0.0, "Brio": 0.1, "Corsa Nova": 0.2, "Duro": 0.3, "Elan": 0.4}
NOISE = 0.12
MISSING = {"power_kw": 0.05, "doors": 0.05, "gearbox": 0.03}


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
    """Cars offered over the ``span`` days up to ``until`` (today if left out), oldest first.

    The same arguments give the same rows. ``dirty`` is the share of rows that break a rule of the
    schema. With ``shuffle_labels`` the prices belong to other cars, so there is nothing to learn.

    From the day ``changed_since`` on, a new form asks for the mileage in thousands of kilometres.
    Only a model trained on later rows can learn this.
    """
    random = np.random.default_rng(seed)
    age = np.sort(random.uniform(0, 1, rows))
    years = age * DAYS / 365
    frame = _features(random, drift * years)
    logarithm = _logarithm(frame) + random.normal(0, NOISE, rows) - NOISE * drift * years
    frame["price_eur"] = np.round(np.exp(logarithm), -1).clip(100, 900_000)
    if shuffle_labels:
        frame["price_eur"] = random.permutation(frame["price_eur"].to_numpy())
    frame.insert(1, "listed_at", days(age, until or today(), span))
    frame.loc[from_day(frame["listed_at"], changed_since), CHANGES] /= 1000
    lose(frame, MISSING, random)
    _spoil(frame, random, dirty)
    return frame


def _features(random: np.random.Generator, moved: np.ndarray) -> pd.DataFrame:
    rows = len(moved)
    number = random.permutation(rows)
    age = np.round(random.gamma(2.2, 3.0, rows).clip(0, 30), 1)
    yearly = random.lognormal(9.4, 0.4, rows) * (1 + 0.4 * moved)
    return pd.DataFrame(
        {
            "listing_id": pd.Series(number).map("l{:07d}".format).astype("str"),
            "seller_email": pd.Series(number).map("seller{}@example.com".format).astype("str"),
            "category": random.choice(list(CATEGORIES), rows, p=[0.35, 0.3, 0.15, 0.2]),
            "brand": random.choice(list(BRANDS), rows),
            "fuel": random.choice(["petrol", "diesel", "electric"], rows, p=[0.55, 0.3, 0.15]),
            "gearbox": random.choice(["manual", "automatic"], rows, p=[0.6, 0.4]),
            "age_years": age,
            "mileage_km": np.round(age * yearly, -2).clip(0, 900_000),
            "power_kw": np.round(random.lognormal(4.5, 0.3, rows).clip(30, 500)),
            "doors": random.choice([3.0, 4.0, 5.0], rows, p=[0.2, 0.2, 0.6]),
            "previous_owners": random.poisson(1.2, rows).astype(float),
        }
    )


def _logarithm(frame: pd.DataFrame) -> np.ndarray:
    logarithm = 9.75 + frame["category"].map(CATEGORIES) + frame["brand"].map(BRANDS)
    logarithm -= 0.13 * frame["age_years"] + 0.035 * frame["mileage_km"] / 10_000
    logarithm += 0.45 * np.log(frame["power_kw"] / 80) + 0.1 * (frame["gearbox"] == "automatic")
    logarithm += 0.15 * ((frame["fuel"] == "electric") & (frame["age_years"] < 5))
    return (logarithm - 0.03 * frame["previous_owners"]).to_numpy()


def _spoil(frame: pd.DataFrame, random: np.random.Generator, share: float) -> None:
    """Makes a share of the rows invalid, in place.

    The faults are a negative mileage, an unknown category, a missing key and a price of 0, in turn.
    """
    spoiled = random.permutation(len(frame))[: int(share * len(frame))]
    negative, unknown, lost, free = (spoiled[place::4] for place in range(4))
    frame.loc[negative, "mileage_km"] = -1.0
    frame.loc[unknown, "category"] = "spaceship"
    frame.loc[lost, "listing_id"] = None
    frame.loc[free, "price_eur"] = 0.0
