"""Plant leaks in clean tables, and count how many the check for leaks finds.

    recall          planted leaks that were found, per kind, on every table that fits the kind
    false blocks    clean tables in which the check blocks a feature
    cost            CPU seconds for 50,000 rows × 50 columns

Runs in the environment of a project. ``--data`` adds the public tables of a folder. Seeds below 100
were used while the check was written; the seeds of the report begin at 100.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from mlproduct.config.settings import Checks, Split
from mlproduct.data.columns import Columns
from mlproduct.problems import (
    BinaryClassification,
    MulticlassClassification,
    Problem,
    Regression,
    Target,
)
from mlproduct.training.leaks import Leak, Level, find_leaks
from sklearn import datasets

FIRST_SEED = 100
NOT_FEATURES = ("row_id", "at", "target")
BY_HASH = Split(by="hash", holdout=0.25)


@dataclass(frozen=True)
class Table:
    """Rows with the columns row_id and target; any other column is a feature, except ``at``."""

    name: str
    rows: pd.DataFrame
    texts: tuple[str, ...] = ()

    @property
    def y(self) -> np.ndarray:
        """The target: numbers, or texts of classes."""
        return self.rows["target"].to_numpy()

    @property
    def is_number(self) -> bool:
        """Whether the target is a number."""
        return self.rows["target"].dtype.kind == "f"

    @property
    def is_binary(self) -> bool:
        """Whether the target has two classes."""
        return not self.is_number and self.rows["target"].nunique() == 2

    def codes(self) -> np.ndarray:
        """The classes as numbers from 0; of a number, whether it is above the median."""
        y = self.y
        return (y > np.median(y)).astype(int) if self.is_number else pd.factorize(y, sort=True)[0]

    def with_columns(self, **columns: object) -> "Table":
        """The table with these columns."""
        return replace(self, rows=self.rows.assign(**columns))


def columns_of(table: Table) -> Columns:
    """The roles of the columns, from their data types."""
    rows = table.rows
    features = [name for name in rows if name not in NOT_FEATURES]
    kinds = {name: rows[name].dtype.kind for name in features}
    values = tuple(sorted(set(table.y))) if not table.is_number else ()
    problem: Problem = Regression()
    if table.is_binary:
        problem = BinaryClassification()
    elif not table.is_number:
        problem = MulticlassClassification()
    positive = values[-1] if table.is_binary else None
    return Columns(
        key="row_id",
        time="at" if "at" in rows else None,
        group=None,
        target="target",
        problem=problem.of(Target("target", not table.is_number, values, positive)),
        numeric=tuple(name for name in features if kinds[name] in "iufb"),
        categorical=tuple(
            name for name in features if kinds[name] not in "iufbM" and name not in table.texts
        ),
        dates=tuple(name for name in features if kinds[name] == "M"),
        texts=table.texts,
        ignored=(),
        private=(),
        known_values={},
    )


def check(table: Table) -> tuple[Leak, ...]:
    """What the check reports with its default limits."""
    return find_leaks(table.rows, columns_of(table), Checks(), BY_HASH)


# --- clean tables -----------------------------------------------------------------------------


def days_of(numbers: np.ndarray) -> pd.TimedeltaIndex:
    """The numbers as days."""
    return pd.to_timedelta(numbers, unit="D")


def _table(name: str, features: pd.DataFrame, target: np.ndarray, *, number: bool) -> Table:
    named = features.rename(columns=str).reset_index(drop=True)
    y = (
        np.asarray(target, dtype=float)
        if number
        else np.array([f"class {each}" for each in target])
    )
    return Table(name, named.assign(row_id=np.arange(len(named)), target=y))


def public_tables() -> Iterator[Table]:
    """The tables of scikit-learn."""
    for name in ("breast_cancer", "digits", "iris", "wine", "diabetes"):
        found = getattr(datasets, f"load_{name}")(as_frame=True)
        yield _table(name, found.data, found.target, number=name == "diabetes")


def simulated_tables(seed: int) -> Iterator[Table]:
    """Tables of known laws, without a leak."""
    random = np.random.default_rng(seed)
    for name, given in {
        "two classes": {"n_samples": 3_000, "n_features": 20, "weights": [0.9]},
        "four classes": {"n_samples": 3_000, "n_classes": 4, "n_informative": 6},
        "few rows": {"n_samples": 300, "n_features": 10},
    }.items():
        x, y = datasets.make_classification(random_state=seed, **given)
        yield _table(name, pd.DataFrame(x).add_prefix("x"), y, number=False)
    for name, (x, y) in {
        "linear": datasets.make_regression(2_000, 20, noise=20, random_state=seed),
        "curved": datasets.make_friedman1(2_000, noise=1.0, random_state=seed),
    }.items():
        yield _table(name, pd.DataFrame(x).add_prefix("x"), y, number=True)
    rows = 4_000
    mixed = pd.DataFrame(
        {
            "age": random.integers(18, 90, rows),
            "income": random.lognormal(10, 0.5, rows).round(2),
            "visits": random.poisson(3, rows),
            "rating": np.where(random.uniform(size=rows) < 0.2, np.nan, random.normal(size=rows)),
            "member": random.uniform(size=rows) < 0.4,
            "city": random.choice([f"city {n}" for n in range(40)], rows),
            "plan": random.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1]),
            "since": pd.Timestamp("2026-01-01")
            - pd.to_timedelta(random.integers(0, 2000, rows), "D"),
        }
    )
    effect = (mixed["age"] - 50) / 20 + (mixed["plan"] == "pro") * 2 - mixed["visits"] / 3
    y = effect + random.logistic(size=rows) > 1
    yield _table("customers", mixed, y.to_numpy(), number=False)
    price = np.log(mixed["income"]) * 3 + effect + random.normal(size=rows)
    yield _table("prices", mixed, price.to_numpy(), number=True)


def tables_of(folder: Path) -> Iterator[Table]:
    """The public tables of the folder, without their known leaks."""
    bank = pd.read_csv(folder / "bank-additional.csv", sep=";").drop(columns="duration")
    yield _table("bank", bank.drop(columns="y"), bank["y"].to_numpy(), number=False)
    diamonds = pd.read_csv(folder / "diamonds.csv")
    yield _table("diamonds", diamonds.drop(columns="price"), diamonds["price"], number=True)
    bikes = pd.read_csv(folder / "bikeshare.csv", parse_dates=["datetime"])
    features = bikes.drop(columns=["count", "casual", "registered", "datetime"])
    yield _table("bikeshare", features, bikes["count"], number=True).with_columns(
        at=bikes["datetime"]
    )


# --- leaks ------------------------------------------------------------------------------------

Seeded = tuple[int, Table]
Plant = Callable[[Table, np.random.Generator], Table | None]
"""The table with the leak in columns whose names begin with ``leak``; None if it does not apply."""


def _number(table: Table) -> np.ndarray:
    return table.y if table.is_number else table.codes().astype(float)


def renamed(table: Table, random: np.random.Generator) -> Table:
    """The target under another name."""
    return table.with_columns(leak=table.y if table.is_number else table.rows["target"] + " (new)")


def rescaled(table: Table, random: np.random.Generator) -> Table:
    """The target in another unit, or as a number."""
    return table.with_columns(leak=np.exp(_number(table) / (np.abs(_number(table)).max() or 1)) * 7)


def near_copy(table: Table, random: np.random.Generator) -> Table:
    """The target with noise of a twentieth of its spread."""
    y = _number(table)
    return table.with_columns(leak=y + random.normal(size=len(y)) * y.std() / 20)


def missing(table: Table, random: np.random.Generator) -> Table | None:
    """A number that is missing in the rows of one of the two classes."""
    if not table.is_binary:
        return None
    value = random.normal(size=len(table.rows))
    return table.with_columns(leak=np.where(table.codes() == 1, np.nan, value))


def agrees(table: Table, random: np.random.Generator) -> Table | None:
    """A column that is the target in 96 of 100 rows."""
    if table.is_number:
        return None
    codes = table.codes()
    other = (codes + random.integers(1, codes.max() + 1, len(codes))) % (codes.max() + 1)
    value = np.where(random.uniform(size=len(codes)) < 0.96, codes, other)
    return table.with_columns(leak=pd.Series(value).map("value {}".format))


def branch(table: Table, random: np.random.Generator) -> Table | None:
    """A group whose rows all have the same class."""
    if table.is_number:
        return None
    size = max(2, len(table.rows) // 40)
    numbers = random.integers(0, size, len(table.rows)) * (table.codes().max() + 1)
    return table.with_columns(leak=pd.Series(numbers + table.codes()).map("branch {}".format))


def prefix(table: Table, random: np.random.Generator) -> Table | None:
    """An identifier, unique to each row, that begins with a letter of the class."""
    if table.is_number:
        return None
    unique = random.permutation(len(table.rows))
    found = [
        f"{chr(65 + code)}-{number:06d}" for code, number in zip(table.codes(), unique, strict=True)
    ]
    return table.with_columns(leak=found)


def remainder(table: Table, random: np.random.Generator) -> Table | None:
    """A running number whose last digit is the class."""
    if table.is_number or table.codes().max() > 9:
        return None
    return table.with_columns(leak=random.permutation(len(table.rows)) * 10 + table.codes())


def order(table: Table, random: np.random.Generator) -> Table:
    """The number of the row in a file that is sorted by the target."""
    place = np.empty(len(table.rows), dtype=int)
    place[np.lexsort((random.uniform(size=len(place)), _number(table)))] = np.arange(len(place))
    return table.with_columns(leak=place)


def later_date(table: Table, random: np.random.Generator) -> Table | None:
    """A date that is after the row's time in one of the two classes."""
    if not table.is_binary:
        return None
    rows = len(table.rows)
    at = pd.Timestamp("2026-01-01") + days_of(random.integers(0, 300, rows))
    days = np.where(table.codes() == 1, random.integers(1, 60, rows), -random.integers(1, 60, rows))
    return table.with_columns(at=at, leak=at + days_of(days))


