"""The verdict document, decision.json, from which all displays of a verdict are made.

It contains the criteria, the measurements and the digests of data and model. The verdict can
therefore be computed again from it at any time. The digest of the document is a tag of the run and
of the model version, so that a later change of the document is detected.
"""

import hashlib
import json
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from .criteria import (
    ALWAYS,
    ALWAYS_DATA,
    Criteria,
    Decision,
    Frozen,
    Measurement,
    Verdict,
    criteria_digest,
    unused,
)
from .criteria_diff import loosened_checks
from .judge import blocked_by, judge

__all__ = [
    "CandidateRow",
    "ChampionReference",
    "DataSummary",
    "Document",
    "Importance",
    "MetricSummary",
    "ModelSummary",
    "Plots",
]


BUILT_IN = frozenset(criterion.id for criterion in (*ALWAYS, *ALWAYS_DATA))
# What decides nothing and differs between releases: sentences and the estimates in them.
NOT_COMPARED: Any = {
    "reasons": True,
    "results": {
        "__all__": {
            "because": True,
            "more_rows": True,
            "more_rows_at_most": True,
            "slices": {"__all__": {"because": True}},
        }
    },
}


class DataSummary(Frozen):
    """The source, the digest and the row counts of the data."""

    source: str
    digest: str
    rows: int
    rejected: int
    split: str = ""
    training_rows: int = 0
    holdout_rows: int = 0


class ModelSummary(Frozen):
    """The judged model; ``digest`` is the sha256 of its file, checked each time it is loaded."""

    candidate: str
    parameters: dict[str, Any]
    digest: str
    task: str
    classes: tuple[str, ...] = Field(default=(), exclude_if=unused)
    """The names of the classes in the order of their codes, if predictions contain codes."""
    threshold: float | None = None
    calibration: str = "none"
    packages: dict[str, str] = Field(default_factory=dict, exclude_if=unused)
    """The versions of the packages that compute with it."""


class ChampionReference(Frozen):
    """The champion used for the comparison; it must still be the champion at the approval."""

    version: str
    digest: str


class CandidateRow(Frozen):
    """One trial of the search; ``score`` is the primary metric in cross-validation."""

    candidate: str
    parameters: dict[str, Any]
    score: float | None
    seconds: float
    problem: str | None = None


class Importance(Frozen):
    """The permutation importance of a feature, in units of ``metric``.

    ``spread`` is the standard deviation over the repeated shuffles.
    """

    feature: str
    mean: float
    spread: float
    metric: str


class Plots(Frozen):
    """The data of the scorecard's plots.

    ``candidates`` are ordered from best to worst; ``curves`` are named lists of points (x, y).
    """

    primary: str = ""
    candidates: tuple[CandidateRow, ...] = ()
    importance: tuple[Importance, ...] = ()
    curves: dict[str, tuple[tuple[float, float], ...]] = Field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = Field(default=(), exclude_if=unused)
    """The rows of each actual class per decision, in the order of the classes."""


class MetricSummary(Frozen):
    """What a display needs to know of a metric; ``lowest`` is None if there is no lowest value."""

    better: Literal["higher", "lower"]
    unit: str = ""
    lowest: float | None = None


