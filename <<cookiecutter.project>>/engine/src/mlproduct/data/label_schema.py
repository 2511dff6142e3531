"""What a delivery of labels must look like: the key, the time and the answer of the labelled
schema.

Where the schema has no time column a delivery may have one with the day of the prediction instead.
"""

from typing import Any

import pandas as pd
import pandera.pandas as pa

from ..errors import ConfigError
from .columns import Columns, columns_of

__all__ = ["answers_of"]


def answers_of(
    schema: type[pa.DataFrameModel], day_column: str | None = None
) -> type[pa.DataFrameModel]:
    """A schema with the key, the time and the target of ``schema`` and their rules, and nothing
    else.

    ``day_column`` takes the place of the time. Raises ConfigError where there is one already, or
    the name is taken.
    """
    columns = columns_of(schema)
    if day_column is not None:
        _refuse_needless(day_column, columns)
    kept = [name for name in (columns.key, columns.time, columns.target) if name]

    class Answers(schema):
        @classmethod
        def to_schema(cls) -> Any:
            answers = schema.to_schema().select_columns(kept)
            answers.checks, answers.unique = (
                [],
                None,
            )  # rules across columns speak of others as well
            if day_column is None:
                return answers
            return answers.add_columns(
                {day_column: pa.Column(pd.Timestamp, metadata={"role": "time"})}
            )

    return Answers


def _refuse_needless(day_column: str, columns: Columns) -> None:
    setting = f"config/scoring.yaml: labels.day_column is {day_column}"
    if columns.time is not None:
        raise ConfigError(
            f"{setting} – labels are matched by {columns.key} and {columns.time}, the schema's"
            " time – take it out"
        )
    if day_column in (*columns.read, *columns.private):
        raise ConfigError(
            f"{setting}, which is a column of schemas.py – expected a column of the delivery alone,"
            " with the day of the prediction – give it another name"
        )
