"""The responses in the OpenAPI description: a JSON schema for each, including the problems of RFC
9457.

They are not response models of FastAPI, which documents a model under one media type only. A
problem has another media type than a prediction.
"""

from typing import Any

__all__ = ["IDEMPOTENCY_KEY", "LIVE", "MODEL", "READY", "predictions"]

Answers = dict[int | str, dict[str, Any]]

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},  # as KEY in idempotency.py
    "description": (
        "A request with the same key and the same body returns the same response and is logged"
        " once. The same key with another body returns 409."
    ),
}


def _object(needed: dict[str, Any], **others: Any) -> dict[str, Any]:
    fields = {"properties": needed | others, "required": list(needed)}
    return {"type": "object", **fields, "additionalProperties": False}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _json(description: str, schema: dict[str, Any], kind: str = "json") -> dict[str, Any]:
    return {"description": description, "content": {f"application/{kind}": {"schema": schema}}}


TEXT, NUMBER, PLACE = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
PERHAPS_TEXT = {"type": ["string", "null"]}
ERRORS = _list(_object({"row": PLACE, "field": PERHAPS_TEXT, "problem": TEXT}))
PROBLEM = _object(
    {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT}, errors=ERRORS
)


def _problems(description: dict[int, str]) -> Answers:
    return {status: _json(title, PROBLEM, "problem+json") for status, title in description.items()}


KEYED = _problems({401: "No API key", 503: "Not ready"})


def predictions(fields: dict[str, Any]) -> Answers:
    """The responses of POST /predict; ``fields`` are the schemas of a prediction's fields."""
    others = {name: schema for name, schema in fields.items() if name != "decision"}
    prediction = _object(
        {"row": PLACE, "key": {"type": ["string", "integer"]}, "decision": fields["decision"]},
        **others,
    )
    predicted = _object(
        {
            "model": _object({"version": TEXT, "digest": TEXT}),
            "predictions": _list(prediction),
            "errors": ERRORS,
        }
    )
    refused = {
        400: "Invalid JSON",
        408: "Request timeout",
        409: "Key already used",
        413: "Too large",
        422: "No valid row",
        429: "Too many waiting rows",
    }
    described = "A prediction for each valid row, an error for each invalid field"
    return {200: _json(described, predicted), **KEYED, **_problems(refused)}


MODEL: Answers = KEYED | {
    200: _json(
        "The model that serves",
        _object(
            {
                "version": TEXT,
                "digest": TEXT,
                "verdict": TEXT,
                "judged_on": {"type": "string", "format": "date"},
                "candidate": PERHAPS_TEXT,
                "accelerated": {"type": "boolean"},
                "features": _list(TEXT),
                "trouble": PERHAPS_TEXT,
            }
        ),
    )
}
LIVE: Answers = {200: _json("The process runs", _object({"status": {"const": "live"}}))}
HEALTH = _object(
    {"status": {"enum": ["ready", "not ready"]}, "because": PERHAPS_TEXT, "log": PERHAPS_TEXT}
)
READY: Answers = {
    200: _json("The service is ready", HEALTH),
    503: _json("The service is not ready", HEALTH),
}
