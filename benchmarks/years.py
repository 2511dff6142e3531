"""Simulates years of weekly retraining with a known truth: ``make bench-years``.

Every week 5,000 new rows arrive, a challenger is trained, and the gate compares it with the
champion. It is promoted if the verdict on the kit's criterion against the champion is *ready*; it
is then the champion of the following weeks. Resamples, intervals and judge are the engine's, and
criterion, value, split and number of resamples are those of the kits.

The source keeps the newest 16 weeks, of which the kits hold out a quarter. A split by time holds
out the newest four weeks, so consecutive decisions share three of four holdout rows. A split by
hash holds out a quarter of each week, so they share 15 of 16. Both are 20,000 rows.

A model sees what is known about a row with noise. Two models share a part of it, the correlation.
The noise of a model in a row does not change as long as the row is held out. More noise makes a
model worse; how much is needed for a value is measured on four million rows.

    python years.py --family churn --challenger "2 % worse" --years 20
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from mlproduct.evaluation.bootstrap import BootstrapEstimate, Key, Sample, resample, take
from mlproduct.evaluation.intervals import as_intervals, ladder, of_difference
from mlproduct.gate.criteria import (
    AnyValue,
    ClassValue,
    Criteria,
    Measurement,
    Value,
    read_criteria,
)
from mlproduct.gate.judge import judge
from mlproduct.problems import (
    BinaryClassification,
    Metric,
    MulticlassClassification,
    Predictions,
    Regression,
    Scored,
)

ROOT = Path(__file__).parent.parent
KITS = ROOT / "<<cookiecutter.project>>" / "kits"
TODAY = date(2026, 11, 27)
WEEKS, YEARS, ROWS_A_WEEK, SOURCE_WEEKS = 52, 200, 5_000, 16
BETTER_FROM = 14
"""The first week in which the challenger is better; until then it is equal."""
IN_TIME = 4
CORRELATIONS = (0.5, 0.95)
ROOM = 0.25
"""The value of a model without noise is so much above the first champion's."""
TRUE_ROWS, NOISES = 4_000_000, np.geomspace(0.01, 10, 40)
PERSON = -1.0
"""The decision of a row that a person has to decide."""
METRICS: Mapping[str, Metric] = {
    "churn": BinaryClassification.metrics["value_per_1000"],
    "price": Regression.metrics["mae"],
    "feedback": MulticlassClassification.metrics["value_per_1000"],
}
TEAMS = ("account", "advice", "billing", "delivery", "returns", "technical")
Drawn = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Scenario:
    """The value of the challenger minus the champion's, as a share of the champion's value.

    With ``in_new_rows`` it applies to the rows that arrive from ``BETTER_FROM`` on: the champion
    has become worse, and the holdout still contains rows from before.
    """

    change: float
    in_new_rows: bool = False


SCENARIOS: Mapping[str, Scenario] = {
    "equal": Scenario(0.0),
    "2 % worse": Scenario(-0.02),
    "5 % worse": Scenario(-0.05),
    "10 % worse": Scenario(-0.1),
    "10 % better": Scenario(0.1),
    "10 % better in new rows": Scenario(0.1, in_new_rows=True),
}


# --- the families of distributions --------------------------------------------------------------


