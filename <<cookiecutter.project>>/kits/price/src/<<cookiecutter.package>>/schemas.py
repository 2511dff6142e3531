"""The schemas that rows are validated with.

    Features    rows to price: what is known when the price is needed
    Labelled    rows to train on: the same columns and the price of the sale

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
    """One used car: what is known on the day that it is offered."""

    listing_id: Series[str] = pa.Field(str_length={"min_value": 1}, metadata={"role": "key"})
    listed_at: Series[pd.Timestamp] = pa.Field(
        ge=pd.Timestamp("2015-01-01"), metadata={"role": "time"}
    )
    seller_email: Series[str] = pa.Field(nullable=True, metadata={"role": "ignored", "pii": True})
    category: Series[str] = pa.Field(isin=["small", "family", "estate", "suv"], metadata=FEATURE)
    brand: Series[str] = pa.Field(
        isin=["Alba", "Brio", "Corsa Nova", "Duro", "Elan"], metadata=FEATURE
    )
    fuel: Series[str] = pa.Field(isin=["petrol", "diesel", "electric"], metadata=FEATURE)
    gearbox: Series[str] = pa.Field(isin=["manual", "automatic"], nullable=True, metadata=FEATURE)
    age_years: Series[float] = pa.Field(ge=0, le=60, metadata=FEATURE)
    mileage_km: Series[float] = pa.Field(ge=0, le=1_000_000, metadata=FEATURE)
    power_kw: Series[float] = pa.Field(gt=0, le=1000, nullable=True, metadata=FEATURE)
    doors: Series[float] = pa.Field(ge=2, le=6, nullable=True, metadata=FEATURE)
    previous_owners: Series[float] = pa.Field(ge=0, le=30, metadata=FEATURE)


class Labelled(Features):
    """The same, and the price that the car was sold for."""

    price_eur: Series[float] = pa.Field(gt=0, le=1_000_000, metadata={"role": "target"})
