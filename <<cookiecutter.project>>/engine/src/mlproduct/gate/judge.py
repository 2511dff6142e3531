"""The judge compares measurements with criteria. What cannot be measured is not met.

The same judge decides whether data can be used for training, whether a model can be released and
whether the champion is still good enough. It reads no file, depends on no model and changes no
alias.
"""

import math
from collections.abc import Sequence
from datetime import date
from typing import Literal

from .bars import hold, subject
from .criteria import (
    ALWAYS,
    ALWAYS_DATA,
    DOUBTS,
    RULES,
    Criteria,
    Criterion,
    Decision,
    Measurement,
    Outcome,
    Result,
    Verdict,
    Waiver,
)
from .criteria_diff import loosened_criteria
from .sliced_criteria import judge_slices

__all__ = ["BUILT_IN", "blocked_by", "is_open_risk", "judge"]


def judge(
    measurements: Sequence[Measurement],
    criteria: Criteria,
    *,
    on: date,
    of: Literal["model", "data", "live"] = "model",
    previous: Criteria | None = None,
    further: Sequence[str] = (),
    rules: int = RULES,
) -> Verdict:
    """The verdict on ``measurements``.

    A criterion is met if the whole interval is on the right side of its bar, not met if the whole
    interval is on the wrong side, and undecided otherwise. A criterion that could not be measured
    is not met and cannot be waived. In a comparison, equal is not better.

    ``on`` is the day of the verdict, which is compared with the waivers and the review date.
    ``previous`` are the criteria by which the champion was judged, or None without a champion;
    they show which bars were loosened since. ``further`` are concerns that do not follow from
    criteria, such as a champion that could not be loaded. With ``of="live"`` only the criteria of
    the file are judged, because the built-in criteria are about training.

    A model needs a must criterion of the file that is not waived; without one, no verdict is better
    than *needs review*. ``rules`` is the set of rules of the release that judged; without it, those
    of this release apply.
    """
    asked = {
        "model": (*criteria.criteria, *ALWAYS),
        "data": (*criteria.data, *ALWAYS_DATA),
        "live": criteria.criteria,
    }[of]
    if rules < 2:
        asked = tuple(criterion for criterion in asked if criterion.id not in DOUBTS)
    # If a criterion has several waivers, the one that ends last applies.
    waivers = {
        waiver.criterion: waiver
        for waiver in sorted(criteria.waivers, key=lambda waiver: waiver.until)
    }
    results = []
    for criterion in asked:
        result = _result(criterion, measurements, criteria, champion=previous is not None)
        results.append(_waived(result, waivers.get(criterion.id), on))
    concerns = [*_concerns(criteria, previous, on), *further]
    if of == "model" and rules >= 2 and not any(map(_decides, results)):
        concerns.append(
            "No must criterion decides on this model: there is none, or all are waived."
        )
    return _verdict(results, concerns)


def _concerns(criteria: Criteria, previous: Criteria | None, on: date) -> list[str]:
    concerns = list(loosened_criteria(previous, criteria)) if previous else []
    if criteria.draft:
        concerns.append(
            "The criteria are a draft. Correct them, remove draft, and train again; a model that a"
            " draft judged cannot become champion."
        )
    if criteria.review_by < on:
        concerns.append(f"The criteria were due for review on {criteria.review_by}.")
    return concerns


def _verdict(results: Sequence[Result], concerns: Sequence[str]) -> Verdict:
    blocking = [result for result in results if _blocks(result)]
    doubts = [result for result in results if is_open_risk(result)]
    warnings = [result for result in results if not _blocks(result) and _warns(result)]
    if blocking:
        decision = Decision.BLOCKED
    elif doubts or concerns:
        decision = Decision.REVIEW
    elif warnings:
        decision = Decision.WARNINGS
    else:
        decision = Decision.READY
    reasons = [
        f"{result.criterion.id}: {result.because}" for result in (*blocking, *doubts, *warnings)
    ]
    return Verdict(decision=decision, reasons=(*reasons, *concerns), results=tuple(results))


def blocked_by(verdict: Verdict) -> tuple[str, ...]:
    """The ids of the criteria that block; empty if none does."""
    return tuple(result.criterion.id for result in verdict.results if _blocks(result))


BUILT_IN = frozenset(criterion.id for criterion in (*ALWAYS, *ALWAYS_DATA))


def _blocks(result: Result) -> bool:
    if result.criterion.id in DOUBTS:
        return result.could_not_be_measured
    if result.criterion.id in BUILT_IN:
        # Undecided is not enough here: such a model cannot be distinguished from guessing.
        return result.outcome is not Outcome.MET
    if result.criterion.level == "info" or result.outcome is not Outcome.NOT_MET:
        return False
    # A level applies to a bar, not to a measurement: a should that was not measured blocks too.
    return result.criterion.level == "must" or result.could_not_be_measured


