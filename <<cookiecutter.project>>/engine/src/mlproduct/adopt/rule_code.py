"""The text of rule.py: the best rule on one or two columns that can be put in words.

A small decision tree on the training rows. A category enters it in the order of its mean target
(Breiman, Friedman, Olshen and Stone 1984, Classification and Regression Trees, section 4.2.2).
"""

import re
import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..data.columns import Columns
from .findings import shown_number
from .target import TargetFound

__all__ = ["Guess", "rule_code"]

LEAVES = 4
ROWS_OF_LEAF = 0.02  # a smaller share of the rows is no rule
COLUMNS_IN_PAIRS = 5
BETTER_BY = 1.02  # a second column makes the rule longer, so it has to make it better
WORDS_AT_MOST = 30  # classes that have a word
ROWS_AT_MOST = 20_000

HEAD = '''"""What the business does today without a model. Every model has to be better than this.

`adopt` guessed this rule from the training rows. Replace it by what people really do today.
"""

import numpy as np
import pandas as pd

__all__ = ["rule"]

'''


@dataclass(frozen=True)
class Guess:
    """The text of rule.py, the rule in one sentence, and the function itself."""

    code: str
    says: str


@dataclass(frozen=True)
class _Step:
    """A column compared with a limit: at most this number, or one of these values."""

    column: str
    limit: float | None = None
    values: tuple[Any, ...] = ()
    is_yes_or_no: bool = False
    has_missing: bool = False
    """Whether the column has missing values, which are not at most the limit."""

    @property
    def code(self) -> str:
        column = f"features[{self.column!r}]"
        if self.limit is not None:
            return f"({column} <= {self.limit!r})"
        return f"{column}.isin({list(self.values)!r})"

    def words(self, holds: bool) -> str:
        if self.limit is not None:
            limit = shown_number(self.limit)
            below, above = f"at most {limit}", f"more than {limit}"
            if self.is_yes_or_no:
                below, above = "no", "yes"
            above += " or missing" if self.has_missing else ""
            return f"{self.column} is {below if holds else above}"
        shown = ", ".join(map(str, self.values[:5])) + (", …" if len(self.values) > 5 else "")
        return f"{self.column} is {'' if holds else 'not '}one of {shown}"


@dataclass(frozen=True)
class _Leaf:
    """The steps to a leaf, each with whether it holds, and the value there."""

    path: tuple[tuple[_Step, bool], ...]
    value: Any

    @property
    def code(self) -> str:
        return " & ".join(step.code if holds else f"~{step.code}" for step, holds in self.path)

    @property
    def words(self) -> str:
        return " and ".join(step.words(holds) for step, holds in self.path)


@dataclass(frozen=True)
class _Tree:
    """The leaves of a small tree, and how good it is."""

    leaves: Sequence[_Leaf]
    quality: float


def rule_code(
    training: pd.DataFrame, columns: Columns, target: TargetFound, yes_or_no: Collection[str] = ()
) -> Guess:
    """The best rule for the training rows; 0 and 1 are no and yes in the columns ``yes_or_no``."""
    rows = training.sample(min(len(training), ROWS_AT_MOST), random_state=0).reset_index(drop=True)
    y = columns.encoded_target(rows)
    names = (*columns.numeric, *columns.categorical)
    if not names:
        by_words = columns.texts and not target.problem.is_number
        return _by_words(rows[columns.texts[0]], y, target) if by_words else _constant(y, target)
    tried: dict[tuple[str, ...], _Tree] = {}
    for name in names:
        tried[name,] = _tree(rows, columns, (name,), y, target, yes_or_no)
    best = sorted(tried, key=lambda chosen: -tried[chosen].quality)
    single, strongest = best[0], [chosen[0] for chosen in best[:COLUMNS_IN_PAIRS]]
    pairs = list(combinations(strongest, 2))
    for pair in pairs:
        tried[pair] = _tree(rows, columns, pair, y, target, yes_or_no)
    chosen = max(pairs, key=lambda pair: tried[pair].quality, default=single)
    if tried[chosen].quality < BETTER_BY * tried[single].quality:
        chosen = single
    leaves = tried[chosen].leaves
    return (
        _of_decision(leaves, target)
        if target.problem.has_two_classes
        else _of_values(leaves, target)
    )


