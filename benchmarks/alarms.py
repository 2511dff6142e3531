"""Measures false alarms, detected changes and the cost of alarms: ``make bench-alarms``.

Runs in the product's environment, with its drift code and the limits of its config/monitoring.yaml.
A window has 2,000 rows with eleven numbers, two of which are skewed, and a category.

python alarms.py churn_radar
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlproduct.config.settings import read_monitoring
from mlproduct.data.columns import Columns
from mlproduct.monitoring.drift import drift
from mlproduct.monitoring.profile import profile_of

ROWS, WEEKS, YEARS, WINDOWS = 2_000, 52, 20, 200
NUMBERS = tuple(f"x{place:02d}" for place in range(11))
PLANS = {"basic": 0.6, "plus": 0.2, "family": 0.1, "business": 0.1}
LARGE = 1_000_000
Changed = Callable[[pd.DataFrame, np.random.Generator], None]


def rows_of(count: int, seed: int, change: Changed | None = None) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    found = pd.DataFrame(random.normal(size=(count, len(NUMBERS))), columns=list(NUMBERS))
    found["x09"] = random.poisson(3, count).astype(float)
    found["x10"] = random.lognormal(2, 0.7, count)
    found["plan"] = pd.Series(random.choice(list(PLANS), count, p=list(PLANS.values()))).astype(
        "str"
    )
    if change is not None:
        change(found, random)
    odds = found["x00"] + 0.5 * found["x01"] - 0.7 * (found["plan"] == "basic")
    return found.assign(prediction=1 / (1 + np.exp(-odds)))


def shifted(by: float) -> Changed:
    def change(rows: pd.DataFrame, random: np.random.Generator) -> None:
        rows["x00"] += by

    return change


def with_business_share(share: float) -> Changed:
    def change(rows: pd.DataFrame, random: np.random.Generator) -> None:
        rest = {
            name: part / 0.9 * (1 - share) for name, part in PLANS.items() if name != "business"
        }
        shares = [*rest.values(), share]
        rows["plan"] = pd.Series(random.choice([*rest, "business"], len(rows), p=shares)).astype(
            "str"
        )

    return change


def lost(share: float) -> Changed:
    def change(rows: pd.DataFrame, random: np.random.Generator) -> None:
        rows.loc[random.uniform(size=len(rows)) < share, "x02"] = np.nan

    return change


CHANGES: dict[str, tuple[Changed, str]] = {
    **{f"a number shifted by {by} deviations": (shifted(by), "x00") for by in (0.1, 0.2, 0.3, 0.5)},
    **{
        f"a category from 10 to {100 * share:.0f} %": (with_business_share(share), "plan")
        for share in (0.12, 0.15, 0.2)
    },
    **{
        f"{100 * share:.0f} % of the values missing": (lost(share), "x02") for share in (0.01, 0.03)
    },
}


def main() -> None:
    limits = read_monitoring(Path("config/monitoring.yaml")).drift
    columns = columns_named(NUMBERS, ("plan",))

    def alarming(reference: Any, rows: pd.DataFrame) -> set[str]:
        return {
            found.column
            for found in drift(reference, reference.counted(rows), limits)
            if found.alarm
        }

    print(
        f"{YEARS} years of {WEEKS} weeks without drift, {ROWS:,} rows a week: false alarms per year"
    )
    for size in (2_000, 10_000, 50_000):
        years = Counter(
            sum(
                bool(alarming(reference, rows_of(ROWS, 10_000 * year + week + 1)))
                for week in range(WEEKS)
            )
            for year in range(YEARS)
            for reference in [profile_of(rows_of(size, 900_000 + year), columns)]
        )
        counts = ", ".join(f"{false} in {count} years" for false, count in sorted(years.items()))
        print(f"  reference of {size:>6,} rows   {counts}")
    print(
        f"Share of {WINDOWS} windows of {ROWS:,} rows with an alarm; the reference has 10,000 rows"
    )
    reference = profile_of(rows_of(10_000, 1), columns)
    for name, (change, column) in CHANGES.items():
        found = sum(
            column in alarming(reference, rows_of(ROWS, 50_000 + n, change)) for n in range(WINDOWS)
        )
        print(f"  {name:<32}{found / WINDOWS:>6.0%}")
    cost(limits)


def cost(limits: Any) -> None:
    """Prints the CPU seconds of the alarm on a million rows of twenty columns.

    The baseline counts the same rows into the same bins, with NumPy and pandas alone.
    """
    random = np.random.default_rng(3)
    numbers, texts = [f"n{n:02d}" for n in range(14)], [f"t{n}" for n in range(5)]
    rows = pd.DataFrame(random.normal(size=(LARGE, len(numbers))), columns=numbers)
    for name in texts:
        rows[name] = pd.Series(random.choice(list("abcdefgh"), LARGE)).astype("str")
    rows["prediction"] = random.uniform(size=LARGE)
    reference = profile_of(rows.head(10_000), columns_named(tuple(numbers), tuple(texts)))
    began = time.process_time()
    drift(reference, reference.counted(rows), limits)
    seconds = time.process_time() - began
    edges = {
        column.name: np.array(column.edges)
        for column in reference.columns
        if column.kind == "number"
    }
    began = time.process_time()
    for name, places in edges.items():
        np.bincount(
            np.searchsorted(places, rows[name].to_numpy(), side="right"), minlength=len(places) + 1
        )
    for name in texts:
        rows[name].value_counts()
    baseline = time.process_time() - began
    print(
        f"The alarm on {LARGE:,} × 20: {seconds:.2f} s of CPU; counting alone takes"
        f" {baseline:.2f} s, ratio {seconds / baseline:.2f}"
    )


def columns_named(numbers: tuple[str, ...], texts: tuple[str, ...]) -> Any:
    roles: dict[str, Any] = {
        "key": "id",
        "time": None,
        "group": None,
        "target": "y",
        "task": "classification",
    }
    return Columns(
        **roles, numeric=numbers, categorical=texts, ignored=(), private=(), known_values={}
    )


if __name__ == "__main__":
    main()
