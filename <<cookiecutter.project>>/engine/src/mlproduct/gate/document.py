"""The one verdict document, decision.json: everything shown anywhere is drawn from it.

It holds the criteria, the measurements and the digests of the data and of the model, so that the
verdict can be computed again from it, by anyone, at any time. Its own digest stands in the tags of
the run and of the model version; a document that was changed afterwards no longer matches.
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
)
from .judge import judge

__all__ = [
    "CandidateRow",
    "ChampionReference",
    "DataSummary",
    "Document",
    "Importance",
    "ModelSummary",
    "Plots",
]


BUILT_IN = frozenset(criterion.id for criterion in (*ALWAYS, *ALWAYS_DATA))
SENTENCES: Any = {
    "reasons": True,
    "results": {"__all__": {"because": True, "slices": {"__all__": {"because": True}}}},
}


class DataSummary(Frozen):
    source: str
    digest: str
    rows: int
    rejected: int
    split: str = ""
    training_rows: int = 0
    holdout_rows: int = 0


class ModelSummary(Frozen):
    """The judged model; ``digest`` is the sha256 of its file, which is checked before every
    loading.
    """

    candidate: str
    parameters: dict[str, Any]
    digest: str
    task: Literal["classification", "regression"]
    threshold: float | None = None
    calibration: str = "none"


class ChampionReference(Frozen):
    """The champion that the model was compared with; it must still be the champion at approval."""

    version: str
    digest: str


class CandidateRow(Frozen):
    """One trial of the search, best first."""

    candidate: str
    parameters: dict[str, Any]
    score: float | None
    seconds: float
    problem: str | None = None


class Importance(Frozen):
    """How much worse the model gets when the feature is shuffled, in units of ``metric``."""

    feature: str
    mean: float
    spread: float
    metric: str


class Plots(Frozen):
    """What the scorecard's pictures show. ``curves`` are named lists of points (x, y)."""

    primary: str = ""
    candidates: tuple[CandidateRow, ...] = ()
    importance: tuple[Importance, ...] = ()
    curves: dict[str, tuple[tuple[float, float], ...]] = Field(default_factory=dict)


class Document(Frozen):
    schema_version: Literal[1] = 1
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
    problem: str | None = None
    """What broke, where an exception ended the evaluation."""

    @property
    def digest(self) -> str:
        """The sha256 of the document's canonical JSON."""
        canonical = json.dumps(
            json.loads(self.model_dump_json()), sort_keys=True, ensure_ascii=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def allows_training(self) -> bool:
        """Whether the data is good enough to learn from."""
        return self.data_verdict.decision is not Decision.BLOCKED

    @property
    def decision(self) -> Decision:
        """What it all comes to: the worse of the verdicts on data and model, blocked where there is
        none.
        """
        if self.problem is not None or self.model is None:
            return Decision.BLOCKED
        return max(self.data_verdict.decision, self.verdict.decision, key=list(Decision).index)

    def to_json(self) -> str:
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Document":
        return cls.model_validate_json(text)

    def contradictions(self) -> tuple[str, ...]:
        """A sentence for everything the document says that does not follow from the rest of it."""
        found = []
        if criteria_digest(self.criteria) != self.criteria_digest:
            found.append("the criteria are not the ones whose digest it carries")
        again = judge(self.data_measurements, self.criteria, on=self.judged_on, of="data")
        if _dump(again) != _dump(self.data_verdict):
            found.append(
                f"the data's verdict is {self.data_verdict.decision}, computed again it is"
                f" {again.decision}"
            )
        if self.model is not None:
            again = judge(
                self.measurements,
                self.criteria,
                on=self.judged_on,
                previous=self.previous_criteria,
            )
            if _dump(again) != _dump(self.verdict):
                found.append(
                    f"the verdict is {self.verdict.decision}, computed again it is {again.decision}"
                )
        elif self.verdict.decision.is_ready:
            found.append(f"the verdict is {self.verdict.decision} and there is no model")
        return tuple(found)


def _dump(verdict: Verdict) -> Any:
    """The verdict without the sentences that this program wrote.

    Another release words them differently, and its documents still follow from their measurements.
    """
    content = json.loads(verdict.model_dump_json(exclude=SENTENCES))
    for result in content["results"]:
        if result["criterion"]["id"] in BUILT_IN:
            del result["criterion"]["says"], result["criterion"]["why"]
    return {**content, "reasons": len(verdict.reasons)}
