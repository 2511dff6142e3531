"""A schema and rows with a feature of every kind, for the tests of numbers, categories, dates and
texts.
"""

from datetime import date

import numpy as np
import pandas as pd
import pandera.pandas as pa
from mlproduct.data.columns import Columns, columns_of
from mlproduct.problems import BinaryClassification, Problem, Regression
from pandera.typing import Series

__all__ = ["PROBLEMS", "Features", "Labelled", "Priced", "columns", "table"]

FEATURE = {"role": "feature"}
PROBLEMS: dict[str, Problem] = {"binary": BinaryClassification(), "regression": Regression()}
WORDS = ("the", "parcel", "came", "late", "thanks", "all", "good", "box", "open", "again")


class Features(pa.DataFrameModel):
    """One order."""

    order: Series[str] = pa.Field(metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
    price: Series[float] = pa.Field(ge=0, le=500, nullable=True, metadata=FEATURE)
    paid: Series[bool] = pa.Field(metadata=FEATURE)
    shop: Series[str] = pa.Field(nullable=True, metadata=FEATURE)
    joined: Series[pd.Timestamp] = pa.Field(nullable=True, metadata=FEATURE)
    note: Series[str] = pa.Field(nullable=True, metadata={"role": "feature", "kind": "text"})


class Labelled(Features):
    """The same order, and whether it was returned."""

    returned: Series[int] = pa.Field(isin=[0, 1], metadata={"role": "target"})


class Priced(Features):
    """The same order, and its cost."""

    cost: Series[float] = pa.Field(ge=0, le=100, metadata={"role": "target"})


def columns(problem: str = "binary") -> Columns:
    schema = Labelled if problem == "binary" else Priced
    return columns_of(schema, PROBLEMS[problem])


def table(rows: int = 600, seed: int = 0, problem: str = "binary") -> pd.DataFrame:
    """Validated rows whose target depends on the days since ``joined`` and the word "late"."""
    random = np.random.default_rng(seed)
    at = pd.Timestamp(date(2026, 1, 1)) + pd.to_timedelta(random.integers(0, 300, rows), unit="D")
    days = random.integers(0, 400, rows)
    notes = [" ".join(random.choice(WORDS, random.integers(2, 9))) for _ in range(rows)]
    late = np.array(["late" in note.split() for note in notes])
    score = days / 100 + 2 * late + 0.5 * random.normal(size=rows)
    target = (score > 3).astype("int64") if problem == "binary" else 10 + 5 * score
    there = random.uniform(size=(3, rows)) > 0.1
    return pd.DataFrame(
        {
            "order": pd.Series([f"o{number}" for number in range(rows)], dtype="str"),
            "at": pd.Series(at).astype("datetime64[us]"),
            "price": pd.Series(random.uniform(1, 500, rows)).where(there[0]),
            "paid": random.integers(0, 2, rows),
            "shop": pd.Series([f"shop {n}" for n in random.integers(0, 300, rows)], dtype="str"),
            "joined": pd.Series(at - pd.to_timedelta(days, unit="D"))
            .where(there[1])
            .astype("datetime64[us]"),
            "note": pd.Series(notes, dtype="str").where(there[2]),
            "returned" if problem == "binary" else "cost": target,
        }
    )
