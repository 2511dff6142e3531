"""What a delivery of labels must look like: the key, the time and the answer of the labelled schema."""

from typing import Any

import pandera.pandas as pa

from ..columns import columns_of

__all__ = ["answers_of"]


def answers_of(schema: type[pa.DataFrameModel]) -> type[pa.DataFrameModel]:
    """A schema with the key, the time and the target of ``schema`` and their rules, and nothing else."""
    columns = columns_of(schema)
    kept = [name for name in (columns.key, columns.time, columns.target) if name]

    class Answers(schema):
        @classmethod
        def to_schema(cls) -> Any:
            answers = schema.to_schema().select_columns(kept)
            answers.checks, answers.unique = [], None  # rules across columns speak of others as well
            return answers

    return Answers