def _decides(result: Result) -> bool:
    """Whether the result is that of a must criterion of the file that is not waived."""
    criterion = result.criterion
    return (
        criterion.level == "must"
        and criterion.id not in BUILT_IN
        and result.outcome is not Outcome.WAIVED
    )


def is_open_risk(result: Result) -> bool:
    """Whether a named person has to accept the result: an undecided must criterion, or a doubt."""
    if _blocks(result) or result.criterion.level != "must":
        return False
    doubtful = result.criterion.id in DOUBTS and result.outcome is Outcome.NOT_MET
    return doubtful or result.outcome is Outcome.UNDECIDED


def _warns(result: Result) -> bool:
    if result.outcome is Outcome.WAIVED:
        return result.criterion.level != "info"
    return result.criterion.level == "should" and result.outcome in (
        Outcome.NOT_MET,
        Outcome.UNDECIDED,
    )


def _waived(result: Result, waiver: Waiver | None, on: date) -> Result:
    # A waiver applies to a bar, not to a measurement.
    if waiver is None or result.outcome is Outcome.MET or result.could_not_be_measured:
        return result
    if waiver.until < on:
        because = f"{result.because} The waiver by {waiver.by} ended on {waiver.until}."
        return result.model_copy(update={"because": because})
    because = f"{result.because} Waived by {waiver.by} until {waiver.until}: {waiver.why}"
    return result.model_copy(
        update={"outcome": Outcome.WAIVED, "waiver": waiver, "because": because}
    )


# --- one criterion --------------------------------------------------------------------------


def _result(
    criterion: Criterion, measurements: Sequence[Measurement], criteria: Criteria, *, champion: bool
) -> Result:
    found = [each for each in measurements if _answers(criterion, each)]
    if not found:
        return _without_measurement(criterion, champion=champion)
    for each in found:
        if problem := each.problem or _not_a_number(each):
            return _unmeasured(
                criterion, f"{subject(each)} could not be measured: {problem.rstrip('.')}"
            )
    # Neither of two measurements has priority, and the better one must not be selected.
    if len({(each.slice, each.other) for each in found}) < len(found):
        return _unmeasured(criterion, f"{subject(found[0])} was measured more than once")
    return (
        _single(criterion, found[0], criteria)
        if criterion.sliced_by is None
        else judge_slices(criterion, found, criteria)
    )


def _answers(criterion: Criterion, found: Measurement) -> bool:
    asked = (
        criterion.metric,
        criterion.sliced_by,
        criterion.versus,
        criterion.gap_at_most is not None,
    )
    left_out = {found.slice, found.other} & set(criterion.leaving_out)
    return asked == (found.metric, found.by, found.versus, found.other is not None) and not left_out


def _without_measurement(criterion: Criterion, *, champion: bool) -> Result:
    if criterion.versus == "champion" and not champion:
        outcome = Outcome.MET if criterion.if_none == "met" else Outcome.UNDECIDED
        because = (
            f"There is no champion to compare with; if_none makes this criterion {outcome.value}."
        )
        return Result(criterion=criterion, outcome=outcome, because=because)
    what = (
        f"{criterion.metric} by {criterion.sliced_by}" if criterion.sliced_by else criterion.metric
    )
    versus = f" vs {criterion.versus.replace('_', ' ')}" if criterion.versus else ""
    return _unmeasured(criterion, f"There is no measurement of {what}{versus}")


def _unmeasured(criterion: Criterion, because: str) -> Result:
    return Result(
        criterion=criterion,
        outcome=Outcome.NOT_MET,
        because=because + ".",
        could_not_be_measured=True,
    )


def _not_a_number(found: Measurement) -> str | None:
    if found.support == 0:
        return None  # no rows are too few rows, and that has its own sentence
    if not found.intervals:
        return "it has no interval"
    bounds = [bound for interval in found.intervals for bound in (interval.low, interval.high)]
    bad = next((each for each in (found.value, *bounds) if not math.isfinite(each)), None)
    if bad is not None:
        return f"its value or interval is {bad}"
    if any(interval.low > interval.high for interval in found.intervals):
        return "the lower end of its interval is above the upper end"
    return None


def _single(criterion: Criterion, found: Measurement, criteria: Criteria) -> Result:
    result = hold(criterion, found, criteria)
    return Result(
        criterion=criterion,
        outcome=result.outcome,
        because=result.because,
        # The value of a measurement without rows is NaN, which is not a result to show.
        value=None if found.support == 0 else found.value,
        interval=result.interval,
        rows=found.rows,
        more_rows=result.more_rows,
        more_rows_at_most=result.more_rows_at_most,
    )
