"""The API as its clients see it: the schema of a row for OpenAPI, and problems after RFC 9457."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import Response

from ..data.coercion import text_of
from .request_rows import Column, RowProblem, Rows

__all__ = ["answer", "example_of", "problem", "problems_json", "request_schema"]

TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": ["number", "string"]},
    "whole number": {"type": ["integer", "string"]},
    "yes or no": {
        "type": "boolean",
        "description": "yes and no, 1 and 0 are accepted as well, as text or number.",
    },
    "date": {"type": "string", "format": "date-time"},
}
NUMBERS = ("number", "whole number")
# Problems listed in one response: as many as a request may have rows by default.
PROBLEMS_AT_MOST = 1_000


def answer(content: Any, status: int = 200, media_type: str = "application/json") -> Response:
    """A response with ``content`` as JSON."""
    return Response(orjson.dumps(content), status, media_type=media_type)


def problem(status: int, title: str, detail: str, errors: Sequence[RowProblem] = ()) -> Response:
    """A response of type ``application/problem+json``: what is wrong, and in which row and field.

    Source: RFC 9457, https://www.rfc-editor.org/rfc/rfc9457
    """
    payload: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        payload["errors"] = problems_json(errors)
    return answer(payload, status, "application/problem+json")


def problems_json(problems: Sequence[RowProblem]) -> list[dict[str, Any]]:
    """The problems as a response lists them: the first 1,000, and the number of the others."""
    listed = [each.to_json() for each in problems[:PROBLEMS_AT_MOST]]
    others = problems[PROBLEMS_AT_MOST:]
    if others:
        listed.append(
            RowProblem(
                others[0].row, None, f"and {len(others):,} more problems from this row on"
            ).to_json()
        )
    return listed


def request_schema(rows: Rows, rows_at_most: int) -> dict[str, Any]:
    """The body of POST /predict as a JSON schema: every field with its type, range, categories and
    an example.
    """
    fields = {column.name: _field(column) for column in rows.columns}
    for column in rows.columns:
        if column.kind == "text" and "enum" not in fields[column.name]:
            fields[column.name]["maxLength"] = column.characters
    fields |= {
        name: {"description": "Personal data: accepted, but neither read nor stored."}
        for name in rows.validator.columns.private
    }
    if rows.validator.columns.time:
        field = fields[rows.validator.columns.time]
        field["description"] = (
            f"The time of the row; now if omitted. {field.get('description', '')}".strip()
        )
    needed = [c.name for c in rows.columns if not c.nullable and not c.defaults_to_now]
    row = {
        "type": "object",
        "properties": fields,
        "required": needed,
        "additionalProperties": False,
    }
    several = {"type": "array", "items": row, "minItems": 1, "maxItems": rows_at_most}
    return {
        "type": "object",
        "properties": {
            "rows": several,
            "all_or_nothing": {
                "type": "boolean",
                "default": False,
                "description": "Whether one invalid row fails the whole request.",
            },
        },
        "required": ["rows"],
        "additionalProperties": False,
        "example": {"rows": [example_of(rows)]},
    }


def example_of(rows: Rows) -> dict[str, Any]:
    """A made-up row that follows the rules as far as JSON Schema can express them."""
    made = {column.name: _example(column) for column in rows.columns}
    return made | {
        rows.validator.columns.key: "example-1"
        if made[rows.validator.columns.key] == "text"
        else "1"
    }


def _field(column: Column) -> dict[str, Any]:
    kind, spelling = column.kind, column.spelling
    found: dict[str, Any] = dict(TYPES[kind])
    words = [found.pop("description")] if "description" in found else []
    for rule in column.rules:
        if rule.keywords and kind != "yes or no":  # several spellings of yes and no are accepted
            found |= rule.keywords
        else:
            words.append(f"Expected {rule.words}.")
    if kind in NUMBERS:
        words.append(f"A text is read as a cell of a file, such as {_example_of_number(column)}.")
        if "enum" in found:
            decimal = spelling.reading.decimal
            texts = [text_of(value).replace(".", decimal) for value in found["enum"]]
            found["enum"] = [*found["enum"], *texts]
    if spelling.format:
        del found["format"]
        words.append(f"A date as {spelling.example_of_date}.")
    if column.nullable:
        types = found["type"] if isinstance(found["type"], list) else [found["type"]]
        found["type"] = [*types, "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return found | ({"description": " ".join(words)} if words else {})


def _example_of_number(column: Column) -> str:
    example = column.spelling.reading.example
    return example if column.kind == "number" else example[:-2]


def _example(column: Column) -> Any:
    field, kind = _field(column), column.kind
    if "enum" in field:
        return field["enum"][0]
    if kind in NUMBERS:
        low, high = (
            field.get("minimum", field.get("exclusiveMinimum")),
            field.get("maximum", field.get("exclusiveMaximum")),
        )
        low = 0 if low is None else low
        middle = low + 10 if high is None else (low + high) / 2
        return int(middle) if kind == "whole number" else float(middle)
    if kind == "date":
        return column.spelling.example_of_date
    return {"text": "text", "yes or no": True}[kind]