class Document(Frozen):
    """The content of decision.json.

    Version 2 has ``metrics``, classes and their counts. A field that was added since version 1 is
    left out where it is not used, so that the digests of earlier documents stay the same.
    """

    schema_version: Literal[1, 2] = 2
    product: str
    run_id: str
    created: datetime
    judged_on: date
    commit: str | None
    criteria: Criteria
    criteria_digest: str
    previous_criteria: Criteria | None
    data: DataSummary
    model: ModelSummary | None
    champion: ChampionReference | None
    data_measurements: tuple[Measurement, ...]
    measurements: tuple[Measurement, ...]
    data_verdict: Verdict
    verdict: Verdict
    exhibits: Plots = Plots()
    metrics: dict[str, MetricSummary] = Field(default_factory=dict, exclude_if=unused)
    """The metrics of the problem by name; empty in version 1."""
    rules: int = Field(default=1, exclude_if=lambda rules: rules == 1)
    """The rules of the judge; see ``RULES`` in criteria.py."""
    configuration: dict[str, Any] = Field(default_factory=dict, exclude_if=unused)
    """The settings with which it was measured; empty in documents of releases before 0.5."""
    previous_configuration: dict[str, Any] = Field(default_factory=dict, exclude_if=unused)
    """The settings with which the champion was measured."""
    problem: str | None = None
    """The error, if an exception ended the run before the verdict."""

    @property
    def digest(self) -> str:
        """The sha256 of the document's canonical JSON."""
        # From the JSON text, because model_dump would return NaN and not the stored text.
        # Sorted keys and no indentation: the layout of the file does not change the digest.
        canonical = json.dumps(
            json.loads(self.model_dump_json()), sort_keys=True, ensure_ascii=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def further_concerns(self) -> tuple[str, ...]:
        """Concerns beside the criteria: an unloadable champion, or loosened checks for leaks."""
        if self.champion is None or self.rules < 2:
            return ()
        if self.previous_criteria is None:
            return (
                "The champion could not be loaded, so it is not known which bars were loosened"
                " since it was judged.",
            )
        return loosened_checks(self.previous_configuration, self.configuration)

    @property
    def allows_training(self) -> bool:
        """Whether the verdict on the data allows a training."""
        return self.data_verdict.decision is not Decision.BLOCKED

    @property
    def decision(self) -> Decision:
        """The worse of the decisions on data and model; blocked without a model or on an error."""
        if self.problem is not None or self.model is None:
            return Decision.BLOCKED
        # The members of Decision are ordered from best to worst.
        return max(self.data_verdict.decision, self.verdict.decision, key=list(Decision).index)

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The ids of the criteria that block, and *the failed evaluation* after an error."""
        ids = dict.fromkeys((*blocked_by(self.data_verdict), *blocked_by(self.verdict)))
        return (*ids, "the failed evaluation") if self.problem is not None else tuple(ids)

    def to_json(self) -> str:
        """The document as indented JSON."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Document":
        """The document in ``text``; raises pydantic's ValidationError if it is not valid."""
        return cls.model_validate_json(text)

    def contradictions(self) -> tuple[str, ...]:
        """A sentence for each part of the document that contradicts the other parts."""
        found = []
        if criteria_digest(self.criteria) != self.criteria_digest:
            found.append("the criteria do not match their digest")
        again = judge(
            self.data_measurements, self.criteria, on=self.judged_on, of="data", rules=self.rules
        )
        if _dump(again) != _dump(self.data_verdict):
            found.append(
                f"the verdict on the data is {self.data_verdict.decision}, computed again it is"
                f" {again.decision}"
            )
        if self.model is not None:
            again = judge(
                self.measurements,
                self.criteria,
                on=self.judged_on,
                previous=self.previous_criteria,
                further=self.further_concerns,
                rules=self.rules,
            )
            if _dump(again) != _dump(self.verdict):
                found.append(
                    f"the verdict is {self.verdict.decision}, computed again it is {again.decision}"
                )
        elif self.verdict.decision.is_ready:
            found.append(f"the verdict is {self.verdict.decision}, but there is no model")
        return tuple(found)


def _dump(verdict: Verdict) -> Any:
    """The verdict without the sentences and estimates that the engine wrote.

    Another release has others, and its documents must remain valid.
    """
    content = json.loads(verdict.model_dump_json(exclude=NOT_COMPARED))
    for result in content["results"]:
        if result["criterion"]["id"] in BUILT_IN:  # other criteria have the texts of the file
            del result["criterion"]["says"], result["criterion"]["why"]
    # The number of reasons is compared, so that a removed reason is still detected.
    return {**content, "reasons": len(verdict.reasons)}
