"""Rows generated from a schema, with a learnable target, for a product without ``sample.py``."""

from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..clock import today
from ..data.validation import validate
from ..errors import ConfigError
from ..product import Product
from ..tables import Batch

__all__ = ["cells_at", "generated_rows"]

DAYS = 540  # the rows are of this many days, like those of synthetic.py

# The values of a category whose schema lists none, and the words of a free text.
WORDS = ("alpha", "beta", "gamma", "delta")
WORDS_AT_MOST = 8  # of a free text

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
    random = np.random.default_rng(seed)
    columns, schema = product.columns, product.labelled.to_schema().columns
    score = np.zeros(rows)
    made: dict[str, Any] = {}
    for name in columns.read:
        if name == columns.key:
            made[name] = _keys(schema[name], rows)
        elif name == columns.time:
            made[name] = _days(random, rows, until or today())
        elif name == columns.target:
            continue
        elif name in columns.dates:
            days = random.integers(0, DAYS, rows)
            made[name] = _before(made.get(str(columns.time)), days)
            score += days / DAYS - 0.5
        elif name in columns.texts:
            made[name], effect = _texts(random, rows)
            score += effect
        else:
            made[name], effect = _feature(
                schema[name], columns.known_values.get(name), random, rows
            )
            score += effect if name in columns.features else 0.0
    made[str(columns.target)] = _target(schema[str(columns.target)], product, score, random)
    table = pd.DataFrame(made)
    if shuffle_labels:
        table[columns.target] = random.permutation(table[columns.target].to_numpy())
    return _passing(table, product)


def _passing(table: pd.DataFrame, product: Product) -> pd.DataFrame:
    checked = validate(
        [Batch(table, "rows generated from the schema", 0)], product.labelled, limit=1.0
    )
    if len(checked.rows) < ENOUGH * len(table):
        reasons = ", ".join(sorted(set(checked.rejected.failures["reason"])))
        raise ConfigError(
            f"only {len(checked.rows):,} of {len(table):,} rows generated from schemas.py pass its"
            f" rules ({reasons}) – expected at least {ENOUGH:.0%} – set sample=… in product.py, so"
            " that the gate's tests use its rows"
        )
    return checked.rows


def _keys(column: Any, rows: int) -> pd.Series:
    numbers = pd.Series(np.arange(1, rows + 1))
    return numbers if _is_number(column) else numbers.map("k{:08d}".format).astype("str")


def _days(random: np.random.Generator, rows: int, until: date) -> pd.Series:
    last = datetime.combine(until, time_of_day.min)
    ages = np.sort(random.integers(0, DAYS, rows))[::-1]
    return pd.Series([last - timedelta(days=int(age)) for age in ages])


def _before(time: Any, days: np.ndarray) -> pd.Series:
    """The dates that many days before the rows' times, or before today without them."""
    last = pd.Series(datetime.combine(today(), time_of_day.min), index=range(len(days)))
    return (last if time is None else time) - pd.to_timedelta(days, unit="D")


def _texts(random: np.random.Generator, rows: int) -> tuple[pd.Series, np.ndarray]:
    """Free texts of up to eight words, and what the share of the first word adds to the score."""
    lengths = random.integers(1, WORDS_AT_MOST + 1, rows)
    texts = [[WORDS[place] for place in random.integers(0, len(WORDS), n)] for n in lengths]
    effect = np.array([words.count(WORDS[0]) / len(words) for words in texts])
    return pd.Series([" ".join(words) for words in texts], dtype="str"), 4 * (effect - 0.25)


def _feature(
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
    share = random.beta(2, 2, rows)
    return cells_at(column, share), 4 * (share - 0.5)


def cells_at(column: Any, share: np.ndarray) -> np.ndarray:
    """Numbers at the given shares (0 to 1) of the column's allowed range, in the column's type."""
    low, high = _bounds(column)
    cells = low + share * (high - low)
    return np.round(cells).astype("int64") if _is_whole(column) else cells


def _target(column: Any, product: Product, score: np.ndarray, random: np.random.Generator) -> Any:
    # Some noise, so that the target is learnable but not exactly determined by the features.
    noisy = score + 0.3 * score.std() * random.normal(size=len(score))
    return product.columns.of_target.generated(noisy, partial(cells_at, column))


def _bounds(column: Any) -> tuple[float, float]:
    """The range that the column's rules allow; without rules 0 to 100."""
    found: dict[str, float] = {}
    for check in column.checks:
        for name, value in check.statistics.items():
            if isinstance(value, int | float):
                found[name] = float(value)
    low = found.get("min_value", 0.0)
    high = found.get("max_value", low + 100.0)
    margin = 0.001 * (high - low)  # because a rule may exclude the bound itself
    return low + margin, high - margin


def _is_number(column: Any) -> bool:
    return any(kind in str(column.dtype).lower() for kind in ("int", "float"))


def _is_whole(column: Any) -> bool:
    return "int" in str(column.dtype).lower()


def _is_time(column: Any) -> bool:
    return "datetime" in str(column.dtype).lower()
