"""Runs the whole reference job in one process, with the product's own verbs.

Train and judge a model, release it, score all rows, score a shifted fifth of them, and monitor that
fifth. In the product's folder:

    python job.py churn_radar ROWS.parquet SHIFTED.parquet
"""

import sys
from datetime import date
from pathlib import Path

from mlproduct.cli import main as main_of_product

# The days on which the rows are scored. No window of monitoring contains both.
ALL, FIFTH = date(2026, 1, 1), date(2026, 2, 1)


def main(package: str, rows: str, shifted: str) -> None:
    Path("data").mkdir(exist_ok=True)
    for day, source in ((ALL, rows), (FIFTH, shifted)):
        link = Path(f"data/{day}.parquet")
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    for words in (
        ["train", "--source", rows],
        ["approve", "1", "--by", "bench@example.com", "--because", "It is the reference."],
        ["score", "--day", str(ALL)],
        ["score", "--day", str(FIFTH)],
        ["monitor", "--day", str(FIFTH)],
    ):
        if code := main_of_product(package, words):
            raise SystemExit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