def time_of_day(table: Table, random: np.random.Generator) -> Table | None:
    """A date that is at midnight in one of the two classes."""
    if not table.is_binary:
        return None
    day = pd.Timestamp("2026-01-01") + pd.to_timedelta(
        random.integers(0, 300, len(table.rows)), "D"
    )
    seconds = np.where(table.codes() == 1, 0, random.integers(1, 86_400, len(table.rows)))
    return table.with_columns(leak=day + pd.to_timedelta(seconds, "s"))


def word(table: Table, random: np.random.Generator) -> Table | None:
    """A free text with a word in one of the two classes."""
    if not table.is_binary:
        return None
    words = random.choice([f"word{n}" for n in range(300)], (len(table.rows), 8))
    texts = [
        " ".join([*row, "refunded"] if code else row)
        for row, code in zip(words, table.codes(), strict=True)
    ]
    return replace(table.with_columns(leak=pd.Series(texts, dtype="str")), texts=("leak",))


def xor(table: Table, random: np.random.Generator) -> Table | None:
    """Two columns of which neither is informative; the target is whether they differ."""
    if not table.is_binary:
        return None
    one = random.integers(0, 2, len(table.rows))
    return table.with_columns(leak_a=one, leak_b=one ^ table.codes())


def xor_of_numbers(table: Table, random: np.random.Generator) -> Table | None:
    """Two numbers; the target is whether one of them is above a limit."""
    if not table.is_binary:
        return None
    one = random.integers(0, 2, len(table.rows))

    def spread(flags: np.ndarray) -> np.ndarray:
        inside = random.uniform(size=len(flags))
        return np.where(flags == 1, 0.7 + 0.3 * inside, 0.7 * inside) * 50

    return table.with_columns(leak_a=spread(one), leak_b=spread(one ^ table.codes()))


