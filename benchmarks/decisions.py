"""Measures wrong decisions of the gate with a known truth: ``make bench-decisions``.

The bar is the true value, so every decision is wrong; only *undecided* is right. A cell is a
metric, a number of rows and a kind of criterion: alone, against a baseline, or in each of four
slices. The decisions are those of the engine's own intervals and judge. The truth is the metric of
four million rows. Nominal at a confidence of 95 % are 2.5 % for each direction. Each share has its
standard error. All metrics and kinds use the same samples and resamples.

    python decisions.py --problem binary --metric average_precision --rows 500 --samples 600
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mlproduct.evaluation.bootstrap import BootstrapEstimate, Key, Sample, resample, take
from mlproduct.evaluation.intervals import as_intervals, ladder, of_difference, of_value
from mlproduct.evaluation.slices import SlicedMetric, measure_slices
from mlproduct.gate.bars import hold
from mlproduct.gate.criteria import ClassValue, Criteria, Criterion, Measurement, Outcome, Value
from mlproduct.gate.sliced_criteria import judge_slices
from mlproduct.problems import (
    BinaryClassification,
    Metric,
    MulticlassClassification,
    Predictions,
    Regression,
    Scored,
)

CONFIDENCE, SMALLEST, SLICES, TRUE_ROWS, CHUNK = 0.95, 30, 4, 4_000_000, 50
# The judge needs only these two of all criteria.
CRITERIA = Criteria.model_construct(confidence=CONFIDENCE, smallest=SMALLEST)
ROWS = {500: 10_000, 2_000: 10_000, 20_000: 600}
"""The numbers of rows, each with its number of samples."""
KINDS = ("alone", "versus", "slices")
Views = dict[str, Scored]
Family = Callable[[np.random.Generator, int], Views]
Truths = dict[str, dict[str, float]]


def sigmoid(odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-odds)))


# --- the families of distributions, which draw rows with two models' predictions ---------------


@dataclass(frozen=True)
class Binary:
    """Rows with log odds ``centre`` + ``spread`` × normal; the model states ``scale`` × odds +
    ``shift``. The baseline sees the odds with noise.
    """

    centre: float = 0.0
    spread: float = 1.5
    scale: float = 1.0
    shift: float = 0.0
    threshold: float = 0.5

    def __call__(self, random: np.random.Generator, rows: int) -> Views:
        odds = self.centre + self.spread * random.standard_normal(rows)
        y = (random.random(rows) < sigmoid(odds)).astype(float)
        stated = {
            "challenger": self.scale * odds + self.shift,
            "baseline": 0.7 * odds + 0.7 * random.standard_normal(rows) + self.shift,
        }
        value = Value(currency="EUR", true_positive=100, false_positive=-20)
        return {
            name: Scored(y, Predictions((score >= self.threshold).astype(float), score), value)
            for name, score in ((name, sigmoid(each)) for name, each in stated.items())
        }


@dataclass(frozen=True)
class Numbers:
    """Targets around a prediction, with errors drawn by ``noise``."""

    noise: Callable[[np.random.Generator, int], np.ndarray]

    def __call__(self, random: np.random.Generator, rows: int) -> Views:
        known = np.exp(3 + 0.5 * random.standard_normal(rows))
        # At least a fifth of the prediction, so that the relative error has a finite mean.
        y = known * (1 + 0.2 * np.maximum(self.noise(random, rows), -4))
        predicted = {
            "challenger": known,
            "baseline": known * np.exp(0.1 * random.standard_normal(rows)),
        }
        return {
            name: Scored(y, Predictions(each, None, each / 1.4, each * 1.4))
            for name, each in predicted.items()
        }


@dataclass(frozen=True)
class Classes:
    """Rows of classes with these shares; the model states ``scale`` × the true log odds."""

    shares: tuple[float, ...]
    strength: float = 1.5
    scale: float = 1.0

    def __call__(self, random: np.random.Generator, rows: int) -> Views:
        kinds = len(self.shares)
        odds = np.log(self.shares) + self.strength * random.standard_normal((rows, kinds))
        y = (odds + random.gumbel(size=odds.shape)).argmax(axis=1).astype(float)
        noisy = 0.8 * odds + 0.5 * random.standard_normal(odds.shape)
        value = ClassValue(currency="EUR", right=1, wrong=-4, person=-1)
        names = tuple("abcdefghij"[:kinds])
        found = {}
        for name, stated in (("challenger", self.scale * odds), ("baseline", noisy)):
            raised = np.exp(stated - stated.max(axis=1, keepdims=True))
            chances = raised / raised.sum(axis=1, keepdims=True)
            top = chances.max(axis=1)
            predictions = Predictions(
                chances.argmax(axis=1).astype(float),
                top,
                probabilities=chances,
                abstained=top < 0.4,
            )
            found[name] = Scored(y, predictions, value, names)
        return found


PROBLEMS: Mapping[str, tuple[Mapping[str, Metric], Mapping[str, Family]]] = {
    "binary": (
        BinaryClassification.metrics,
        {
            "calibrated": Binary(),
            "overconfident": Binary(scale=1.8),
            "shifted": Binary(shift=0.3),
            "rare": Binary(centre=-3.8, spread=1.2, threshold=0.1),
            "rare shifted": Binary(centre=-3.8, spread=1.2, shift=-0.7, threshold=0.1),
            "rare narrow": Binary(centre=-3.0, spread=0.3, threshold=0.06),
            "separable": Binary(centre=-1.5, spread=4.0),
        },
    ),
    "regression": (
        Regression.metrics,
        {
            "normal": Numbers(lambda random, rows: random.standard_normal(rows)),
            "skewed": Numbers(lambda random, rows: random.exponential(1, rows) - 1),
            "heavy tails": Numbers(lambda random, rows: random.standard_t(5, rows)),
        },
    ),
    "multiclass": (
        MulticlassClassification.metrics,
        {
            "even": Classes((0.25,) * 4),
            "uneven": Classes((0.5, 0.25, 0.15, 0.1)),
            "overconfident": Classes((0.25,) * 4, scale=1.6),
        },
    ),
}


# --- the decisions ------------------------------------------------------------------------------


def in_order(views: Views) -> Views:
    """The rows by the challenger's score, as in an evaluation."""
    score = views["challenger"].predictions.score
    if score is None:
        return views
    order = np.argsort(score, kind="stable")
    return {name: each.take(order) for name, each in views.items()}


