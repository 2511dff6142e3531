"""Compares ``score`` and ``monitor`` for one day with a baseline: ``make bench-scoring``.

The baseline only reads, scores and writes. It, ``score`` and ``monitor`` run in separate processes
for each number of rows. Memory must not grow with the number of rows, nor must the seconds of
monitoring, except for reading them. Writes build/benchmarks-scoring.json.
"""

import argparse
from datetime import date, timedelta
from typing import Any

from sitting import (
    BENCH,
    PRODUCT,
    environment,
    measure,
    python_at,
    released,
    rows_of,
    write_results,
)

FIRST_DAY = date(2026, 1, 1)
DAYS_BETWEEN = timedelta(days=100)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    given = options.parse_args()
    product = released(BENCH / "scoring")
    env = environment(product)
    source = product / "data"
    source.mkdir(exist_ok=True)
    found: list[dict[str, Any]] = []
    for place, rows in enumerate(given.rows):
        day = FIRST_DAY + place * DAYS_BETWEEN
        file = rows_of(rows)
        (source / f"{day}.parquet").symlink_to(file)
        baseline = [
            *python_at("score_baseline.py"),
            "churn_radar",
            str(file),
            str(BENCH / "scored.parquet"),
        ]
        commands = {
            "baseline": baseline,
            "score": [*PRODUCT, "score", "--day", str(day)],
            "monitor": [*PRODUCT, "monitor", "--day", str(day)],
        }
        for what, command in commands.items():
            found.append({"rows": rows, "what": what, **measure(command, product, env)})
            show(found[-1])
    write_results("scoring", found)


def show(one: dict[str, Any]) -> None:
    name = f"{one['rows']:,} rows, {one['what']}"
    speed = f"{one['rows'] / one['wall_seconds']:>10,.0f} rows/s"
    print(
        f"{name:<28}{one['cpu_seconds']:>8.1f} s CPU{one['wall_seconds']:>8.1f}"
        f" s{one['peak_mib']:>8.0f} MiB{speed}"
    )


if __name__ == "__main__":
    main()
