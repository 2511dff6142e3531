"""The schema of a delivery of labels: the key, the time and the target of the labelled schema.

If the schema has no time column, a delivery may have a column with the day of the prediction.
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
    """A schema with only the key, the time and the target of ``schema``, and their rules.

    ``day_column`` replaces the time. Raises ConfigError if ``schema`` has a time column, or a
    column with that name.
    """
    columns = columns_of(schema)
    if day_column is not None:
        _refuse_needless(day_column, columns)
    kept = [name for name in (columns.key, columns.time, columns.target) if name]

    # A model, because ``validate`` takes one; Pandera selects columns of a schema only.
    class Answers(schema):
        @classmethod
        def to_schema(cls) -> Any:
            answers = schema.to_schema().select_columns(kept)
            # Rules across columns can need a column that a delivery does not have.
            answers.checks, answers.unique = [], None
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
            f"{setting} – expected none, because labels are matched by {columns.key} and"
            f" {columns.time}, the schema's time – remove it"
        )
    if day_column in (*columns.read, *columns.private):
        raise ConfigError(
            f"{setting}, which is a column of schemas.py – expected a column with the day of the"
            " prediction that only the delivery has – give it another name"
        )
