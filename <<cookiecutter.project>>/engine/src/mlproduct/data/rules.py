"""What each rule of Pandera means: in words, as a test of one cell, and in JSON Schema.

A rule is looked up here and nowhere else, so that a batch, the service and the service's page
cannot differ. A check that is not listed (a function, a rule of several columns) has only words:
Pandera itself applies it.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from pandera.api.checks import Check

__all__ = ["Rule", "Test", "rule_of"]

Test = Callable[[Any], bool]
Statistics = Mapping[str, Any]

# Longer lists of categories are cut in a message; the schema has them all.
LISTED = 4


@dataclass(frozen=True)
class Rule:
    """One check of a column. ``code`` is the reason that is stored with a quarantined row.

    ``test`` is None where only Pandera can apply the check; ``keywords`` are those of JSON Schema,
    none where it has no term for the rule.
    """

    words: str
    code: str = "rule"
    test: Test | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)


def rule_of(check: Check) -> Rule:
    """The rule of a check of a column or of a table."""
    known = RULES.get(str(check.name))
    if known is not None:
        return known(check.statistics or {})
    return Rule(str(check.error or str(check.name or "a check of the schema").replace("_", " ")))


@dataclass(frozen=True)
class _Bound:
    """A bound on one side: where Pandera keeps it, how cells compare with it, what it is called."""

    name: str
    words: str
    holds: Callable[[Any, Any], Any]
    keyword: str

    def __call__(self, known: Statistics) -> Rule:
        bound, holds = known[self.name], self.holds
        words = f"{self.words} {_short(bound)}"
        return Rule(words, "range", lambda cell: bool(holds(cell, bound)), self.keywords(bound))

    def keywords(self, bound: Any) -> dict[str, Any]:
        """None for a date: JSON Schema compares only numbers."""
        is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
        return {self.keyword: bound} if is_number else {}


MORE = _Bound("min_value", "more than", operator.gt, "exclusiveMinimum")
AT_LEAST = _Bound("min_value", "at least", operator.ge, "minimum")
LESS = _Bound("max_value", "less than", operator.lt, "exclusiveMaximum")
AT_MOST = _Bound("max_value", "at most", operator.le, "maximum")


def _range(known: Statistics) -> Rule:
    low, high = known["min_value"], known["max_value"]
    lower = AT_LEAST if known.get("include_min", True) else MORE
    upper = AT_MOST if known.get("include_max", True) else LESS
    return Rule(
        f"between {_short(low)} and {_short(high)}",
        "range",
        lambda cell: bool(lower.holds(cell, low) and upper.holds(cell, high)),
        lower.keywords(low) | upper.keywords(high),
    )


def _one_of(known: Statistics) -> Rule:
    values = list(known["allowed_values"])
    return Rule(
        f"one of {_listed(values)}", "category", frozenset(values).__contains__, {"enum": values}
    )


def _none_of(known: Statistics) -> Rule:
    values = frozenset(known["forbidden_values"])
    words = f"none of {_listed(known['forbidden_values'])}"
    return Rule(words, "category", lambda cell: cell not in values)


def _equal(known: Statistics) -> Rule:
    value = known["value"]
    return Rule(f"equal to {_short(value)}", "category", lambda cell: bool(cell == value))


def _not_equal(known: Statistics) -> Rule:
    value = known["value"]
    return Rule(f"not {_short(value)}", "category", lambda cell: bool(cell != value))


def _length(known: Statistics) -> Rule:
    exact = known.get("exact_value")
    least = known.get("min_value") if exact is None else exact
    most = known.get("max_value") if exact is None else exact
    if exact is not None:
        words = f"exactly {exact} characters"
    elif least is not None and most is not None:
        words = f"{least} to {most} characters"
    else:
        words = f"at least {least} characters" if most is None else f"at most {most} characters"
    bounds = {"minLength": least, "maxLength": most}
    return Rule(
        words,
        test=lambda cell: (
            (least is None or len(cell) >= least) and (most is None or len(cell) <= most)
        ),
        keywords={name: bound for name, bound in bounds.items() if bound is not None},
    )


def _matches(known: Statistics) -> Rule:
    pattern = re.compile(known["pattern"])
    text = pattern.pattern
    # Pandera looks for the pattern at the beginning of a cell, JSON Schema anywhere in it. In
    # ^a|b, the anchor applies to a only.
    anchored = text if text.startswith("^") and "|" not in text else f"^(?:{text})"
    return Rule(
        f"matches {text}",
        test=lambda cell: pattern.match(cell) is not None,
        keywords={"pattern": anchored},
    )


def _contains(known: Statistics) -> Rule:
    pattern = re.compile(known["pattern"])
    return Rule(
        f"contains {pattern.pattern}",
        test=lambda cell: pattern.search(cell) is not None,
        keywords={"pattern": pattern.pattern},
    )


def _starts(known: Statistics) -> Rule:
    start = known["string"]
    return Rule(f"starts with {start}", test=lambda cell: cell.startswith(start))


def _ends(known: Statistics) -> Rule:
    end = known["string"]
    return Rule(f"ends with {end}", test=lambda cell: cell.endswith(end))


RULES: Mapping[str, Callable[[Statistics], Rule]] = {
    "greater_than": MORE,
    "greater_than_or_equal_to": AT_LEAST,
    "less_than": LESS,
    "less_than_or_equal_to": AT_MOST,
    "in_range": _range,
    "isin": _one_of,
    "notin": _none_of,
    "equal_to": _equal,
    "not_equal_to": _not_equal,
    "str_matches": _matches,
    "str_contains": _contains,
    "str_startswith": _starts,
    "str_endswith": _ends,
    "str_length": _length,
}


def _short(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(values: Iterable[Any]) -> str:
    values = list(values)
    return ", ".join(map(str, values[:LISTED])) + ("…" if len(values) > LISTED else "")