def _tree(
    rows: pd.DataFrame,
    columns: Columns,
    names: Sequence[str],
    y: np.ndarray,
    target: TargetFound,
    yes_or_no: Collection[str],
) -> _Tree:
    """A small tree of these columns."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    ordered = [_ordered(rows[name], name in columns.categorical, y) for name in names]
    table = np.column_stack([numbers for numbers, _ in ordered])
    fewest = max(5, int(ROWS_OF_LEAF * len(rows)))
    kind = DecisionTreeRegressor if target.problem.is_number else DecisionTreeClassifier
    tree = kind(max_leaf_nodes=LEAVES, min_samples_leaf=fewest, random_state=0).fit(table, y)
    places = tree.apply(table)
    values = _values(places, y, target)
    paths = _paths(tree.tree_, rows[list(names)], [values for _, values in ordered], yes_or_no)
    leaves = [_Leaf(path, values[leaf]) for leaf, path in paths]
    return _Tree(
        [_shortest(leaf) for leaf in _merged(leaves)],
        _quality(y, np.array([values[place] for place in places]), target),
    )


def _values(places: np.ndarray, y: np.ndarray, target: TargetFound) -> dict[int, float]:
    """What the rule returns in each leaf: the median, the most frequent class, or 1 in the leaves
    that give the best F1 together.
    """
    leaves = np.unique(places)
    if target.problem.is_number:
        return {leaf: float(np.median(y[places == leaf])) for leaf in leaves}
    if not target.problem.has_two_classes:
        return {leaf: float(np.bincount(y[places == leaf].astype(int)).argmax()) for leaf in leaves}
    rates = sorted(leaves, key=lambda leaf: -y[places == leaf].mean())
    chosen = max(
        (rates[:count] for count in range(1, len(rates) + (len(rates) == 1))),
        key=lambda some: _f1(y, np.isin(places, some)),
    )
    return {leaf: float(leaf in chosen) for leaf in leaves}


def _f1(y: np.ndarray, decided: np.ndarray) -> float:
    caught = y[decided].sum()
    return float(2 * caught / max(decided.sum() + y.sum(), 1))


def _quality(y: np.ndarray, fitted: np.ndarray, target: TargetFound) -> float:
    """How good the rule is; higher is better."""
    if target.problem.is_number:
        return 1 / (float(np.abs(y - fitted).mean()) + 1e-12)
    return _f1(y, fitted == 1) if target.problem.has_two_classes else float((y == fitted).mean())


def _ordered(column: pd.Series, is_category: bool, y: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """The column as numbers in which a missing value is the largest; the values of a category in
    the order of their numbers.
    """
    if not is_category:
        numbers = column.to_numpy(dtype=float)
        most = np.nanmax(numbers) if np.isfinite(numbers).any() else 0.0
        return np.where(np.isnan(numbers), most + abs(most) + 1, numbers), []
    means = pd.Series(y).groupby(column.to_numpy(), dropna=True).mean().sort_values(kind="stable")
    places = {value: place for place, value in enumerate(means.index)}
    return column.map(places).fillna(len(places)).to_numpy(dtype=float), list(means.index)


def _paths(
    tree: Any, rows: pd.DataFrame, values: Sequence[list[Any]], yes_or_no: Collection[str]
) -> Iterator[tuple[int, tuple[tuple[_Step, bool], ...]]]:
    def walk(node: int, path: tuple[tuple[_Step, bool], ...]) -> Iterator[Any]:
        if tree.children_left[node] == -1:
            yield node, path
            return
        place = tree.feature[node]
        name, limit = rows.columns[place], float(tree.threshold[node])
        if values[place]:
            step = _Step(name, values=tuple(sorted(values[place][: int(limit) + 1])))
        else:
            step = _Step(
                name,
                limit=float(f"{limit:.6g}"),
                is_yes_or_no=name in yes_or_no,
                has_missing=bool(rows[name].isna().any()),
            )
        yield from walk(tree.children_left[node], (*path, (step, True)))
        yield from walk(tree.children_right[node], (*path, (step, False)))

    yield from walk(0, ())


def _merged(leaves: Sequence[_Leaf]) -> list[_Leaf]:
    """The leaves after neighbours with the same value became one."""
    found = list(leaves)
    for place, (left, right) in enumerate(pairwise(found)):
        # In the order of the tree, the two leaves of one node are neighbours.
        same_node = left.path and right.path and left.path[:-1] == right.path[:-1]
        if same_node and left.path[-1][0] == right.path[-1][0] and left.value == right.value:
            found[place : place + 2] = [_Leaf(left.path[:-1], left.value)]
            return _merged(found)
    return found


def _shortest(leaf: _Leaf) -> _Leaf:
    """The leaf without steps that a later step on the same column contains."""
    last = {(step.column, holds): (step, holds) for step, holds in leaf.path}
    return _Leaf(tuple(step for step in leaf.path if step in last.values()), leaf.value)


def _of_decision(leaves: Sequence[_Leaf], target: TargetFound) -> Guess:
    """The rule of two classes: positive in some leaves."""
    positive = target.positive
    negative = next(value for value in target.classes if value != positive)
    chosen = [leaf for leaf in leaves if leaf.value == 1 and leaf.path]
    if not chosen:
        return _constant(np.zeros(1), target)
    says = f"{positive} if {'; or if '.join(leaf.words for leaf in chosen)}"
    conditions = " | ".join(f"({leaf.code})" for leaf in chosen)
    code = f"""
