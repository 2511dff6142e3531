"""The values of the gate: criteria, measurements and verdicts.

    Criteria        the product manager's file (product/success_criteria.yaml)
    Measurement     a result of the evaluation: a value, its interval, the rows it is based on
    Verdict         each criterion met, not met, undecided or waived, and one decision

``judge.py`` compares measurements with criteria and returns a verdict. This module depends on no
model and changes no alias. Only ``read_criteria`` reads a file.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from ..config.strict_yaml import TAG, Strict, read_yaml

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "ALWAYS",
    "ALWAYS_DATA",
    "BARS",
    "BY_CLASS",
    "DOUBTS",
    "LEVELS",
    "RULES",
    "AnyValue",
    "ClassValue",
    "Criteria",
    "CriteriaFile",
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
    "same_name",
    "unused",
]


def unused(value: object) -> bool:
    """Whether a field that an earlier release did not have is empty; it is then not stored.

    Documents and digests of earlier releases would otherwise change.
    """
    return not value


class Frozen(Strict):
    """A value that is stored as JSON; infinity and NaN are stored as texts."""

    # By default pydantic writes null for both, which cannot be read back as a number.
    model_config = ConfigDict(ser_json_inf_nan="strings")


Sentence = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
# No comma, colon or blank: the audit log stores ids in one text, separated by them.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
Versus = Literal["champion", "do_nothing", "rule"]
# The slices of a criterion with by_class. Not "class", which is a common name of a column.
BY_CLASS = "target class"
# The kinds of bars.
BARS = ("at_least", "at_most", "gap_at_most")
Level = Literal["must", "should", "info"]
# The strictest first: criteria_diff.py compares the positions.
LEVELS: tuple[Level, ...] = ("must", "should", "info")
# Strict: true or a text in quotes is a mistake and is not converted to a number.
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Outcome(StrEnum):
    """The outcome of one criterion."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"
    WAIVED = "waived"


class Decision(StrEnum):
    """The decision of a verdict, from best to worst.

    Only the first two can be promoted without a named person who accepts the open risks.
    """

    READY = "ready"
    WARNINGS = "ready with warnings"
    REVIEW = "needs review"
    BLOCKED = "blocked"

    @property
    def is_ready(self) -> bool:
        """Whether no open risk has to be accepted before a promotion."""
        return self in (Decision.READY, Decision.WARNINGS)


# --- the product manager's file --------------------------------------------------------