def at_truth(metric: Metric, kind: str, truth: float) -> Criterion:
    """A criterion whose bar is the truth."""
    words: Any = {"id": "truth", "says": "The value is the truth.", "why": "It is known."}
    bar: Any = {"at_least" if metric.better == "higher" else "at_most": truth}
    by: Any = {"versus": {"versus": "champion"}, "slices": {"by": "part"}}.get(kind, {})
    return Criterion(metric=metric.name, **words, **bar, **by)


def measured(
    metric: Metric, kind: str, own: BootstrapEstimate, other: BootstrapEstimate | None
) -> Measurement:
    errors = ladder(CONFIDENCE)
    bounds = of_value(own, errors) if other is None else of_difference(own, other, errors)
    return Measurement(
        metric=metric.name,
        value=own.value - (0 if other is None else other.value),
        intervals=as_intervals(bounds),
        rows=len(own.scored),
        support=own.support if other is None else min(own.support, other.support),
        versus=None if other is None else "champion",
    )


def decisions(
    views: Views,
    metrics: list[Metric],
    kinds: list[str],
    truths: Truths,
    **how: int,
) -> Iterator[tuple[str, str, Outcome, float]]:
    """The metric, the kind, its decision and the width of the (first) interval."""
    rows, parts = len(views["challenger"]), np.array_split(np.arange(0), SLICES)
    if "slices" in kinds:
        part = np.random.default_rng(how["seed"]).integers(0, SLICES, rows)
        parts = [np.flatnonzero(part == each) for each in range(SLICES)]
    samples: dict[Key, Sample] = {("all",): Sample(views, {name: metrics for name in views})}
    for place, each in enumerate(parts if "slices" in kinds else []):
        own = {"challenger": views["challenger"].take(each)}
        samples["part", str(place)] = Sample(own, {"challenger": metrics}, each)
    found = take(samples, resample(rows, how["resamples"], how["seed"]))
    for metric in metrics:
        own, other = (found["all",][name][metric.name] for name in ("challenger", "baseline"))
        for kind in kinds:
            criterion = at_truth(metric, kind, truths[metric.name][kind])
            if kind == "slices":
                by_name = {
                    key[1]: estimates["challenger"][metric.name]
                    for key, estimates in found.items()
                    if key[0] == "part"
                }
                sliced = SlicedMetric(metric.name, "part", False, (criterion,))
                several = measure_slices(sliced, by_name, CONFIDENCE)
                outcome = judge_slices(criterion, several, CRITERIA).outcome
                interval = several[0].interval
            else:
                one = measured(metric, kind, own, other if kind == "versus" else None)
                outcome, interval = hold(criterion, one, CRITERIA).outcome, one.interval
            yield metric.name, kind, outcome, interval.high - interval.low


