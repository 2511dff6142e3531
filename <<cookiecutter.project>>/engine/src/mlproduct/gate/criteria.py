"""What good enough means, as three kinds of values.

    Criteria        what the product manager wrote (product/success_criteria.yaml)
    Measurement     what the evaluation found: a value, its interval, the rows it rests on
    Verdict         each criterion met, not met, undecided or waived, and one decision

``judge.py`` holds the second against the first and returns the third. Nothing here reads a file,
knows a model or moves an alias.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from ..config.strict_yaml import Strict, read_yaml

__all__ = [
    "ALWAYS",
    "ALWAYS_DATA",
    "LEVELS",
    "Criteria",
    "Criterion",
    "Decision",
    "Frozen",
    "Interval",
    "Level",
    "Measurement",
    "Outcome",
    "Owner",
    "Result",
    "SliceResult",
    "Value",
    "Verdict",
    "Versus",
    "Waiver",
    "criteria_digest",
    "read_criteria",
]


class Frozen(Strict):
    """Written into the history as JSON, numbers without an end included."""

    model_config = ConfigDict(ser_json_inf_nan="strings")


Sentence = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
Versus = Literal["champion", "do_nothing", "rule"]
Level = Literal["must", "should", "info"]
LEVELS: tuple[Level, ...] = ("must", "should", "info")
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Outcome(StrEnum):
    """What one criterion comes to."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"
    WAIVED = "waived"


class Decision(StrEnum):
    """What a verdict comes to; only the first two can be promoted without a named person."""

    READY = "ready"
    WARNINGS = "ready with warnings"
    REVIEW = "needs review"
    BLOCKED = "blocked"

    @property
    def is_ready(self) -> bool:
        return self in (Decision.READY, Decision.WARNINGS)


# --- what the product manager writes --------------------------------------------------------


