"""Small tables with known properties, for the tests of splitting, checking and searching."""

import numpy as np
import pandas as pd
from mlproduct.data.columns import Columns
from mlproduct.problems import BinaryClassification, Regression, Target

__all__ = ["PROBLEMS", "columns", "table"]

PROBLEMS = {
    "classification": BinaryClassification().of(Target("y")),
    "regression": Regression().of(Target("y")),
}


def columns(task: str = "classification", **changed: object) -> Columns:
    given = {
        "key": "id",
        "time": "at",
        "group": "family",
        "target": "y",
        "problem": PROBLEMS[task],
        "numeric": ("a", "b"),
        "categorical": ("c",),
        "ignored": (),
        "private": (),
        "known_values": {},
    }
    return Columns(**{**given, **changed})  # type: ignore[arg-type]  # fields of Columns


def table(rows: int = 600, task: str = "classification", seed: int = 0) -> pd.DataFrame:
    """A table whose target ``y`` depends on ``a`` and noise.

    ``b`` and ``c`` are unrelated to ``y``, and some of their cells are missing.
    """
    random = np.random.default_rng(seed)
    a, noise = random.normal(size=rows), random.normal(size=rows)
    b = np.where(random.uniform(size=rows) < 0.1, np.nan, random.normal(size=rows))
    c = pd.Series(random.choice(["x", "y", "z"], rows)).where(random.uniform(size=rows) > 0.1)
    y = (a + noise > 0.5).astype("int64") if task == "classification" else 5 + a + 0.3 * noise
    return pd.DataFrame(
        {
            "id": [f"k{number:05d}" for number in random.permutation(rows)],
            "at": pd.Timestamp("2026-01-01")
            + pd.to_timedelta(random.integers(0, 90, rows), unit="D"),
            "family": random.integers(0, 40, rows),
            "a": a,
            "b": b,
            "c": c.astype("str"),
            "y": y,
        }
    )