class Criterion(Frozen):
    """One requirement: a metric, a bar and the reason for the bar.

    Exactly one of ``at_least``, ``at_most`` and ``gap_at_most`` is given. ``gap_at_most`` requires
    ``by`` or ``by_class`` and limits the difference between any two slices or classes.
    """

    id: Name
    says: Sentence
    why: Sentence
    metric: str
    at_least: Amount | None = None
    at_most: Amount | None = None
    gap_at_most: Annotated[Amount, Field(ge=0)] | None = None
    by: str | None = None
    by_class: bool = Field(default=False, exclude_if=unused)
    leaving_out: tuple[str, ...] = ()
    versus: Versus | None = None
    if_none: Literal["met", "undecided"] = "undecided"
    level: Level = "must"

    @model_validator(mode="after")
    def _one_bar(self) -> Self:
        given = [name for name in BARS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(
                f"found {found} – expected exactly one of at_least, at_most, gap_at_most"
            )
        if self.by is not None and self.by_class:
            raise ValueError("by and by_class cannot be combined – write two criteria")
        for name in ("gap_at_most", "leaving_out"):
            if getattr(self, name) not in (None, ()) and self.sliced_by is None:
                raise ValueError(
                    f"{name} has no by – expected the column of the slices – add it, for example"
                    " by: region, or by_class: true for the classes of the target"
                )
        if self.sliced_by is not None and self.versus is not None:
            raise ValueError("by and versus cannot be combined – write two criteria")
        return self

    @property
    def sliced_by(self) -> str | None:
        """The column of the slices, or ``BY_CLASS`` for the classes of the target."""
        return BY_CLASS if self.by_class else self.by

    @property
    def bar(self) -> float:
        """The value of ``at_least``, ``at_most`` or ``gap_at_most``."""
        return float(getattr(self, self.kind))

    @property
    def kind(self) -> str:
        """The name of the bar: ``at_least``, ``at_most`` or ``gap_at_most``."""
        return next(name for name in BARS if getattr(self, name) is not None)


class Waiver(Frozen):
    """The exception of one criterion by a named person; its bar does not change.

    ``until`` is the last day on which it is valid.
    """

    criterion: str
    until: date
    by: Sentence
    why: Sentence


class Owner(Frozen):
    """The person or team that is responsible for the criteria."""

    name: Sentence
    contact: Sentence


class Value(Frozen):
    """The value of each of the four outcomes of a yes/no decision, in ``currency`` per row."""

    currency: Sentence
    true_positive: Amount
    false_positive: Amount
    false_negative: Amount = 0.0
    true_negative: Amount = 0.0


def _as_text(name: object) -> object:
    # A whole number in YAML; in JSON, every key is a text, and both have to be equal.
    return str(name) if type(name) is int else name


ClassName = Annotated[str, BeforeValidator(_as_text)]


class ClassValue(Frozen):
    """The value of each decision between several classes, in ``currency`` per row.

    ``matrix`` has the exceptions from ``right`` and ``wrong``: the actual class, then the decision.
    ``person`` is the value of a row that a person has to decide.
    """

    currency: Sentence
    right: Amount
    wrong: Amount
    person: Amount = 0.0
    matrix: dict[ClassName, dict[ClassName, Amount]] = Field(default_factory=dict)

    def amounts(self, classes: Sequence[str]) -> "np.ndarray":
        """The K × K values: a row per actual class, a column per decision."""
        import numpy as np  # not at the top: ``--help`` reads this module

        found = np.full((len(classes), len(classes)), self.wrong)
        np.fill_diagonal(found, self.right)
        places = {name: place for place, name in enumerate(classes)}
        for actual, decisions in self.matrix.items():
            for decided, amount in decisions.items():
                found[places[actual], places[decided]] = amount
        return found


def _kind_of_value(given: object) -> str:
    """Which of the two forms of ``value`` is meant, from its keys."""
    if isinstance(given, dict):
        return CLASSES if {"right", "wrong", "person", "matrix"} & given.keys() else OUTCOMES
    return CLASSES if isinstance(given, ClassValue) else OUTCOMES


# Tags in a location, which are no keys of the file; see ``strict_yaml``.
OUTCOMES, CLASSES = f"{TAG}outcomes", f"{TAG}classes"
AnyValue = Value | ClassValue
EitherValue = Annotated[
    Annotated[Value, Tag(OUTCOMES)] | Annotated[ClassValue, Tag(CLASSES)],
    Discriminator(_kind_of_value),
]


class Criteria(Frozen):
    """The content of product/success_criteria.yaml."""

    decision: Sentence
    owner: Owner
    review_by: date
    primary: str
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    approval: Literal["required", "automatic"] = "required"
    approvers: tuple[Sentence, ...] = Field(default=(), exclude_if=unused)
    """The people who may approve, reject and roll back; empty if everyone may."""
    draft: bool = Field(default=False, exclude_if=unused)
    """Whether the bars are only proposals. A model that they judged never becomes champion."""
    smallest: int = Field(default=30, ge=2)
    """A measurement on fewer rows is undecided."""
    value: EitherValue | None = None
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    data: tuple[Criterion, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _names(self) -> Self:
        if mistakes := [*self.ids_used_twice(), *self.waivers_of_nothing()]:
            # Pydantic would report a ValueError once, for the whole file and without lines.
            raise ValidationError.from_exception_data("Criteria", mistakes)
        return self

    def ids_used_twice(self) -> Iterator[InitErrorDetails]:
        """An error for each id that another criterion has."""
        seen = {
            criterion.id: "belongs to a built-in criterion" for criterion in (*ALWAYS, *ALWAYS_DATA)
        }
        for part in ("criteria", "data"):
            for place, criterion in enumerate(getattr(self, part)):
                if criterion.id in seen:
                    yield _mistake(
                        (part, place, "id"),
                        criterion.id,
                        f"this id {seen[criterion.id]} – use another name",
                    )
                seen.setdefault(criterion.id, "is used twice")

    def waivers_of_nothing(self) -> Iterator[InitErrorDetails]:
        """An error for each waiver of a criterion that does not exist."""
        ids = [criterion.id for criterion in (*self.criteria, *self.data)]
        for place, waiver in enumerate(self.waivers):
            if waiver.criterion not in ids:
                expected = f"no such criterion in this file – expected one of {', '.join(ids)}"
                yield _mistake(
                    ("waivers", place, "criterion"), waiver.criterion, expected, choices=ids
                )


class CriteriaFile(Criteria):
    """The criteria as a file may state them.

    Its limits are stricter than those of stored criteria, which an earlier release accepted.
    """

    # With less, chance decides: at 0.8, one of ten bad models already passes a bar. With more,
    # hardly anything is decided, and a person could accept what is clearly not met.
    confidence: float = Field(default=0.95, ge=0.8, le=0.999)
    smallest: int = Field(default=30, ge=10)


def _mistake(
    location: tuple[str | int, ...], value: str, expected: str, choices: Sequence[str] = ()
) -> InitErrorDetails:
    """An error with the location of its key, so that its line in the file can be shown."""
    kind = PydanticCustomError(
        "name", "{expected_here}", {"expected_here": expected, "expected": ", ".join(choices)}
    )
    return InitErrorDetails(type=kind, loc=location, input=value)


# Built-in criteria for every model. Except for ``DOUBTS``, undecided blocks here, and no one can
# accept it: a model that cannot be distinguished from guessing is not useful.
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
        says="The model is better than always predicting the same.",
        why="Acting on every row can be profitable without learning anything.",
        metric="skill",
        at_least=0.02,
    ),
    Criterion(
        id="not-too-good",
        says="The model is not nearly perfect.",
        why="A nearly perfect result usually has another cause than a good model.",
        metric="implausible_skill",
        at_most=0,
    ),
)