class Criterion(Frozen):
    """One statement of good enough: a metric, a bar, and why the bar is where it is.

    Exactly one of ``at_least``, ``at_most`` and ``gap_at_most`` is given; ``gap_at_most`` goes
    with ``by`` and bounds the difference between any two slices.
    """

    id: Name
    says: Sentence
    why: Sentence
    metric: str
    at_least: Amount | None = None
    at_most: Amount | None = None
    gap_at_most: Annotated[Amount, Field(ge=0)] | None = None
    by: str | None = None
    leaving_out: tuple[str, ...] = ()
    versus: Versus | None = None
    if_none: Literal["met", "undecided"] = "undecided"
    level: Level = "must"

    @model_validator(mode="after")
    def _one_bar(self) -> Self:
        given = [
            name
            for name in ("at_least", "at_most", "gap_at_most")
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(
                f"exactly one of at_least, at_most, gap_at_most is expected, found {found}"
            )
        if self.gap_at_most is not None and self.by is None:
            raise ValueError(
                "gap_at_most compares slices: say which with by, for example by: region"
            )
        if self.by is not None and self.versus is not None:
            raise ValueError("by and versus cannot be combined: write two criteria")
        if self.leaving_out and self.by is None:
            raise ValueError("leaving_out names slices: say of which column with by")
        return self

    @property
    def bar(self) -> float:
        bars = (self.at_least, self.at_most, self.gap_at_most)
        return next(bar for bar in bars if bar is not None)


class Waiver(Frozen):
    """One criterion set aside until a date, by a named person, instead of loosening its bar."""

    criterion: str
    until: date
    by: Sentence
    why: Sentence


class Owner(Frozen):
    name: Sentence
    contact: Sentence


class Value(Frozen):
    """What each of the four outcomes of a yes/no decision is worth, in ``currency`` per row."""

    currency: Sentence
    true_positive: Amount
    false_positive: Amount
    false_negative: Amount = 0.0
    true_negative: Amount = 0.0


class Criteria(Frozen):
    """The whole of product/success_criteria.yaml."""

    decision: Sentence
    owner: Owner
    review_by: date
    primary: str
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    approval: Literal["required", "automatic"] = "required"
    smallest: int = Field(default=30, ge=2)
    """Fewer rows than this behind a measurement decide nothing."""
    value: Value | None = None
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    data: tuple[Criterion, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _names(self) -> Self:
        if mistakes := [*self._ids_used_twice(), *self._waivers_of_nothing()]:
            raise ValidationError.from_exception_data("Criteria", mistakes)
        return self

    def _ids_used_twice(self) -> Iterator[InitErrorDetails]:
        seen = {
            criterion.id: "belongs to a built-in criterion; give yours"
            for criterion in (*ALWAYS, *ALWAYS_DATA)
        }
        for part in ("criteria", "data"):
            for place, criterion in enumerate(getattr(self, part)):
                if criterion.id in seen:
                    yield _mistake(
                        (part, place, "id"),
                        criterion.id,
                        f"this id {seen[criterion.id]} another name",
                    )
                seen.setdefault(criterion.id, "is used twice; give one of them")

    def _waivers_of_nothing(self) -> Iterator[InitErrorDetails]:
        ids = [criterion.id for criterion in (*self.criteria, *self.data)]
        for place, waiver in enumerate(self.waivers):
            if waiver.criterion not in ids:
                expected = f"no such criterion in this file; expected one of {', '.join(ids)}"
                yield _mistake(
                    ("waivers", place, "criterion"), waiver.criterion, expected, choices=ids
                )


def _mistake(
    location: tuple[str | int, ...], value: str, expected: str, choices: Sequence[str] = ()
) -> InitErrorDetails:
    """An error that stands at its own key, so that it can be shown with its own line."""
    kind = PydanticCustomError(
        "name", "{expected_here}", {"expected_here": expected, "expected": ", ".join(choices)}
    )
    return InitErrorDetails(type=kind, loc=location, input=value)


ALWAYS = (
    Criterion(
        id="holdout-unseen",
        says="The holdout contains no training rows.",
        why="A result on training rows proves nothing.",
        metric="holdout_rows_trained_on",
        at_most=0,
    ),
    Criterion(
        id="learned-something",
        says="It is better than always predicting the same.",
        why=(
            "Acting on everybody can be profitable even if labels and rows do not belong together."
        ),
        metric="skill",
        at_least=0.02,
    ),
)
"""Judged for every model. *Undecided* blocks here, and nobody can accept it."""

ALWAYS_DATA = (
    Criterion(
        id="no-leak",
        says="No single feature reveals the target.",
        why="Such a feature is usually not known at prediction time.",
        metric="leaking_features",
        at_most=0,
    ),
)
"""Judged before every training whatever the file says."""


# --- what the evaluation finds --------------------------------------------------------------


class Interval(Frozen):
    low: float
    high: float


class Measurement(Frozen):
    """One metric on one set of rows.

    ``rows`` is the number of rows looked at and ``support`` the number that the metric rests on
    (the leavers, for a recall; None for what is counted or weighed and has no sampling error, as
    the size of a file). ``intervals[k]`` is the interval at confidence 1 − (1 − confidence)/(k +
    1): one for a single measurement; as many as there are comparisons in its family for slices, so
    that the judge can correct for their number. A measurement that could not be taken has a
    ``problem`` and no meaning otherwise.
    """

    metric: str
    value: float = math.nan
    intervals: tuple[Interval, ...] = ()
    rows: int = 0
    support: int | None = None
    by: str | None = None
    slice: str | None = None
    other: str | None = None
    """With ``slice``: the value is the difference slice − other."""
    versus: Versus | None = None
    """The value is the difference to this, on the same rows."""
    problem: str | None = None
    note: str | None = None
    counted: str = "labelled rows"
    """What ``rows`` are, where more of them would narrow the interval."""

    @property
    def interval(self) -> Interval:
        return self.intervals[0] if self.intervals else Interval(low=self.value, high=self.value)


# --- what the judge says --------------------------------------------------------------------


class Result(Frozen):
    """What one criterion came to, on which measurement, in a sentence."""

    criterion: Criterion
    outcome: Outcome
    because: str
    value: float | None = None
    interval: Interval | None = None
    rows: int | None = None
    more_rows: int | None = None
    slices: tuple["SliceResult", ...] = ()
    could_not_be_measured: bool = False
    waiver: Waiver | None = None


class SliceResult(Frozen):
    slice: str
    outcome: Outcome
    value: float | None
    interval: Interval | None
    rows: int
    because: str = ""


class Verdict(Frozen):
    """One decision, the results it rests on, and the reasons for it in sentences."""

    decision: Decision
    reasons: tuple[str, ...]
    results: tuple[Result, ...]


def read_criteria(path: Path) -> Criteria:
    return read_yaml(path, Criteria)


def criteria_digest(criteria: Criteria) -> str:
    """The sha256 of what the criteria mean: comments and layout of the file do not change it."""
    canonical = json.dumps(criteria.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