def comparison(table: Table, random: np.random.Generator) -> Table | None:
    """Two numbers; the target is which of them is larger."""
    if not table.is_binary:
        return None
    one = random.normal(100, 20, len(table.rows))
    gap = random.exponential(10, len(table.rows)) + 0.5
    return table.with_columns(leak_a=one, leak_b=one + np.where(table.codes() == 1, gap, -gap))


def modular(table: Table, random: np.random.Generator) -> Table | None:
    """Two categories that give one of several classes together."""
    if table.is_number or table.is_binary or table.codes().max() > 5:
        return None
    size = table.codes().max() + 1
    one = random.integers(0, size, len(table.rows))
    other = (table.codes() + one) % size
    return table.with_columns(
        leak_a=pd.Series(one).map("a{}".format), leak_b=pd.Series(other).map("b{}".format)
    )


def sum_of(terms: int) -> Plant:
    """Numbers whose sum is the target."""

    def plant(table: Table, random: np.random.Generator) -> Table | None:
        if not table.is_number:
            return None
        y = table.y
        parts = random.normal(size=(terms - 1, len(y))) * y.std()
        rest = y - parts.sum(axis=0)
        named = {f"leak_{place}": part for place, part in enumerate((*parts, rest))}
        return table.with_columns(**named)

    return plant


