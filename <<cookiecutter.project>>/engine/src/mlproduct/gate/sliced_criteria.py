"""The result of a criterion over slices.

With more slices, a wrong result by chance becomes more likely. They are therefore judged together.
"""

import math
from collections.abc import Callable, Sequence

from .bars import (
    BarResult,
    enough,
    met_in_words,
    result_of,
    right_side,
    slice_name,
    too_few,
    wrong_side,
)
from .criteria import Criteria, Criterion, Interval, Measurement, Outcome, Result, SliceResult

__all__ = ["judge_slices"]

# The sentences about classes in one reason; the other classes are named after them.
SENTENCES = 5


def judge_slices(criterion: Criterion, found: Sequence[Measurement], criteria: Criteria) -> Result:
    """The result of all slices (or pairs of slices) together, which is that of the worst one."""
    results = _hold_together(criterion, found, criteria)
    outcome, because = _together(criterion, found, results)
    worst = _worst(criterion, found)
    undecided = [one for one in results if one.outcome is Outcome.UNDECIDED]
    most = max((one.more_rows_at_most or math.inf for one in undecided), default=math.inf)
    slices = (
        SliceResult(
            slice=slice_name(each),
            outcome=one.outcome,
            value=None if each.support == 0 else each.value,
            interval=one.interval,
            rows=each.rows,
            because=one.because,
        )
        for each, one in zip(found, results, strict=True)
    )
    return Result(
        criterion=criterion,
        outcome=outcome,
        because=because,
        value=None if found[worst].support == 0 else found[worst].value,
        interval=results[worst].interval,
        rows=_rows(criterion, found),
        # The maximum, because every slice has to be decided.
        more_rows=max((one.more_rows for one in undecided if one.more_rows), default=None),
        more_rows_at_most=int(most) if most < math.inf else None,
        slices=tuple(slices),
    )


def _rows(criterion: Criterion, found: Sequence[Measurement]) -> int | None:
    # Pairs share slices: a sum over pairs would count the same rows several times.
    if criterion.gap_at_most is not None:
        return None
    # Every row counts for the class it belongs to and for the class it was given.
    return found[0].rows if criterion.by_class else sum(each.rows for each in found)


def _together(
    criterion: Criterion, found: Sequence[Measurement], results: Sequence[BarResult]
) -> tuple[Outcome, str]:
    outcomes = {one.outcome for one in results}
    outcome = next(
        each for each in (Outcome.NOT_MET, Outcome.UNDECIDED, Outcome.MET) if each in outcomes
    )
    one, several = ("class", "classes") if criterion.by_class else ("slice", "slices")
    if criterion.gap_at_most is not None:
        one, several = "difference", "differences"
    together = f"All {len(results)} {several} are" if len(results) > 1 else f"The only {one} is"
    because = f"{together} {met_in_words(criterion)}."
    if outcome is not Outcome.MET:
        decisive = [
            (each, one.because)
            for each, one in zip(found, results, strict=True)
            if one.outcome is outcome
        ]
        because = _reason(criterion, outcome, decisive)
    if criterion.leaving_out:
        because += f" Excluded by leaving_out: {', '.join(criterion.leaving_out)}."
    return outcome, because


def _reason(
    criterion: Criterion, outcome: Outcome, decisive: Sequence[tuple[Measurement, str]]
) -> str:
    """The sentences of the slices; of many classes, those of the worst ones and the names."""
    if not criterion.by_class or len(decisive) <= SENTENCES:
        return " ".join(because for _, because in decisive)
    ordered = sorted(decisive, key=lambda each: -_badness(criterion, each[0]))
    sentences = " ".join(because for _, because in ordered[:SENTENCES])
    others = ", ".join(slice_name(each) for each, _ in ordered[SENTENCES:])
    return f"{sentences} Also {outcome}: {others}."


def _hold_together(
    criterion: Criterion, found: Sequence[Measurement], criteria: Criteria
) -> list[BarResult]:
    """The result of each slice (or pair of slices), corrected for their number."""
    judged = [place for place, each in enumerate(found) if enough(each, criteria.smallest)]
    met, stopped_at = _holm(criterion, found, judged, right_side)
    failed, also_at = _holm(criterion, found, judged, wrong_side)
    results = []
    for place, each in enumerate(found):
        if place not in judged:
            # A small slice is undecided and not ignored: otherwise no one would ever check it.
            results.append(too_few(each, criteria.smallest))
            continue
        steps = {**met, **failed}
        outcome = (
            Outcome.MET
            if place in met
            else Outcome.NOT_MET
            if place in failed
            else Outcome.UNDECIDED
        )
        # An undecided slice is shown with the interval that contains the bar.
        step = min(steps.get(place, max(stopped_at, also_at)), len(each.intervals) - 1)
        error = (1 - criteria.confidence) / (step + 1)
        results.append(result_of(criterion, each, outcome, each.intervals[step], error))
    return results


def _holm(
    criterion: Criterion,
    found: Sequence[Measurement],
    judged: Sequence[int],
    holds: Callable[[Criterion, Interval], bool],
) -> tuple[dict[int, int], int]:
    """The positions for which ``holds`` is true, with their steps, and the step of the first miss.

    The clearest slice is tested with the widest interval, the next one with the second widest, and
    so on, until the first for which ``holds`` is false. Source: S. Holm (1979), A simple
    sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 65-70.
    """
    # The number of intervals, from the narrowest on, for which it holds: similar to a p-value.
    passes = {
        place: next(
            (k for k, each in enumerate(found[place].intervals) if not holds(criterion, each)),
            len(found),
        )
        for place in judged
    }
    decided: dict[int, int] = {}
    for rank, place in enumerate(sorted(passes, key=lambda place: -passes[place])):
        step = len(found) - 1 - rank
        # With too few intervals for the number of slices nothing is decided.
        if passes[place] <= step or len(found[place].intervals) <= step:
            return decided, step
        decided[place] = step
    return decided, 0


def _worst(criterion: Criterion, found: Sequence[Measurement]) -> int:
    return max(range(len(found)), key=lambda place: _badness(criterion, found[place]))


def _badness(criterion: Criterion, found: Measurement) -> float:
    # The value is NaN, and max() with NaN depends on the order of the slices.
    if found.support == 0:
        return -math.inf
    if criterion.gap_at_most is not None:
        return abs(found.value)
    return -found.value if criterion.at_least is not None else found.value
