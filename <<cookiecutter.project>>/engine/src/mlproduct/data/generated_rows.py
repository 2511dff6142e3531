"""Rows generated from a schema, with a learnable target, for a product without ``sample.py``.

The target depends on every feature. Half of it depends on the first number, which is also the
column that ``changed_since`` changes. A change or a drift moves the cells and not the target, so
only a model that is trained on later rows can know it.
"""

from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..clock import today
from ..errors import ConfigError
from ..product import Product
from ..synthetic import DAYS, days, from_day
from ..tables import Batch
from .validation import validate

__all__ = ["cells_at", "changing_column", "generated_rows", "generated_sample"]

# The values of a category whose schema lists none, and the words of a free text.
WORDS = ("alpha", "beta", "gamma", "delta")
WORDS_AT_MOST = 8  # of a free text

# Numbers use this part of the allowed range, so that a change and a drift stay inside it. From a
# change on, they are counted from the other end: a part that they had not used before. The new
# order is the reverse one, so that a linear model is wrong as well, also by its ranking.
USED = (0.05, 0.45)

DEVIATION = 0.224  # of the distribution of the numbers, as a share of the part they use

# The noise in the target, in standard deviations of what the features determine: the target is
# learnable, but not exactly determined.
NOISE = 0.3

# Without a time, dates are the days before this one: the same in each sample, so that the dates of
# a later one have not drifted.
WITHOUT_TIME = datetime(2025, 1, 1)

KEYS = 1_000_000  # the keys of different seeds are different, for a schema without a time

# The share of generated rows that has to pass the schema. If fewer pass, the schema has rules that
# cannot be guessed from its columns.
ENOUGH = 0.9


def generated_rows(
    product: Product,
    rows: int,
    seed: int = 7,
    until: date | None = None,
    shuffle_labels: bool = False,
) -> pd.DataFrame:
    """Labelled rows that pass the schema, oldest first, with a target that depends on the features.

    The rows are not realistic. With ``shuffle_labels`` there is nothing to learn. Raises
    ConfigError if too many of the rows break a rule of the schema.
    """
    return generated_sample(product, rows, seed, until, dirty=0.0, shuffle_labels=shuffle_labels)


def generated_sample(
    product: Product,
    rows: int = 20_000,
    seed: int = 7,
    until: date | None = None,
    drift: float = 0.0,
    dirty: float = 0.004,
    shuffle_labels: bool = False,
    span: int = DAYS,
    changed_since: date | None = None,
) -> pd.DataFrame:
    """The same as ``generated_rows``, with the arguments of a kit's ``sample``.

    ``drift`` moves all numbers, in standard deviations per year; ``dirty`` is the share of rows
    that break a rule of the schema; the rows are of the ``span`` days up to ``until``. From the day
    ``changed_since`` on, ``changing_column`` has other values.
    """
    random = np.random.default_rng(seed)
    columns, schema = product.columns, product.labelled.to_schema().columns
    age = np.sort(random.uniform(0, 1, rows))
    times = days(age, until or today(), span)
    changed, changing = from_day(times, changed_since), changing_column(product)
    drifted = drift * DEVIATION * age * DAYS / 365
    leading, others = np.zeros(rows), np.zeros(rows)
    made: dict[str, Any] = {}
    for name in columns.read:
        if name == columns.key:
            made[name] = _keys(schema[name], seed * KEYS, rows)
        elif name == columns.time:
            made[name] = times
        elif name == columns.target:
            continue
        elif name in columns.dates:
            ages = random.integers(0, DAYS, rows)
            made[name] = _before(times if columns.time else None, ages)
            others += ages / DAYS - 0.5
        elif name in columns.texts:
            made[name], effect = _texts(random, rows)
            others += effect
        elif name in _free_numbers(product):
            share = random.beta(2, 2, rows)
            used = USED[0] + (USED[1] - USED[0]) * (share + drifted)
            moved = np.where(changed, 1 - used, used) if name == changing else used
            made[name] = cells_at(schema[name], moved.clip(0, 1))
            (leading if name == changing else others)[:] += 4 * (share - 0.5)
        else:
            made[name], effect = _cells(schema[name], columns.known_values.get(name), random, rows)
            others += effect if name in columns.features else 0.0
    made[str(columns.target)] = _target(
        schema[str(columns.target)], product, _scaled(leading) + _scaled(others), random
    )
    table = pd.DataFrame(made)
    if shuffle_labels:
        table[columns.target] = random.permutation(table[columns.target].to_numpy())
    return _spoiled(_passing(table, product), product, random, dirty)


def changing_column(product: Product) -> str | None:
    """The column that ``changed_since`` changes: ``demo_column``, or the first free number.

    None if no feature is a number without a list of values.
    """
    if product.sample is not None:
        return product.demo_column
    free = _free_numbers(product)
    return product.demo_column if product.demo_column in free else next(iter(free), None)


def _free_numbers(product: Product) -> tuple[str, ...]:
    """The features that are numbers without a list of values; a truth value is no such number."""
    columns, schema = product.columns, product.labelled.to_schema().columns
    unlisted = (name for name in columns.numeric if name not in columns.known_values)
    return tuple(name for name in unlisted if _is_number(schema[name]))


def _scaled(effect: np.ndarray) -> np.ndarray:
    return (effect - effect.mean()) / (effect.std() or 1.0)


