"""The schemas that rows are validated with.

    Features    rows to route: what is known when the message arrives
    Labelled    rows to train on: the same columns and the team that solved the case

The ``metadata`` of a column contains its role. Everything else is defined by Pandera. A row that
breaks a rule is quarantined, with the name of the rule.

    {"role": "key"}       identifies the subject of the row; a subject can have several rows
    {"role": "time"}      when the values of the row became known
    {"role": "group"}     rows of one group are all in the training set or all in the holdout
    {"role": "feature"}   an input of the model; with "kind": "text" a free text, not a category
    {"role": "target"}    what the model predicts
    {"role": "ignored"}   validated, but no input of the model
    {..., "pii": True}    personal data: never read
"""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

__all__ = ["TEAMS", "Features", "Labelled"]

FEATURE = {"role": "feature"}

# The classes. A label of another team is quarantined until the team is added here.
TEAMS = ["billing", "delivery", "returns", "account", "technical", "advice"]


class Features(pa.DataFrameModel):
    """One message: what is known when it arrives."""

    message_id: Series[str] = pa.Field(str_length={"min_value": 1}, metadata={"role": "key"})
    received_at: Series[pd.Timestamp] = pa.Field(
        ge=pd.Timestamp("2015-01-01"), metadata={"role": "time"}
    )
    email: Series[str] = pa.Field(nullable=True, metadata={"role": "ignored", "pii": True})
    channel: Series[str] = pa.Field(isin=["email", "form", "chat"], nullable=True, metadata=FEATURE)
    language: Series[str] = pa.Field(isin=["en", "de"], metadata=FEATURE)
    message: Series[str] = pa.Field(
        str_length={"min_value": 1, "max_value": 10_000},
        metadata={"role": "feature", "kind": "text"},
    )
    customer_since: Series[pd.Timestamp] = pa.Field(
        ge=pd.Timestamp("1990-01-01"), nullable=True, metadata=FEATURE
    )


class Labelled(Features):
    """The same, and the team that solved the case."""

    team: Series[str] = pa.Field(isin=TEAMS, metadata={"role": "target"})
