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
    """One customer at the end of one month: what is known on that day."""

    customer_id: Series[str] = pa.Field(str_length={"min_value": 1}, metadata={"role": "key"})
    observed_at: Series[pd.Timestamp] = pa.Field(
        ge=pd.Timestamp("2015-01-01"), metadata={"role": "time"}
    )
    email: Series[str] = pa.Field(nullable=True, metadata={"role": "ignored", "pii": True})
    region: Series[str] = pa.Field(isin=["north", "south", "east", "west"], metadata=FEATURE)
    plan: Series[str] = pa.Field(isin=["basic", "plus", "family", "business"], metadata=FEATURE)
    contract: Series[str] = pa.Field(isin=["monthly", "yearly", "two years"], metadata=FEATURE)
    payment: Series[str] = pa.Field(
        isin=["card", "transfer", "invoice"], nullable=True, metadata=FEATURE
    )
    tenure_months: Series[float] = pa.Field(ge=0, le=600, metadata=FEATURE)
    monthly_charge: Series[float] = pa.Field(ge=0, le=1000, metadata=FEATURE)
    support_calls: Series[float] = pa.Field(ge=0, le=100, metadata=FEATURE)
    logins_30d: Series[float] = pa.Field(ge=0, nullable=True, metadata=FEATURE)
    days_since_login: Series[float] = pa.Field(ge=0, nullable=True, metadata=FEATURE)
    data_gb: Series[float] = pa.Field(ge=0, nullable=True, metadata=FEATURE)
    discount: Series[float] = pa.Field(ge=0, le=1, metadata=FEATURE)


class Labelled(Features):
    """The same, and whether the customer had left 60 days later."""

    churned: Series[int] = pa.Field(isin=[0, 1], metadata={"role": "target"})
