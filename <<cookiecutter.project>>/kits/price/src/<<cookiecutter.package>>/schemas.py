"""What rows must look like at each border.

    Features    what is priced: everything known when the price is needed
    Labelled    what is learned from: the same, and the price it was sold for

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
    """One used car on the day it was offered."""

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
    """The same car, and the price it was sold for."""

    price_eur: Series[float] = pa.Field(gt=0, le=1_000_000, metadata={"role": "target"})
