"""What rows must look like at each border.

    Features    what is scored: everything known when the prediction is needed
    Labelled    what is learned from: the same, and the answer

The ``metadata`` of a column says what it is for; the rest is Pandera's own vocabulary. A row that
breaks a rule is quarantined with the rule's name.

    {"role": "key"}       identifies the row's subject; may repeat when a subject is seen again
    {"role": "time"}      when the row became known
    {"role": "group"}     rows of one group stay on one side of the split
    {"role": "feature"}   what the model may look at
    {"role": "target"}    what is predicted
    {"role": "ignored"}   validated, never modelled
    {..., "pii": True}    personal data: never read
"""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

__all__ = ["Features", "Labelled"]

FEATURE = {"role": "feature"}


class Features(pa.DataFrameModel):
    """One customer at the end of one month, as it is known on that day."""

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
    """The same customer, and whether they had left 60 days later."""

    churned: Series[int] = pa.Field(isin=[0, 1], metadata={"role": "target"})