def _passing(table: pd.DataFrame, product: Product) -> pd.DataFrame:
    checked = validate(
        [Batch(table, "rows generated from the schema", 0)], product.labelled, limit=1.0
    )
    if len(checked.rows) < ENOUGH * len(table):
        reasons = ", ".join(sorted(set(checked.rejected.failures["reason"])))
        raise ConfigError(
            f"only {len(checked.rows):,} of {len(table):,} rows generated from schemas.py pass its"
            f" rules ({reasons}) – expected at least {ENOUGH:.0%} – set sample=… in product.py, so"
            " that its rows are used"
        )
    return checked.rows


def _spoiled(
    table: pd.DataFrame, product: Product, random: np.random.Generator, share: float
) -> pd.DataFrame:
    """The table with a share of invalid rows.

    The faults are a missing key, a repeated row, and a value that the schema does not allow, in
    turn.
    """
    spoiled = random.permutation(len(table))[: int(share * len(table))]
    if not len(spoiled):
        return table
    lost, twice, wrong = (spoiled[place::3] for place in range(3))
    # The rows that are repeated are valid ones, so that the repetition is the only fault.
    valid = np.setdiff1d(np.arange(len(table)), spoiled)
    order = np.arange(len(table))
    order[twice] = np.resize(valid, len(twice)) if len(valid) else twice
    table = table.iloc[order].reset_index(drop=True)
    key = product.columns.key
    if table[key].dtype == "int64":
        table[key] = table[key].astype("Int64")  # which can have missing cells
    table.loc[lost, key] = None
    name, value = _not_allowed(product) or (key, None)
    table.loc[wrong, name] = value
    return table


def _not_allowed(product: Product) -> tuple[str, Any] | None:
    """A feature and a value that breaks its rule; None if no feature has a rule."""
    columns, schema = product.columns, product.labelled.to_schema().columns
    for name in columns.categorical:
        if isinstance(next(iter(columns.known_values.get(name, ())), None), str):
            return name, "a value that is not listed"
    for name in _free_numbers(product):
        rules = _rules(schema[name])
        if "min_value" in rules or "max_value" in rules:
            outside = rules.get("min_value", rules.get("max_value", 0.0) + 2) - 1
            return name, int(outside) if _is_whole(schema[name]) else outside
    return None


def _keys(column: Any, first: int, rows: int) -> pd.Series:
    numbers = pd.Series(np.arange(first + 1, first + rows + 1))
    return numbers if _is_number(column) else numbers.map("k{:09d}".format).astype("str")


def _days(random: np.random.Generator, rows: int, until: date) -> pd.Series:
    last = datetime.combine(until, time_of_day.min)
    ages = np.sort(random.integers(0, DAYS, rows))[::-1]
    return pd.Series([last - timedelta(days=int(age)) for age in ages])


def _before(time: Any, days: np.ndarray) -> pd.Series:
    """The dates that many days before the rows' times, or before ``WITHOUT_TIME`` without them."""
    last = pd.Series(WITHOUT_TIME, index=range(len(days)))
    return (last if time is None else time) - pd.to_timedelta(days, unit="D")


def _texts(random: np.random.Generator, rows: int) -> tuple[pd.Series, np.ndarray]:
    """Free texts of up to eight words, and what the share of the first word adds to the score."""
    lengths = random.integers(1, WORDS_AT_MOST + 1, rows)
    texts = [[WORDS[place] for place in random.integers(0, len(WORDS), n)] for n in lengths]
    effect = np.array([words.count(WORDS[0]) / len(words) for words in texts])
    return pd.Series([" ".join(words) for words in texts], dtype="str"), 4 * (effect - 0.25)


def _cells(
    column: Any, listed: tuple[Any, ...] | None, random: np.random.Generator, rows: int
) -> tuple[Any, np.ndarray]:
    """The cells, and what each adds to the score from which the target is made."""
    if "bool" in str(column.dtype).lower():
        listed = listed or (False, True)
    if listed or not (_is_number(column) or _is_time(column)):
        values = np.array(listed or WORDS, dtype=object)
        places = random.integers(0, len(values), rows)
        # Numbers in an array of objects get their type again.
        return pd.Series(values[places]).infer_objects(), places / max(len(values) - 1, 1) - 0.5
    if _is_time(column):
        return _days(random, rows, today()), np.zeros(rows)
    return cells_at(column, random.beta(2, 2, rows)), np.zeros(rows)


def cells_at(column: Any, share: np.ndarray) -> np.ndarray:
    """Numbers at the given shares (0 to 1) of the column's allowed range, in the column's type."""
    low, high = _bounds(column)
    cells = low + share * (high - low)
    return np.round(cells).astype("int64") if _is_whole(column) else cells


def _target(column: Any, product: Product, score: np.ndarray, random: np.random.Generator) -> Any:
    noisy = score + NOISE * score.std() * random.normal(size=len(score))
    return product.columns.of_target.generated(noisy, partial(cells_at, column))


def _bounds(column: Any) -> tuple[float, float]:
    """The range that the column's rules allow; without rules 0 to 100."""
    found = _rules(column)
    low = found.get("min_value", 0.0)
    high = found.get("max_value", low + 100.0)
    margin = 0.001 * (high - low)  # because a rule may exclude the bound itself
    return low + margin, high - margin


def _rules(column: Any) -> dict[str, float]:
    """The numbers in the column's rules, such as ``min_value``."""
    return {
        name: float(value)
        for check in column.checks
        for name, value in check.statistics.items()
        if isinstance(value, int | float)
    }


def _is_number(column: Any) -> bool:
    return any(kind in str(column.dtype).lower() for kind in ("int", "float"))


def _is_whole(column: Any) -> bool:
    return "int" in str(column.dtype).lower()


def _is_time(column: Any) -> bool:
    return "datetime" in str(column.dtype).lower()