@dataclass(frozen=True)
class Binary:
    """Rows with log odds ``centre`` + ``spread`` × normal, of which a model sees noisy ones.

    It acts where acting pays at these odds.
    """

    centre: float
    spread: float
    value: Value
    kit: str = "churn"

    def draw(self, random: np.random.Generator, rows: int) -> Drawn:
        """What can be known of each row, and its target."""
        odds = self.centre + self.spread * random.standard_normal(rows, dtype=np.float32)
        return odds, (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.float32)

    def decide(self, known: np.ndarray, y: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The decision of a model that sees ``known`` with ``noise``."""
        gain, loss = self.value.true_positive, -self.value.false_positive
        return (known + noise >= np.log(loss / gain)).astype(np.float32)

    def worth(self, y: np.ndarray, decision: np.ndarray) -> np.ndarray:
        """The value of each row."""
        return decision * np.where(y == 1, self.value.true_positive, self.value.false_positive)

    def scored(self, y: np.ndarray, decision: np.ndarray) -> Scored:
        return Scored(y, Predictions(decision), self.value)


@dataclass(frozen=True)
class Numbers:
    """Prices around what is known of a car, with relative errors drawn by ``errors``."""

    errors: Callable[[np.random.Generator, int], np.ndarray]
    value: None = None
    kit: str = "price"

    def draw(self, random: np.random.Generator, rows: int) -> Drawn:
        """What can be known of each row, and its target."""
        known = np.exp(9 + 0.5 * random.standard_normal(rows, dtype=np.float32))
        error = np.maximum(0.1 * self.errors(random, rows), -0.9)
        return known, (known * (1 + error)).astype(np.float32)

    def decide(self, known: np.ndarray, y: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The prediction of a model that sees ``known`` with ``noise``."""
        return known * np.exp(0.1 * noise)

    def worth(self, y: np.ndarray, decision: np.ndarray) -> np.ndarray:
        """The absolute error of each row, negative because less is better."""
        return -np.abs(y - decision)

    def scored(self, y: np.ndarray, decision: np.ndarray) -> Scored:
        return Scored(y, Predictions(decision))


@dataclass(frozen=True)
class Classes:
    """Messages of six teams with these shares; each resembles those of the next team.

    What is known is by how much the right team is more plausible than the next one. A model
    decides for the more plausible one, and leaves messages to a person if both are similar.
    """

    shares: tuple[float, ...]
    value: ClassValue
    kit: str = "feedback"

    def draw(self, random: np.random.Generator, rows: int) -> Drawn:
        """What can be known of each row, and its target."""
        y = random.choice(len(self.shares), rows, p=self.shares).astype(np.float32)
        return 2 + random.standard_normal(rows, dtype=np.float32), y

    def decide(self, known: np.ndarray, y: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The decision of a model that sees ``known`` with ``noise``."""
        seen = known + noise
        return np.where(np.abs(seen) < 0.5, PERSON, np.where(seen > 0, y, (y + 1) % len(TEAMS)))

    @cached_property
    def amounts(self) -> np.ndarray:
        """The values by actual class and decision; the last column is that of a person."""
        amounts = self.value.amounts(TEAMS)
        return np.column_stack([amounts, np.full(len(TEAMS), self.value.person)])

    def worth(self, y: np.ndarray, decision: np.ndarray) -> np.ndarray:
        """The value of each row."""
        return np.asarray(self.amounts[y.astype(int), decision.astype(int)])

    def scored(self, y: np.ndarray, decision: np.ndarray) -> Scored:
        person = decision == PERSON
        predictions = Predictions(np.where(person, 0, decision), abstained=person)
        return Scored(y, predictions, self.value, TEAMS)


Family = Binary | Numbers | Classes


def value_of(kit: str) -> AnyValue | None:
    """What each decision is worth, from the kit's criteria."""
    return read_criteria(KITS / kit / "product" / "success_criteria.yaml").value


def families() -> Mapping[str, Family]:
    """The families by name, with the values of the kits."""
    churn, teams = value_of("churn"), value_of("feedback")
    assert isinstance(churn, Value)
    assert isinstance(teams, ClassValue)
    rare = churn.model_copy(update={"true_positive": 800.0})
    return {
        "binary, 28 % positives": Binary(-1.3, 1.5, churn),
        "binary, 10 % positives": Binary(-2.9, 1.5, churn),
        "binary, 3 % positives": Binary(-4.5, 1.5, churn),
        "binary, 1 % positives, worth 800": Binary(-5.5, 1.3, rare),
        "regression, normal errors": Numbers(lambda random, rows: random.standard_normal(rows)),
        "regression, heavy tails": Numbers(lambda random, rows: random.standard_t(3, rows)),
        "six classes": Classes((0.3, 0.25, 0.2, 0.12, 0.08, 0.05), teams),
    }


# --- the truth ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """The true value per row at each of ``NOISES``, which decreases with the noise."""

    values: np.ndarray

    @classmethod
    def of(cls, family: Family, seed: int, rows: int = TRUE_ROWS) -> "Truth":
        """The truth of ``family``, measured on ``rows`` rows."""
        random = np.random.default_rng(seed)
        known, y = family.draw(random, rows)
        noise = random.standard_normal(rows, dtype=np.float32)
        values = [family.worth(y, family.decide(known, y, by * noise)).mean() for by in NOISES]
        return cls(np.minimum.accumulate(values))

    @property
    def first(self) -> float:
        """The value of the first champion, lower than the best one by ``ROOM`` of it."""
        best = float(self.values[0])
        return best / (1 + np.sign(best) * ROOM)

    def noise(self, value: float) -> float:
        """The noise of a model with this value."""
        return float(np.interp(value, self.values[::-1], NOISES[::-1]))


def distance(family: Family, truth: Truth, correlation: float, scenario: Scenario) -> float:
    """The true difference from the first champion in standard errors of one holdout.

    If only new rows differ, the holdout is that of the fourth week.

    A gate that promotes at most 2.5 % of equal models finds a better one in 80 % of holdouts only
    if this is 2.8 (1.96 + 0.84).
    """
    random = np.random.default_rng(2)
    known, y = family.draw(random, TRUE_ROWS)
    shared, *own = (random.standard_normal(TRUE_ROWS, dtype=np.float32) for _ in range(3))
    values = truth.first, truth.first + scenario.change * abs(truth.first)
    champion, challenger = (
        family.worth(
            y, family.decide(known, y, truth.noise(value) * mixed(shared, each, correlation))
        )
        for value, each in zip(values, own, strict=True)
    )
    split = Split.of(family.kit)
    error = (challenger - champion).std() / np.sqrt(split.weeks * split.rows)
    share = min(IN_TIME / split.weeks, 1.0) if scenario.in_new_rows else 1.0
    return float(share * (values[1] - values[0]) / error)


def mixed(shared: np.ndarray, own: np.ndarray, correlation: float) -> np.ndarray:
    """Noise with a standard deviation of 1 that correlates with that of other models."""
    return np.float32(correlation**0.5) * shared + np.float32((1 - correlation) ** 0.5) * own


# --- a year -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Split:
    """The holdout: weeks (of the source), rows in each, and resamples of the evaluation."""

    weeks: int
    rows: int
    resamples: int

    @classmethod
    def of(cls, kit: str) -> "Split":
        """The holdout of a source of ``SOURCE_WEEKS`` weeks with the configuration of the kit."""
        config = yaml.safe_load((KITS / kit / "config" / "pipeline.yaml").read_text("utf-8"))
        share, resamples = config["split"]["holdout"], config["evaluation"]["resamples"]
        if config["split"]["by"] == "time":
            return cls(round(share * SOURCE_WEEKS), ROWS_A_WEEK, resamples)
        return cls(SOURCE_WEEKS, round(share * ROWS_A_WEEK), resamples)


@dataclass
class Year:
    """One year: the rows that are held out, by week, and the champion's decisions for them."""

    family: Family
    split: Split
    correlation: float
    random: np.random.Generator
    value: float
    noise: float

    def __post_init__(self) -> None:
        shape = (self.split.weeks, self.split.rows)
        self.arrived = np.empty(self.split.weeks, int)
        self.known, self.y, self.shared, self.champion = (
            np.empty(shape, np.float32) for _ in range(4)
        )
        for week in range(-self.split.weeks, 0):
            self.arrive(week)

    def arrive(self, week: int) -> None:
        """New rows replace the oldest ones."""
        at, rows = week % self.split.weeks, self.split.rows
        self.arrived[at] = week
        self.known[at], self.y[at] = self.family.draw(self.random, rows)
        self.shared[at] = self.random.standard_normal(rows, dtype=np.float32)
        self.champion[at] = self.decisions(self.noise, at)

    def decisions(self, noise: float | np.ndarray, weeks: int | slice = slice(None)) -> np.ndarray:
        """The decisions of a model with ``noise`` (or one per week), for the rows of ``weeks``."""
        shared = self.shared[weeks]
        own = self.random.standard_normal(shared.shape, dtype=np.float32)
        seen = np.asarray(noise, np.float32) * mixed(shared, own, self.correlation)
        return self.family.decide(self.known[weeks], self.y[weeks], seen).astype(np.float32)

    def may_win(self, challenger: np.ndarray) -> bool:
        """Whether the challenger's value is above the champion's by more than a standard error.

        If not, more than a tenth of the resamples are below 0, and the gate, which allows 2.5 %,
        cannot promote it. These resamples need not be computed.
        """
        more = self.family.worth(self.y, challenger) - self.family.worth(self.y, self.champion)
        return bool(more.mean() > more.std() / np.sqrt(more.size))

    def sample(self, challenger: np.ndarray, metric: Metric) -> Sample:
        """The holdout with the predictions of both models."""
        models = {"challenger": challenger, "champion": self.champion}
        views = {
            name: self.family.scored(self.y.ravel(), each.ravel()) for name, each in models.items()
        }
        return Sample(views, {name: [metric] for name in views})

    def promote(self, challenger: np.ndarray, value: float, noise: float) -> None:
        """The challenger is the champion from now on."""
        self.champion, self.value, self.noise = challenger, value, noise


def against_champion(kit: str) -> Criteria:
    """The kit's criteria with the one against the champion alone."""
    criteria = read_criteria(KITS / kit / "product" / "success_criteria.yaml")
    asked = tuple(each for each in criteria.criteria if each.versus == "champion")
    return criteria.model_copy(update={"criteria": asked})


def is_promoted(own: BootstrapEstimate, other: BootstrapEstimate, criteria: Criteria) -> bool:
    """Whether the verdict is ready, so that no person has to accept a risk."""
    measurement = Measurement(
        metric=own.metric.name,
        value=own.value - other.value,
        intervals=as_intervals(of_difference(own, other, ladder(criteria.confidence))),
        rows=len(own.scored),
        support=min(own.support, other.support),
        versus="champion",
    )
    verdict = judge([measurement], criteria, on=TODAY, of="live", previous=criteria)
    return verdict.decision.is_ready


def promoted(
    years: Mapping[int, tuple[Year, np.ndarray]], kit: str, seed: int
) -> Iterator[tuple[int, bool]]:
    """The decision of the gate in each year; all use the same resamples."""
    if not years:
        return
    metric, criteria = METRICS[kit], against_champion(kit)
    samples: dict[Key, Sample] = {
        (str(place),): year.sample(challenger, metric)
        for place, (year, challenger) in years.items()
    }
    split = next(iter(years.values()))[0].split
    found = take(samples, resample(split.weeks * split.rows, split.resamples, seed))
    for place in years:
        views = found[str(place),]
        own, other = (views[name][metric.name] for name in ("challenger", "champion"))
        yield place, is_promoted(own, other, criteria)


@dataclass(frozen=True)
class Found:
    """The promotions in years (rows) of weeks; a week without a decision is NaN."""

    promotions: np.ndarray

    @property
    def decisions(self) -> int:
        return int(np.isfinite(self.promotions).sum())

    @property
    def share(self) -> tuple[float, float]:
        """Promotions per decision and the standard error, from the spread between the years."""
        of_years = np.nanmean(self.promotions, axis=1)
        return float(np.nanmean(self.promotions)), float(of_years.std() / np.sqrt(len(of_years)))

    @property
    def years_with_one(self) -> float:
        return float((np.nansum(self.promotions, axis=1) > 0).mean())

    @property
    def waits(self) -> np.ndarray:
        """The number of decisions until the first promotion of each year; infinite without one."""
        happened = np.nan_to_num(self.promotions) == 1
        return np.where(happened.any(axis=1), happened.argmax(axis=1) + 1.0, np.inf)


def simulate(
    family: Family, truth: Truth, correlation: float, scenario: Scenario, *, years: int, seed: int
) -> Found:
    """The promotions in ``years`` years.

    A better challenger arrives in week ``BETTER_FROM``; until then it is equal. Only the weeks from
    then on are reported, and the year ends when it is promoted.
    """
    split, first, change = Split.of(family.kit), truth.first, scenario.change
    simulated = [
        Year(
            family,
            split,
            correlation,
            np.random.default_rng([seed, place]),
            first,
            truth.noise(first),
        )
        for place in range(years)
    ]
    found = np.full((years, WEEKS), np.nan)
    ended: set[int] = set()
    for week in range(WEEKS):
        is_better = change > 0 and week + 1 >= BETTER_FROM
        asked, offers = {}, {}
        for place in set(range(years)) - ended:
            year = simulated[place]
            year.arrive(week)
            now = change if is_better or change < 0 else 0.0
            value = year.value + now * abs(year.value)
            noise = truth.noise(value)
            by_week = np.full((split.weeks, 1), noise)
            if scenario.in_new_rows:
                by_week[year.arrived + 1 < BETTER_FROM] = year.noise
            challenger, found[place, week] = year.decisions(by_week), 0
            if year.may_win(challenger):
                asked[place], offers[place] = (year, challenger), (value, noise)
        for place, won in promoted(asked, family.kit, seed + week):
            if won:
                found[place, week] = 1
                simulated[place].promote(asked[place][1], *offers[place])
                ended |= {place} if is_better else set()
    return Found(found[:, BETTER_FROM - 1 :] if change > 0 else found)


# --- the report ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """The result of one scenario, with shares from 0 to 1 and the true difference (distance)."""

    family: str
    correlation: float
    challenger: str
    distance: float
    years: int
    decisions: int
    promoted: float
    standard_error: float
    years_with_promotion: float
    in_time: float | None
    median_weeks: float | None
    seconds: float

    @property
    def promotions(self) -> str:
        """Promotions per decision, and years with one."""
        of_decisions = f"{100 * self.promoted:.2f} ± {100 * self.standard_error:.2f}"
        return f"{of_decisions} · {100 * self.years_with_promotion:.0f}"

    @property
    def search(self) -> str:
        """The true difference, promotions within four weeks, and the median."""
        in_time, median = self.in_time or 0.0, self.median_weeks or np.inf
        return f"{self.distance:.1f} · {100 * in_time:.0f} · {median:g}"


def table(lines: Sequence[Line], better: bool) -> Iterator[str]:
    """The lines of a Markdown table of the better challengers, or of the others."""
    measured = {each.challenger for each in lines}
    asked = [
        name for name, each in SCENARIOS.items() if name in measured and (each.change > 0) == better
    ]
    yield f"| rows | correlation | {' | '.join(asked)} |"
    yield "|---" * (len(asked) + 2) + "|"
    for family, correlation in dict.fromkeys((each.family, each.correlation) for each in lines):
        found = {
            each.challenger: each.search if better else each.promotions
            for each in lines
            if (each.family, each.correlation) == (family, correlation)
        }
        cells = [found.get(name, "") for name in asked]
        yield f"| {family} | {correlation:g} | {' | '.join(cells)} |"


def line(
    name: str, family: Family, truth: Truth, correlation: float, challenger: str, years: int
) -> Line:
    """The result of one scenario."""
    began, scenario = time.perf_counter(), SCENARIOS[challenger]
    found = simulate(family, truth, correlation, scenario, years=years, seed=1)
    share, error = found.share
    is_better, waits = scenario.change > 0, found.waits
    return Line(
        name,
        correlation,
        challenger,
        distance(family, truth, correlation, scenario),
        years,
        found.decisions,
        share,
        error,
        found.years_with_one,
        float((waits <= IN_TIME).mean()) if is_better else None,
        float(np.median(waits)) if is_better else None,
        round(time.perf_counter() - began, 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--family", action="append", help="a part of its name; all if not given")
    parser.add_argument("--challenger", choices=SCENARIOS, action="append")
    parser.add_argument("--correlation", type=float, action="append", help="0.5 and 0.95")
    parser.add_argument("--years", type=int, default=YEARS)
    asked = parser.parse_args()
    lines: list[Line] = []
    for name, family in families().items():
        if not any(part in name for part in asked.family or [""]):
            continue
        truth = Truth.of(family, seed=0)
        for correlation in asked.correlation or CORRELATIONS:
            for challenger in asked.challenger or SCENARIOS:
                lines.append(line(name, family, truth, correlation, challenger, asked.years))
                print(json.dumps(asdict(lines[-1])), file=sys.stderr, flush=True)
    print("promotions per decision in % ± standard error · years with a promotion in %\n")
    print(*table(lines, better=False), sep="\n")
    print("\nstandard errors · years with a promotion within 4 weeks in % · median of weeks\n")
    print(*table(lines, better=True), sep="\n")
    (ROOT / "build").mkdir(exist_ok=True)
    found = json.dumps([asdict(each) for each in lines], indent=2)
    (ROOT / "build" / "benchmarks-years.json").write_text(found)


if __name__ == "__main__":
    main()
