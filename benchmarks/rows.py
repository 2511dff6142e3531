"""The rows of the reference job: 12 numbers and 6 texts with missing values, 5 % positives.

python rows.py ROWS TARGET.parquet | shifted FILE.parquet TARGET.parquet | as-json FILE.parquet ROWS
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["reference_rows"]


def reference_rows(rows: int, seed: int = 7) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"row_id": [f"r{n:08d}" for n in range(rows)]}).astype("str")
    frame["seen_at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(
        random.integers(0, 300, rows), unit="D"
    )
    for n in range(12):
        frame[f"n{n:02d}"] = random.normal(size=rows)
    for n in range(6):
        frame[f"t{n}"] = pd.Series(random.integers(0, 8, rows)).map("v{}".format).astype("str")
    odds = (
        -4.4
        + 1.2 * frame["n00"]
        + 0.8 * frame["n01"]
        - 0.8 * frame["n02"]
        + 1.0 * (frame["t0"] == "v3")
    )
    frame["y"] = (random.uniform(size=rows) < 1 / (1 + np.exp(-odds))).astype("int64")
    for name in [f"n{n:02d}" for n in range(12)] + [f"t{n}" for n in range(6)]:
        frame.loc[random.uniform(size=rows) < 0.03, name] = None
    return frame


def shifted_fifth(path: str) -> pd.DataFrame:
    """Every fifth row of a file, with the first number raised by half a standard deviation."""
    frame = pd.read_parquet(path).iloc[::5].reset_index(drop=True)
    return frame.assign(n00=frame["n00"] + 0.5)


def as_json(path: str, rows: int) -> str:
    """The first rows of a file, as JSON for the service."""
    text: str = (
        pd.read_parquet(path)
        .drop(columns="y")
        .head(rows)
        .to_json(orient="records", date_format="iso")
    )
    return text


if __name__ == "__main__" and sys.argv[1] == "as-json":
    print(as_json(sys.argv[2], int(sys.argv[3])))
elif __name__ == "__main__" and sys.argv[1] == "shifted":
    shifted_fifth(sys.argv[2]).to_parquet(sys.argv[3], index=False)
elif __name__ == "__main__":
    target = Path(sys.argv[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    reference_rows(int(sys.argv[1])).to_parquet(target, index=False)
