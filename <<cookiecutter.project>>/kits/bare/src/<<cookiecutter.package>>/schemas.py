"""The schemas that rows are validated with.

    Features    rows to score: what is known when the prediction is needed
    Labelled    rows to train on: the same columns and the target

The ``metadata`` of a column contains its role. Everything else is defined by Pandera. A row that
breaks a rule is quarantined, with the name of the rule.

    {"role": "key"}       identifies the subject of the row; a subject can have several rows
    {"role": "time"}      when the values of the row became known
    {"role": "group"}     rows of one group are all in the training set or all in the holdout
    {"role": "feature"}   an input of the model
    {"role": "target"}    what the model predicts
    {"role": "ignored"}   validated, but no input of the model
    {..., "kind": "text"} free text; other kinds of features follow from the type
    {..., "pii": True}    personal data: never read
"""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

__all__ = ["Features", "Labelled"]

FEATURE = {"role": "feature"}


class Features(pa.DataFrameModel):
    """One row to predict for: what is known at its time."""

    id: Series[str] = pa.Field(str_length={"min_value": 1}, metadata={"role": "key"})
    at: Series[pd.Timestamp] = pa.Field(ge=pd.Timestamp("2015-01-01"), metadata={"role": "time"})
    amount: Series[float] = pa.Field(ge=0, le=100, metadata=FEATURE)
    visits: Series[float] = pa.Field(ge=0, le=100, metadata=FEATURE)
    kind: Series[str] = pa.Field(isin=["a", "b", "c"], metadata=FEATURE)


class Labelled(Features):
    """The same, and what happened."""

    outcome: Series[int] = pa.Field(isin=[0, 1], metadata={"role": "target"})
