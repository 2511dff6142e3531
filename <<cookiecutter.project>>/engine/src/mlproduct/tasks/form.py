"""The fields of the form with which a person starts a run in Prefect: label, description, example.

A parameter of a flow takes one as its type: ``def approve(version: form.Version, …)``.
"""

from datetime import date
from typing import Annotated, cast

from pydantic import Field
from pydantic.fields import FieldInfo

__all__ = [
    "Cause",
    "Day",
    "Delivery",
    "EarlierVersion",
    "FirstDay",
    "LastDay",
    "Person",
    "Reason",
    "Risks",
    "Shadow",
    "Source",
    "Version",
    "field",
]


def field(label: str, description: str, example: str) -> FieldInfo:
    """A field for ``Annotated``, with the label, description and example that the form shows."""
    # Prefect overwrites the title of a field with the parameter's name, and its page shows no
    # examples; what is in json_schema_extra is merged last.
    shown = {"title": label, "description": f"{description} Example: {example}"}
    return cast(FieldInfo, Field(json_schema_extra={**shown, "examples": [example]}))


Cause = Annotated[str, field("Cause", "Stored with the run.", "New price list")]
Source = Annotated[
    str | None,
    field("Source", "Instead of the source in config/pipeline.yaml.", "data/may.parquet"),
]
Day = Annotated[date | None, field("Day", "Today if empty.", "2026-12-05")]
FirstDay = Annotated[
    date | None,
    field("First day", "With a last day: each unfinished day of the range.", "2026-12-01"),
]
LastDay = Annotated[date | None, field("Last day", "Needs a first day.", "2026-12-05")]
Shadow = Annotated[
    bool | None,
    field("Shadow", "Whether the challenger scores the same rows; as configured if empty.", "true"),
]
Delivery = Annotated[
    str | None, field("File", "Instead of the source in config/scoring.yaml.", "data/labels.csv")
]
Version = Annotated[str, field("Version", "Its number in MLflow.", "7")]
EarlierVersion = Annotated[
    str | None, field("Version", "An earlier champion; the previous one if empty.", "6")
]
Person = Annotated[str, field("Decided by", "The name of a person.", "Ann Lee")]
Reason = Annotated[
    str, field("Reason", "For those who read it later.", "Finds more customers at equal cost")
]
Risks = Annotated[
    list[str] | None,
    field("Accepted risks", "The ids of the undecided criteria.", "every-region-served"),
]