def rule(features: pd.DataFrame) -> np.ndarray:
    {_docstring(says)}
    chosen = {conditions}
    return np.where(chosen, {positive!r}, {negative!r})
"""
    return Guess(HEAD + code, says)


def _of_values(leaves: Sequence[_Leaf], target: TargetFound) -> Guess:
    """The rule with a value per leaf: a number or a class."""

    def value(leaf: _Leaf) -> Any:
        return _in_table(leaf.value, target)

    *some, last = leaves
    if not some:
        return _constant(np.array([last.value]), target)
    says = "; ".join(f"{value(leaf)} if {leaf.words}" for leaf in some) + f"; else {value(last)}"
    conditions = "".join(f"        {leaf.code},\n" for leaf in some)
    code = f"""
def rule(features: pd.DataFrame) -> np.ndarray:
    {_docstring(says)}
    conditions = [
{conditions}    ]
    return np.select(conditions, {[value(leaf) for leaf in some]!r}, {value(last)!r})
"""
    return Guess(HEAD + code, says)


def _in_table(value: float, target: TargetFound) -> Any:
    """The number, rounded, or the class with this code."""
    if target.problem.is_number:
        return float(f"{value:.6g}")
    classes = list(target.classes)
    if target.problem.has_two_classes:
        classes.sort(key=lambda each: each == target.positive)
    return classes[int(value)]


def _constant(y: np.ndarray, target: TargetFound) -> Guess:
    most = np.median(y) if target.problem.is_number else np.bincount(y.astype(int)).argmax()
    value = _in_table(float(most), target)
    says = f"always {value}"
    code = f"""
def rule(features: pd.DataFrame) -> np.ndarray:
    {_docstring(says)}
    return np.full(len(features), {value!r})
"""
    return Guess(HEAD + code, says)


def _by_words(texts: pd.Series, y: np.ndarray, target: TargetFound) -> Guess:
    """The rule for texts alone: the most specific word of each class."""
    from sklearn.feature_extraction.text import CountVectorizer

    name = texts.name
    counter = CountVectorizer(binary=True, min_df=5, token_pattern=r"[^\W\d_]{3,}")
    found = counter.fit_transform(texts.fillna("")).tocsc()
    words = counter.get_feature_names_out()
    classes = [code for code in np.unique(y.astype(int))]
    counts = np.vstack([np.asarray(found[y == code].sum(axis=0)).ravel() for code in classes])
    precision = counts / np.maximum(counts.sum(axis=0), 1)
    sizes = np.array([(y == code).sum() for code in classes])[:, None]
    recall = counts / sizes
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    strongest = np.argsort(-f1.max(axis=1))[:WORDS_AT_MOST]
    otherwise = classes[int(sizes.ravel().argmax())]
    listed = {
        _in_table(classes[place], target): str(words[f1[place].argmax()])
        for place in strongest
        if classes[place] != otherwise
    }
    shown = ", ".join(f"{word}: {value}" for value, word in list(listed.items())[:3])
    otherwise_class = _in_table(otherwise, target)
    says = f"the first class whose word is in {name} ({shown}, …); else {otherwise_class}"
    lines = "".join(f"    {value!r}: {word!r},\n" for value, word in listed.items())
    code = f'''# In this order: the first class whose word is in the text.
WORDS = {{
{lines}}}
OTHERWISE = {otherwise_class!r}  # the most frequent class


def rule(features: pd.DataFrame) -> np.ndarray:
    """The class of each text, by one word of each class."""
    text = features[{name!r}].fillna("").str.lower()
    found = [text.str.contains(word, regex=False) for word in WORDS.values()]
    return np.select(found, list(WORDS), OTHERWISE)
'''
    return Guess(HEAD + code, says)


def _docstring(says: str) -> str:
    """The rule as the docstring of its function, in lines that are not too long."""
    text = re.sub(r"\s+", " ", says).replace("\\", "/").replace('"""', "'''")
    lines = textwrap.fill(f"{text}.", 94, initial_indent="    ", subsequent_indent="    ")
    return f'"""What the rule returns for each row.\n\n{lines}\n    """'
