"""The value of decisions between classes in the criteria file."""

import json

import pytest
from mlproduct.gate.criteria import ClassValue, Criteria, criteria_digest
from pydantic import ValidationError

from ..scorecard.documents import CHURN

VALUE = {"currency": "EUR", "right": 2, "wrong": -4, "person": -1}


def test_integer_classes_are_the_same_after_a_verdict_is_stored() -> None:
    """Otherwise, the criteria of the champion would seem to be others than today's."""
    written = Criteria.model_validate({**CHURN, "value": {**VALUE, "matrix": {30: {10: -6.0}}}})
    stored = Criteria.model_validate_json(written.model_dump_json())
    assert stored == written
    assert criteria_digest(stored) == criteria_digest(written)
    assert json.loads(written.model_dump_json())["value"]["matrix"] == {"30": {"10": -6.0}}


def test_amounts_are_right_wrong_and_the_exceptions() -> None:
    value = ClassValue.model_validate({**VALUE, "matrix": {"a": {"b": -6.0}, "b": {"b": 3.0}}})
    assert value.amounts(("a", "b", "c")).tolist() == [[2, -6, -4], [-4, 3, -4], [-4, -4, 2]]


def test_a_text_is_no_amount() -> None:
    with pytest.raises(ValidationError, match="float_type"):
        ClassValue.model_validate({**VALUE, "matrix": {"a": {"b": "-6"}}})
