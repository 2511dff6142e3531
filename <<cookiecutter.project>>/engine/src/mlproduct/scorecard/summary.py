"""The summary of a verdict document that all displays of it have in common."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..gate.bars import rounded
from ..gate.criteria import Decision, Interval, Level, Outcome, Result
from ..gate.document import CandidateRow, Document

__all__ = [
    "Headline",
    "OpenPoint",
    "best_of_each",
    "headline",
    "measured",
    "open_points",
    "results_of",
    "with_unit",
]

NEXT = {
    Decision.READY: "The model can become champion.",
    Decision.WARNINGS: "The model can become champion; read the warnings first.",
    Decision.REVIEW: "The model can become champion only if a named person accepts the open risks.",
    Decision.BLOCKED: "The model cannot become champion.",
}


@dataclass(frozen=True)
class Headline:
    """The decision, the number of criteria per outcome, and what the decision means."""

    decision: Decision
    counts: str
    means: str


@dataclass(frozen=True)
class OpenPoint:
    """A reason why the model is not *ready*, with the sentence of its criterion if it has one."""

    says: str
    because: str
    outcome: Outcome | None = None
    level: Level = "must"


def headline(document: Document) -> Headline:
    """The summary of the model's verdict."""
    decision = document.verdict.decision
    if document.problem is not None:
        return Headline(
            decision, "The run failed before everything was judged.", NEXT[Decision.BLOCKED]
        )
    results = results_of(document)
    met = sum(result.outcome is Outcome.MET for result in results)
    counts = [f"{met} of {len(results)} criteria {'is' if met == 1 else 'are'} met"]
    for outcome in (Outcome.NOT_MET, Outcome.UNDECIDED, Outcome.WAIVED):
        if number_of := sum(result.outcome is outcome for result in results):
            counts.append(f"{number_of} {outcome}")
    means = NEXT[decision] if document.model is not None else "No model was trained on this data."
    if document.criteria.draft and decision is Decision.REVIEW:
        means = "The model cannot become champion, because the criteria are a draft."
    return Headline(decision, ", ".join(counts) + ".", means)


def results_of(document: Document) -> tuple[Result, ...]:
    """The results of the model's criteria, then those of the data's.

    Without a model there are only those of the data.
    """
    # Without a model both verdicts contain the same results: each criterion is listed once.
    judged = (*document.verdict.results, *document.data_verdict.results)
    return tuple({result.criterion.id: result for result in judged}.values())


def open_points(document: Document) -> tuple[OpenPoint, ...]:
    """Every reason of the verdicts; the blocking ones come first."""
    # Each reason once: without a model, both verdicts contain the same ones.
    reasons = dict.fromkeys((*document.verdict.reasons, *document.data_verdict.reasons))
    by_reason = {
        f"{result.criterion.id}: {result.because}": result for result in results_of(document)
    }
    found = []
    for reason in reasons:
        result = by_reason.get(reason)
        if result is None:
            found.append(OpenPoint("", reason))
        else:
            found.append(
                OpenPoint(
                    result.criterion.says, result.because, result.outcome, result.criterion.level
                )
            )
    return tuple(found)


def measured(value: float | None, interval: Interval | None) -> tuple[str, str]:
    """The value and its interval as texts, rounded according to the width of the interval."""
    if value is None or not math.isfinite(value):
        return "–", ""
    shown, *ends = rounded(value, interval)
    return shown, " to ".join(ends)


def with_unit(text: str, metric: str, document: Document) -> str:
    """``text`` with the unit of ``metric``, if that unit is to be shown."""
    known = document.metrics.get(metric)
    unit = known.unit if known else ""
    if unit == "currency":
        unit = document.criteria.value.currency if document.criteria.value else ""
    return text if unit in ("", "target", "rows", "features") or text == "–" else f"{text} {unit}"


def best_of_each(candidates: Sequence[CandidateRow]) -> tuple[CandidateRow, ...]:
    """The best trial of each candidate; ``candidates`` are ordered from best to worst."""
    best: dict[str, CandidateRow] = {}
    for row in candidates:
        best.setdefault(row.candidate, row)
    return tuple(best.values())
