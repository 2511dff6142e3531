"""The whole reference job in one process, by the product's own verbs.

Train and judge, release, score every row, then score a fifth of them that has shifted, and look at
that. In the product's folder:

    python job.py churn_radar ROWS.parquet SHIFTED.parquet
"""

import sys
from datetime import date
from pathlib import Path

from mlproduct.cli import main as main_of_product

ALL, FIFTH = date(2026, 1, 1), date(2026, 2, 1)
"""The days that the rows are scored on, further apart than a window of monitoring is long."""


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
