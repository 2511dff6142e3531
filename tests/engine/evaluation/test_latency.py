"""The speed of predictions on an idle machine, on a busy one, and of models that wait."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.evaluation.latency import BATCH, ROUNDS, ROWS, WARM_UP, measure_speed
from mlproduct.evaluation.timing import Machine, time_calls
from mlproduct.gate.bars import BarResult, hold
from mlproduct.gate.criteria import Criteria, Criterion, Measurement, Outcome, Owner

TABLE = pd.DataFrame({"x": np.arange(200.0)})
MET, NOT_MET, UNDECIDED = Outcome.MET, Outcome.NOT_MET, Outcome.UNDECIDED


class FakeMachine:
    """A machine whose clocks only move with the work on it.

    ``slowdown`` is the clock time per CPU time and ``slower`` the CPU time per work; each is a
    number, or a function of the number of calls so far.
    """

    def __init__(
        self,
        slowdown: float | Callable[[int], float] = 1.0,
        slower: float | Callable[[int], float] = 1.0,
    ) -> None:
        self.slowdown, self.slower = slowdown, slower
        self.cpu = self.clock = 0.0
        self.calls = 0

    @property
    def machine(self) -> Machine:
        return Machine(lambda: self.cpu, lambda: self.clock, lambda: self.spend(0.001))

    def spend(self, seconds: float) -> None:
        slower, slowdown = (
            each(self.calls) if callable(each) else each for each in (self.slower, self.slowdown)
        )
        self.cpu += seconds * slower
        self.clock += seconds * slower * slowdown

    def measure(
        self, milliseconds: float, waits: float = 0.0, metric: str = "latency_p95_ms"
    ) -> Measurement:
        """The measurement of a model with this CPU time, and this waiting, per call."""

        def answer(rows: pd.DataFrame) -> Any:
            self.calls += 1
            self.spend(milliseconds / 1000)
            self.clock += waits / 1000

        found = measure_speed(answer, TABLE, confidence=0.95, seed=1, machine=self.machine)
        return next(each for each in found if each.metric == metric)


def judged(found: Measurement, **bar: Any) -> BarResult:
    criterion = Criterion(id="quick", says="s", why="w", metric=found.metric, **bar)
    criteria = Criteria(
        decision="d",
        owner=Owner(name="n", contact="c"),
        review_by=date(2030, 1, 1),
        primary="recall",
        criteria=(criterion,),
    )
    assert found.problem is None
    return hold(criterion, found, criteria)


def in_round(number: int) -> range:
    """The numbers of the timed calls of a round, which are counted from 1."""
    first = WARM_UP + ROWS * number + 1
    return range(first, first + ROWS)


def test_on_an_idle_machine_the_two_clocks_agree() -> None:
    result = judged(FakeMachine().measure(4), at_most=50)
    assert result.because == (
        "latency_p95_ms 4 is at most 50 (4 ms by the clock; the machine was 0 % busy with other"
        " work)."
    )


@pytest.mark.parametrize(("bar", "outcome"), [(50, MET), (4.5, MET), (3.5, NOT_MET)])
@pytest.mark.parametrize("slowdown", [1.0, 1.8, 2.9])
def test_other_work_does_not_change_the_verdict(
    slowdown: float, bar: float, outcome: Outcome
) -> None:
    assert judged(FakeMachine(slowdown).measure(4), at_most=bar).outcome is outcome


def test_the_time_by_the_clock_and_the_other_work_are_reported() -> None:
    result = judged(FakeMachine(slowdown=2.5).measure(4), at_most=5)
    assert "(10 ms by the clock; the machine was 60 % busy with other work)" in result.because


def test_one_calm_round_is_enough_for_a_model_that_does_not_wait() -> None:
    """A call that was disturbed in three of four rounds has its time from the fourth."""
    busy = FakeMachine(lambda call: 1.0 if call in in_round(2) else 20.0)
    assert judged(busy.measure(4), at_most=4.5).outcome is MET
    # A round can be calm by chance, so the waiting of a model counts only if most are.
    assert judged(busy.measure(0.2, waits=60), at_most=50).outcome is UNDECIDED
    calm = FakeMachine(lambda call: 20.0 if call in in_round(2) else 1.0)
    assert judged(calm.measure(0.2, waits=60), at_most=50).outcome is NOT_MET


def test_a_machine_that_is_too_busy_to_measure_makes_the_result_undecided() -> None:
    found = FakeMachine(slowdown=14).measure(4)
    result = judged(found, at_most=50)
    assert (result.outcome, result.more_rows) == (UNDECIDED, None)
    assert result.because == (
        "Too close to call: latency_p95_ms 4 [4, 56], bar ≤ 50. The machine was 93 % busy with"
        " other work, so it is not known how long the model takes alone. Train again when the"
        " machine is idle."
    )
    # What holds for every possible time is decided.
    assert judged(found, at_most=60).outcome is MET
    assert judged(found, at_most=3).outcome is NOT_MET


def test_a_machine_whose_speed_changes_makes_the_result_undecided() -> None:
    found = FakeMachine(slower=lambda call: 1.0 if call in in_round(0) else 2.0).measure(4)
    result = judged(found, at_most=3)
    assert result.outcome is UNDECIDED
    assert "The machine's speed changed by a factor of 2.0, so it is not known" in result.because
    assert judged(found, at_most=1.9).outcome is NOT_MET


def test_a_model_that_waits_is_not_fast() -> None:
    found = FakeMachine().measure(0.2, waits=60)
    assert found.value == pytest.approx(60.2)
    assert judged(found, at_most=50).outcome is NOT_MET
    assert FakeMachine().measure(40, waits=12).value == pytest.approx(52)


def test_on_a_busy_machine_it_is_uncertain_whose_waiting_it_is() -> None:
    found = FakeMachine(slowdown=2).measure(0.2, waits=60)
    assert judged(found, at_most=50).outcome is UNDECIDED
    assert judged(found, at_most=70).outcome is MET


def test_waiting_in_some_rows_counts_in_the_95th_percentile() -> None:
    fake = FakeMachine()

    def answer(rows: pd.DataFrame) -> Any:
        fake.spend(0.001)
        fake.clock += 0.08 * (rows["x"].iloc[0] < 30)

    _, found, _ = measure_speed(answer, TABLE, confidence=0.95, seed=1, machine=fake.machine)
    assert found.value > 50


@pytest.mark.parametrize(("slowdown", "outcome"), [(1.0, MET), (2.5, MET), (9.0, UNDECIDED)])
def test_rows_per_second_are_measured_the_same_way(slowdown: float, outcome: Outcome) -> None:
    found = FakeMachine(slowdown).measure(100, metric="rows_per_second")
    assert found.value == pytest.approx(len(TABLE) / 0.1)
    assert judged(found, at_least=1500).outcome is outcome
    assert "rows per second by the clock" in (found.note or "")
    waits = FakeMachine().measure(1, waits=200, metric="rows_per_second")
    assert judged(waits, at_least=1500).outcome is NOT_MET


def test_the_number_of_predictions_is_limited() -> None:
    """A model that takes 35 ms per row makes no training longer than four seconds."""
    fake = FakeMachine()
    fake.measure(4)
    assert fake.calls <= 130
    assert len(TABLE) < BATCH
    assert ROUNDS * ROWS == 120


def _no_answer(rows: pd.DataFrame) -> Any:
    return None


def test_clocks_that_do_not_move_divide_by_no_zero() -> None:
    still = Machine(lambda: 0.0, lambda: 0.0, lambda: None)
    found = measure_speed(_no_answer, TABLE, confidence=0.95, seed=1, machine=still)
    assert [each.problem for each in found] == [None, None, None]
    # A CPU clock that is too coarse to see the fixed computation shows nothing.
    coarse = Machine(lambda: 0.0, time.perf_counter)
    assert time_calls([lambda: None], 2, coarse).doubt is not None


@contextmanager
def competitors(number: int) -> Iterator[None]:
    """Other processes that need a CPU each."""
    code = "print(flush=True)\nwhile True: pass"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        for _ in range(number)
    ]
    try:
        for each in running:
            assert each.stdout is not None
            each.stdout.readline()
        yield
    finally:
        for each in running:
            each.kill()
            each.communicate()


def test_real_competing_processes_do_not_make_a_fast_model_too_slow() -> None:
    def answer(rows: pd.DataFrame) -> Any:
        until = time.thread_time() + 0.003
        while time.thread_time() < until:
            pass

    with competitors(2):
        _, found, _ = measure_speed(answer, TABLE, confidence=0.95, seed=1)
    assert judged(found, at_most=10).outcome is not NOT_MET
