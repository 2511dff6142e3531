"""A criterion over slices: many slices are many chances to be wrong, so they are judged
together.
"""

import math
from collections.abc import Callable, Sequence

from .bars import (
    BarResult,
    bar_in_words,
    enough,
    right_side,
    said_of,
    slice_name,
    too_few,
    wrong_side,
)
from .criteria import Criterion, Interval, Measurement, Outcome, Result, SliceResult

__all__ = ["judge_slices"]


def judge_slices(criterion: Criterion, found: Sequence[Measurement], smallest: int) -> Result:
    """The result of all slices (or pairs of slices) together: no better than the worst of them."""
    results = _hold_together(criterion, found, smallest)
    outcome, because = _together(criterion, results)
    worst = _worst(criterion, found)
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
        rows=sum(each.rows for each in found) if criterion.gap_at_most is None else None,
        more_rows=max((one.more_rows for one in results if one.more_rows), default=None),
        slices=tuple(slices),
    )


def _together(criterion: Criterion, results: Sequence[BarResult]) -> tuple[Outcome, str]:
    outcomes = {one.outcome for one in results}
    outcome = next(
        each for each in (Outcome.NOT_MET, Outcome.UNDECIDED, Outcome.MET) if each in outcomes
    )
    because = f"All {len(results)} are {bar_in_words(criterion)}."
    if outcome is not Outcome.MET:
        because = " ".join(one.because for one in results if one.outcome is outcome)
    if criterion.leaving_out:
        because += f" Left out by the file: {', '.join(criterion.leaving_out)}."
    return outcome, because


def _hold_together(
    criterion: Criterion, found: Sequence[Measurement], smallest: int
) -> list[BarResult]:
    """Each slice (or pair of slices) held against the bar, corrected for their number."""
    judged = [place for place, each in enumerate(found) if enough(each, smallest)]
    met, stopped_at = _holm(criterion, found, judged, right_side)
    failed, also_at = _holm(criterion, found, judged, wrong_side)
    results = []
    for place, each in enumerate(found):
        if place not in judged:
            results.append(too_few(each, smallest))
            continue
        steps = {**met, **failed}
        outcome = (
            Outcome.MET
            if place in met
            else Outcome.NOT_MET
            if place in failed
            else Outcome.UNDECIDED
        )
        # Where nothing was decided, the interval that left it open is the one to show.
        step = min(steps.get(place, max(stopped_at, also_at)), len(each.intervals) - 1)
        results.append(said_of(criterion, each, outcome, each.intervals[step]))
    return results


def _holm(
    criterion: Criterion,
    found: Sequence[Measurement],
    judged: Sequence[int],
    holds: Callable[[Criterion, Interval], bool],
) -> tuple[dict[int, int], int]:
    """The places that hold, each with its step, and the step at which it ended.

    The clearest one is held at the widest interval, the next at the second widest, and so on; the
    first that does not stand ends it. Source: S. Holm (1979), A simple sequentially rejective
    multiple test procedure, Scandinavian Journal of Statistics 6, 65-70.
    """
    # How many intervals it stands, from the narrowest on: the analogue of a p-value.
    stands = {
        place: next(
            (k for k, each in enumerate(found[place].intervals) if not holds(criterion, each)),
            len(found),
        )
        for place in judged
    }
    decided: dict[int, int] = {}
    for rank, place in enumerate(sorted(stands, key=lambda place: -stands[place])):
        step = len(found) - 1 - rank
        if stands[place] <= step or len(found[place].intervals) <= step:
            return decided, step
        decided[place] = step
    return decided, 0


def _worst(criterion: Criterion, found: Sequence[Measurement]) -> int:
    def badness(place: int) -> float:
        each = found[place]
        if each.support == 0:
            return -math.inf
        if criterion.gap_at_most is not None:
            return abs(each.value)
        return -each.value if criterion.at_least is not None else each.value

    return max(range(len(found)), key=badness)