def weighted_sum(table: Table, random: np.random.Generator) -> Table | None:
    """Three numbers whose weighted sum is the target."""
    if not table.is_number:
        return None
    parts = random.normal(size=(2, len(table.y))) * table.y.std()
    rest = (table.y - 0.5 * parts[0] - 2.5 * parts[1]) / 1.7
    return table.with_columns(leak_0=parts[0], leak_1=parts[1], leak_2=rest)


def product_of(terms: int) -> Plant:
    """Positive numbers whose product is the target."""

    def plant(table: Table, random: np.random.Generator) -> Table | None:
        if not table.is_number or table.y.min() <= 0:
            return None
        parts = random.lognormal(sigma=0.5, size=(terms - 1, len(table.y)))
        rest = table.y / parts.prod(axis=0)
        named = {f"leak_{place}": part for place, part in enumerate((*parts, rest))}
        return table.with_columns(**named)

    return plant


def tomorrow(table: Table, random: np.random.Generator) -> Table:
    """The target of the next day, in a table with one row per day."""
    at = pd.date_range("2000-01-01", periods=len(table.rows))
    return table.with_columns(at=at, leak=np.r_[_number(table)[1:], np.nan])


def yesterday(table: Table, random: np.random.Generator) -> Table:
    """The target of the day before."""
    at = pd.date_range("2000-01-01", periods=len(table.rows))
    return table.with_columns(at=at, leak=np.r_[np.nan, _number(table)[:-1]])


def copied(table: Table, random: np.random.Generator) -> Table:
    """A third of the rows again, under other keys."""
    again = table.rows.sample(frac=1 / 3, random_state=int(random.integers(2**31)))
    again = again.assign(row_id=again["row_id"] + len(table.rows))
    return replace(table, rows=pd.concat([table.rows, again], ignore_index=True))


BLOCKS: dict[str, Plant] = {
    "renamed copy": renamed,
    "rescaled copy": rescaled,
    "copy with little noise": near_copy,
    "missing values": missing,
    "group that is the answer": branch,
    "identifier, first letter": prefix,
    "identifier, last digit": remainder,
    "order of the rows": order,
    "date after the row's time": later_date,
    "time of day": time_of_day,
    "word in a text": word,
    "XOR of two flags": xor,
    "XOR of two numbers": xor_of_numbers,
    "comparison of two numbers": comparison,
    "two categories together": modular,
    "sum of two": sum_of(2),
    "sum of three": sum_of(3),
    "sum of five": sum_of(5),
    "weighted sum of three": weighted_sum,
    "product of two": product_of(2),
    "product of three": product_of(3),
    "target of the next day": tomorrow,
    "rows copied under other keys": copied,
}
DOUBTS: dict[str, Plant] = {
    "agrees in 96 of 100 rows": agrees,
    "target of the day before": yesterday,
}