def true_values(problem: str, family: str, metrics: list[str], seed: int) -> Truths:
    """Value and difference of each metric, from the mean of a few parts of ``TRUE_ROWS``."""
    known, families = PROBLEMS[problem]
    random, parts = np.random.default_rng(seed), 4
    found = np.zeros((len(metrics), 2))
    for _ in range(parts):
        views = families[family](random, TRUE_ROWS // parts)
        for place, name in enumerate(metrics):
            own, other = (
                float(known[name].compute(views[each])[0]) for each in ("challenger", "baseline")
            )
            found[place] += np.array([own, own - other]) / parts
    return {
        name: {"alone": own, "slices": own, "versus": difference}
        for name, (own, difference) in zip(metrics, found.tolist(), strict=True)
    }


# --- the samples, in several processes ----------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """All samples of a family of distributions and a number of rows."""

    problem: str
    family: str
    rows: int
    kinds: tuple[str, ...]
    resamples: int
    seed: int
    truths: Truths


@dataclass
class Count:
    """The outcomes and the widths for each metric and kind, and the CPU time."""

    outcomes: Counter[tuple[str, str, Outcome]] = field(default_factory=Counter)
    widths: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, other: "Count") -> None:
        self.outcomes.update(other.outcomes)
        for key, widths in other.widths.items():
            self.widths.setdefault(key, []).extend(widths)
        self.seconds += other.seconds


def count(cell: Cell, samples: range) -> Count:
    """The decisions on the samples with these numbers, which depend on the seed and the number."""
    known, families = PROBLEMS[cell.problem]
    metrics = [known[name] for name in cell.truths]
    found, started = Count(), time.process_time()
    for sample in samples:
        random = np.random.default_rng([cell.seed, cell.rows, sample])
        views = in_order(families[cell.family](random, cell.rows))
        how = {"resamples": cell.resamples, "seed": cell.seed + sample}
        for name, kind, outcome, width in decisions(
            views, metrics, list(cell.kinds), cell.truths, **how
        ):
            found.outcomes[name, kind, outcome] += 1
            found.widths.setdefault((name, kind), []).append(width)
    found.seconds = time.process_time() - started
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--problem", choices=PROBLEMS, action="append")
    parser.add_argument("--metric", action="append", help="all of the problem if not given")
    parser.add_argument("--family", action="append", help="all of the problem if not given")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--rows", type=int, action="append", help="500, 2000 and 20000")
    parser.add_argument("--samples", type=int, help="10,000, or 600 of 20,000 rows")
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    print(
        "| problem, family | metric | rows | kind | truth | wrong met % | wrong not met % |"
        " undecided % | median width | samples |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(asked.processes) as pool:
        for problem in asked.problem or PROBLEMS:
            known, families = PROBLEMS[problem]
            metrics = [name for name in known if name in (asked.metric or known)]
            for family in [name for name in families if name in (asked.family or families)]:
                truths = true_values(problem, family, metrics, asked.seed + 1)
                for rows in asked.rows or ROWS:
                    kinds = tuple(asked.kind or KINDS)
                    cell = Cell(problem, family, rows, kinds, asked.resamples, asked.seed, truths)
                    show(cell, asked.samples or ROWS.get(rows, 600), pool)


def show(cell: Cell, samples: int, pool: ProcessPoolExecutor) -> None:
    """Prints a line for each metric and kind, and the CPU time."""
    chunks = [range(at, min(at + CHUNK, samples)) for at in range(0, samples, CHUNK)]
    found = Count()
    for part in pool.map(count, [cell] * len(chunks), chunks):
        found.add(part)
    for name, kind in found.widths:
        shares = [
            found.outcomes[name, kind, each] / samples
            for each in (Outcome.MET, Outcome.NOT_MET, Outcome.UNDECIDED)
        ]
        words = [f"{100 * p:.1f} ± {100 * np.sqrt(p * (1 - p) / samples):.1f}" for p in shares]
        print(
            f"| {cell.problem}, {cell.family} | {name} | {cell.rows:,} | {kind} |"
            f" {cell.truths[name][kind]:.4f} | "
            + " | ".join(words)
            + f" | {np.nanmedian(found.widths[name, kind]):.4f} | {samples:,} |"
        )
    each = 1000 * found.seconds / samples
    print(f"({found.seconds:.0f} s of CPU time, {each:.1f} ms per sample)", flush=True)


if __name__ == "__main__":
    main()
