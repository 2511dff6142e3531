"""The schemas of the reference job: 12 numbers and 6 texts with missing values, 5 % positives."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

__all__ = ["Features", "Labelled"]

FEATURE = {"role": "feature"}
NUMBER = {"nullable": True, "metadata": FEATURE}
TEXT = {"isin": [f"v{n}" for n in range(8)], "nullable": True, "metadata": FEATURE}


class Features(pa.DataFrameModel):
    row_id: Series[str] = pa.Field(metadata={"role": "key"})
    seen_at: Series[pd.Timestamp] = pa.Field(metadata={"role": "time"})
    n00: Series[float] = pa.Field(**NUMBER)
    n01: Series[float] = pa.Field(**NUMBER)
    n02: Series[float] = pa.Field(**NUMBER)
    n03: Series[float] = pa.Field(**NUMBER)
    n04: Series[float] = pa.Field(**NUMBER)
    n05: Series[float] = pa.Field(**NUMBER)
    n06: Series[float] = pa.Field(**NUMBER)
    n07: Series[float] = pa.Field(**NUMBER)
    n08: Series[float] = pa.Field(**NUMBER)
    n09: Series[float] = pa.Field(**NUMBER)
    n10: Series[float] = pa.Field(**NUMBER)
    n11: Series[float] = pa.Field(**NUMBER)
    t0: Series[str] = pa.Field(**TEXT)
    t1: Series[str] = pa.Field(**TEXT)
    t2: Series[str] = pa.Field(**TEXT)
    t3: Series[str] = pa.Field(**TEXT)
    t4: Series[str] = pa.Field(**TEXT)
    t5: Series[str] = pa.Field(**TEXT)


class Labelled(Features):
    y: Series[int] = pa.Field(isin=[0, 1], metadata={"role": "target"})