# Built-in criteria for the data, judged before every training.
ALWAYS_DATA = (
    Criterion(
        id="no-leak",
        says="No feature or combination of features reveals the target.",
        why="Such a feature is usually not known at prediction time.",
        metric="leaking_features",
        at_most=0,
    ),
    Criterion(
        id="no-doubtful-feature",
        says="No feature is suspiciously strong alone.",
        why="A person has to know why it is known at prediction time.",
        metric="doubtful_features",
        at_most=0,
    ),
)

# The built-in criteria that do not block: a named person accepts what they found.
DOUBTS = frozenset({"not-too-good", "no-doubtful-feature"})

# The rules of the judge that are not in the file. Rule set 2 (0.5.0) has ``DOUBTS``, and needs a
# must criterion of the file that decides. Stored verdicts are computed again by their own rules.
RULES = 2


# --- the results of the evaluation --------------------------------------------------------------


class Interval(Frozen):
    """A confidence interval; both ends are equal if the value has no sampling error."""

    low: float
    high: float


class Measurement(Frozen):
    """One metric on one set of rows.

    ``rows`` is the number of evaluated rows and ``support`` the number of rows that the metric is
    based on (the actual positives for recall; None for values without a sampling error, such as
    the size of a file). ``intervals[k]`` is the interval at confidence 1 − (1 − confidence)/(k +
    1). A single measurement has one. A slice has as many as there are slices or pairs of its
    criterion, so that the judge can correct for their number. If the measurement failed,
    ``problem`` contains the reason and the other values have no meaning.
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
    """The value is the difference to this baseline on the same rows."""
    problem: str | None = None
    note: str | None = None
    counted: str = "labelled rows"
    """The kind of ``rows``; more of them would narrow the interval."""
    settled_by: str | None = Field(default=None, exclude_if=unused)
    """Sentences for an undecided outcome that more rows would not settle: the cause, what to do."""

    @property
    def interval(self) -> Interval:
        """The interval at the confidence of the criteria, not corrected for several slices."""
        return self.intervals[0] if self.intervals else Interval(low=self.value, high=self.value)


# --- the result of the judge --------------------------------------------------------------------


class Result(Frozen):
    """The outcome of one criterion, its measurement and the reason in a sentence.

    ``more_rows`` to ``more_rows_at_most`` is the plausible range of the additional rows that would
    settle an undecided outcome. An end that cannot be estimated is None.
    """

    criterion: Criterion
    outcome: Outcome
    because: str
    value: float | None = None
    interval: Interval | None = None
    rows: int | None = None
    more_rows: int | None = None
    more_rows_at_most: int | None = Field(default=None, exclude_if=unused)
    slices: tuple["SliceResult", ...] = ()
    could_not_be_measured: bool = False
    waiver: Waiver | None = None


class SliceResult(Frozen):
    """The outcome of one slice, or of one pair of slices."""

    slice: str
    outcome: Outcome
    value: float | None
    interval: Interval | None
    rows: int
    because: str = ""


class Verdict(Frozen):
    """One decision, the results that it is based on, and its reasons in sentences."""

    decision: Decision
    reasons: tuple[str, ...]
    results: tuple[Result, ...]


def read_criteria(path: Path) -> Criteria:
    """The criteria in the file ``path``; raises ConfigError with the line of each mistake."""
    # Not as CriteriaFile, which would differ from the same criteria read from a document.
    return Criteria.model_validate(dict(read_yaml(path, CriteriaFile)))


def same_name(name: str) -> str:
    """The name of a person for comparisons: without case and repeated blanks."""
    return " ".join(name.split()).casefold()


def criteria_digest(criteria: Criteria) -> str:
    """The sha256 of the content of the criteria, without comments and layout of the file."""
    # Sorted keys: the order of the fields in a release does not change the digest.
    canonical = json.dumps(criteria.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
