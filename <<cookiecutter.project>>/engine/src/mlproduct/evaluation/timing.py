"""The time that calls take, without the time that other work on the machine takes from them.

Each call is timed by two clocks in several rounds, and its lowest times count:

    CPU time      does not contain the time in which other programs have the CPU
    clock time    contains it, and also the time in which the call itself waits, for a disk or a
                  network

A fixed computation, which never waits, is timed after every call. Its clock time divided by its CPU
time shows how busy the machine is, and therefore how much of a call's waiting is its own.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["THIS_MACHINE", "Machine", "Seconds", "Timing", "time_calls"]

# The clock time counts from here on, as a multiple of what CPU time and other work explain.
TOLERANCE = 1.25
# With the clock at most this multiple of the CPU time, the fixed computation had its own CPU.
IDLE = 1.25
# From here on, too little CPU is left in every round to say what a call does alone.
TOO_BUSY = 3.0
# If the CPU time of the fixed computation differs more than this between rounds, so does the
# speed of the machine, and a lowest CPU time says little.
UNSTEADY = 1.5

NUMBERS = np.linspace(0.0, 1.0, 20_000)


def _compute() -> float:
    """A fixed computation of about a millisecond in Python and NumPy."""
    return sum(i * i for i in range(10_000)) + float(np.exp(NUMBERS).sum())


class Machine(NamedTuple):
    """The clocks in seconds, and the fixed computation that shows how busy the machine is."""

    # Of the thread: a model that waits for its own threads or processes waits.
    cpu: Callable[[], float] = time.thread_time
    clock: Callable[[], float] = time.perf_counter
    compute: Callable[[], object] = _compute

    def time(self, call: Callable[[], object]) -> tuple[float, float]:
        """The CPU time and the clock time of one call."""
        clock, cpu = self.clock(), self.cpu()
        call()
        return self.cpu() - cpu, self.clock() - clock


THIS_MACHINE = Machine()


class Seconds(NamedTuple):
    """The seconds of each call on an idle machine: the lowest possible, the likely, the highest."""

    low: np.ndarray
    likely: np.ndarray
    high: np.ndarray


class Timing(NamedTuple):
    """The times of all calls and of the fixed computation; shape (rounds, calls), in seconds."""

    cpu: np.ndarray
    clock: np.ndarray
    computed_cpu: np.ndarray
    computed_clock: np.ndarray

    @property
    def busy(self) -> float:
        """The share of the time in which other work had the CPU, from 0 to 1."""
        return float(1 - 1 / _ratio(self.computed_clock.sum(), self.computed_cpu.sum()))

    @property
    def slowdowns(self) -> np.ndarray:
        """Clock time divided by CPU time of the fixed computation, in each round."""
        return _ratio(self.computed_clock.sum(axis=1), self.computed_cpu.sum(axis=1))

    @property
    def idle(self) -> bool:
        """Whether the fixed computation had its own CPU in most rounds; one can be chance."""
        return float(np.median(self.slowdowns)) <= IDLE

    @property
    def unsteadiness(self) -> float:
        """The CPU time of the fixed computation in the slowest round, divided by the fastest."""
        rounds = np.median(self.computed_cpu, axis=1)
        return float(_ratio(rounds.max(), rounds.min()))

    @property
    def doubt(self) -> str | None:
        """Why the times of an idle machine are not known exactly; None if they are."""
        if self.unsteadiness > UNSTEADY:
            return f"The machine's speed changed by a factor of {self.unsteadiness:.1f}"
        if not self.idle:
            return f"The machine was {100 * self.busy:.0f} % busy with other work"
        return None

    def seconds(self) -> Seconds:
        """The seconds of each call: its lowest CPU time, or clock time if it waits itself.

        On an idle machine, all waiting is its own. On a busy one, it is uncertain whose it is, and
        only the upper end contains it. Of a machine that is too busy or unsteady, the upper end is
        always the clock time.
        """
        cpu = self.cpu.min(axis=0)
        clock = np.maximum(self.clock.min(axis=0), cpu)
        # The lowest: what happened in the calmest round is the least that other work explains.
        slowdown = float(self.slowdowns.min())
        if slowdown > TOO_BUSY or self.unsteadiness > UNSTEADY:
            return Seconds(cpu / self.unsteadiness, cpu, clock)
        possible = np.where(clock > TOLERANCE * slowdown * cpu, clock, cpu)
        return Seconds(possible, possible, possible) if self.idle else Seconds(cpu, cpu, possible)


def time_calls(
    calls: Sequence[Callable[[], object]], rounds: int, machine: Machine, computations: int = 1
) -> Timing:
    """The times of ``calls`` in each of several rounds.

    After every call the fixed computation is timed ``computations`` times.
    """
    timed, computed = [], []
    for _ in range(rounds):
        for call in calls:
            timed.append(machine.time(call))
            computed += [machine.time(machine.compute) for _ in range(computations)]
    return Timing(
        *np.array(timed).T.reshape(2, rounds, -1), *np.array(computed).T.reshape(2, rounds, -1)
    )


def _ratio(larger: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    """``larger`` / ``smaller``, at least 1: two clocks can differ by their resolution."""
    # 1e-9: a coarse clock can measure 0 seconds.
    return np.maximum(larger, 1e-9) / np.maximum(np.minimum(smaller, larger), 1e-9)