def found(leaks: tuple[Leak, ...], *, doubts: bool) -> bool:
    """Whether a leak in the planted columns is reported as a block, or at least as a doubt.

    Copies of rows have no columns.
    """
    return any(
        all(name.startswith("leak") for name in leak.columns)
        and (doubts or leak.level is Level.BLOCK)
        for leak in leaks
    )


def report_kinds(
    tables: list[tuple[int, Table]], plants: dict[str, Plant], *, doubts: bool
) -> None:
    """Prints the recall of each kind, and the tables in which it was missed."""
    hits = planted_in_all = 0
    for kind, plant in plants.items():
        missed, count = [], 0
        for seed, table in tables:
            planted = plant(table, np.random.default_rng(seed))
            if planted is None:
                continue
            count += 1
            if not found(check(planted), doubts=doubts):
                missed.append(f"{table.name}/{seed}")
        hits, planted_in_all = hits + count - len(missed), planted_in_all + count
        share = (count - len(missed)) / max(count, 1)
        print(f"  {kind:28}{count:6}{share:9.0%}   {', '.join(missed[:6])}", flush=True)
    print(f"  {'all':28}{planted_in_all:6}{hits / max(planted_in_all, 1):9.1%}", flush=True)


def report_clean(tables: list[Seeded]) -> None:
    """Prints what the check reports in clean tables."""
    blocked = doubted = 0
    for seed, table in tables:
        leaks = check(table)
        blocked += any(leak.level is Level.BLOCK for leak in leaks)
        doubted += bool(leaks)
        if leaks:
            words = "; ".join(f"{leak.level} {leak}" for leak in leaks[:4])
            print(f"  {table.name}/{seed}: {words}", flush=True)
    print(
        f"  {len(tables)} clean tables: {blocked} with a block, {doubted} with a block or a doubt"
    )


def report_cost() -> None:
    """Prints the CPU seconds for a wide table of each problem."""
    random = np.random.default_rng(0)
    features = pd.DataFrame(random.normal(size=(50_000, 50))).add_prefix("x")
    features = features.assign(
        **{f"x{n}": random.integers(0, 10_000, 50_000) for n in range(10)},
        **{f"x{n}": random.choice([f"v{k}" for k in range(500)], 50_000) for n in range(10, 20)},
    )
    score = features["x30"] + random.normal(size=50_000)
    for words, y, number in (
        ("two classes", score > 1, False),
        ("four classes", pd.qcut(score, 4, labels=False), False),
        ("a number", score, True),
    ):
        table = _table(words, features, np.asarray(y), number=number)
        table = table.with_columns(at=pd.date_range("2020-01-01", periods=50_000, freq="h"))
        start = time.process_time()
        check(table)
        print(f"  {words:28}{time.process_time() - start:6.1f} s of CPU", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder with public tables")
    parser.add_argument("--seeds", type=int, default=5, help="simulated tables of each law")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    tables = [(seeds[0], table) for table in public_tables()]
    tables += [(seeds[0], table) for table in (tables_of(options.data) if options.data else ())]
    tables += [(seed, table) for seed in seeds for table in simulated_tables(seed)]
    print("clean tables")
    report_clean(tables)
    print(f"{'leaks that have to block':30}{'planted':>6}{'found':>7}   missed in")
    report_kinds(tables, BLOCKS, doubts=False)
    print(f"{'leaks that have to be a doubt':30}{'planted':>6}{'found':>7}   missed in")
    report_kinds(tables, DOUBTS, doubts=True)
    print("cost for 50,000 rows × 50 columns")
    report_cost()


if __name__ == "__main__":
    main()
