"""Which problem the target states, found from the targets of the training side only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..data.coercion import MISSING_WORDS, as_text
from ..errors import ConfigError, InvalidData
from ..problems.adoption import ADOPTIONS, Adoption
from ..reading import Reading
from .findings import Finding
from .kinds import Content, contents_of

__all__ = ["NUMBER", "TargetFound", "target_of"]

BINARY, SEVERAL, NUMBER = (ADOPTIONS[name] for name in ("binary", "multiclass", "regression"))
ROWS_AT_LEAST = 100
# Whole numbers of more different values are a number and no class.
CLASSES_OF_NUMBERS = 10
CLASSES_AT_MOST = 500
# A text with more different values per row is no class.
CLASS_SHARE = 0.3
GAPS_AT_MOST = 0.05
ROWS_OF_CLASS = 2


@dataclass(frozen=True)
class TargetFound:
    """The problem and its target: the classes in order, or the range of the numbers.

    ``is_text`` states whether classes are texts; ``positive`` is the positive one of two.
    """

    name: str
    problem: Adoption
    is_text: bool
    whole: bool
    classes: tuple[Any, ...] = ()
    positive: Any = None
    low: float = 0.0
    high: float = 0.0
    missing: tuple[str | int, ...] = ()
    findings: tuple[Finding, ...] = ()


def target_of(
    cells: pd.Series,
    name: str,
    reading: Reading,
    *,
    problem: str | None = None,
    positive: str | None = None,
) -> TargetFound:
    """The problem of the target with these ``cells``, those of the training side.

    Raises ConfigError for a wish that does not fit, and InvalidData for a target from which nothing
    can be learned, with the reason and a way out.
    """
    content = contents_of(pd.DataFrame({name: cells}), reading)[name]
    if len(cells) < ROWS_AT_LEAST:
        raise InvalidData(
            f"{len(cells):,} training rows – expected at least {ROWS_AT_LEAST}, because with fewer"
            " no verdict can be certain – collect more rows"
        )
    if content.share_missing > GAPS_AT_MOST:
        raise InvalidData(
            f"{name} is missing in {content.share_missing:.1%} of the training rows – expected a"
            " target in each row – keep only rows whose outcome is known, for example with --query"
        )
    classes = _classes(cells, content)
    if problem is not None and problem not in ADOPTIONS:
        raise ConfigError(f"--problem {problem}: expected one of {', '.join(ADOPTIONS)}")
    chosen = ADOPTIONS[problem] if problem else _problem(content, classes)
    evidence = content.evidence if chosen.is_number else _shares(classes)
    different = f"{content.different if chosen.is_number else len(classes):,} different values"
    findings = (
        Finding("target", name, evidence, "--target COLUMN"),
        Finding("problem", chosen.name, different, "--problem NAME"),
    )
    if chosen.is_number:
        return _number(content, name, findings)
    return _class(name, content, classes, chosen, positive, findings)


def _classes(cells: pd.Series, content: Content) -> pd.Series:
    """How often each class occurs, the most frequent first."""
    text = as_text(cells)
    if content.whole:
        numbers = pd.to_numeric(text, errors="coerce")
        return numbers.dropna().astype("int64").value_counts()
    missing = {str(each) for each in content.missing}
    stripped = text.str.strip()
    return text[~(text.isna() | stripped.isin({*missing, *MISSING_WORDS}))].value_counts()


def _problem(content: Content, classes: pd.Series) -> Adoption:
    if len(classes) == 2:
        return BINARY
    is_number = content.numbers.size > 0
    few = content.whole and len(classes) <= CLASSES_OF_NUMBERS
    return NUMBER if is_number and not few else SEVERAL


def _shares(classes: pd.Series) -> str:
    total = classes.sum()
    shown = [f"{value} {count / total:.1%}" for value, count in classes.head(4).items()]
    more = f", and {len(classes) - 4:,} more classes" if len(classes) > 4 else ""
    return ", ".join(shown) + more


def _number(content: Content, name: str, findings: tuple[Finding, ...]) -> TargetFound:
    if not content.numbers.size:
        raise InvalidData(
            f"{name}: {content.evidence} – expected numbers for a regression – name another target,"
            " or use --problem multiclass"
        )
    return TargetFound(
        name,
        NUMBER,
        is_text=False,
        whole=content.whole,
        low=content.low,
        high=content.high,
        missing=content.missing,
        findings=findings,
    )


def _class(
    name: str,
    content: Content,
    classes: pd.Series,
    problem: Adoption,
    positive: str | None,
    findings: tuple[Finding, ...],
) -> TargetFound:
    if len(classes) < 2:
        raise InvalidData(
            f"{name} has only the value {classes.index[0] if len(classes) else 'missing'} –"
            " expected at least two classes – use rows with both outcomes, or another target"
        )
    if len(classes) > max(2, min(CLASSES_AT_MOST, CLASS_SHARE * classes.sum())):
        raise InvalidData(
            f"{name} has {len(classes):,} different texts in {classes.sum():,} rows – expected"
            f" classes that repeat, at most {CLASSES_AT_MOST}, or numbers – name another target, or"
            " a column with the group of each text"
        )
    if rare := [repr(value) for value, count in classes.items() if count < ROWS_OF_CLASS]:
        raise InvalidData(
            f"{name}: {', '.join(rare[:5])} {'occurs' if len(rare) == 1 else 'occur'} only once –"
            f" expected at least {ROWS_OF_CLASS} rows of each class – collect more rows of it, or"
            " merge it with another class"
        )
    if problem.has_two_classes != (len(classes) == 2):
        expected, other = ("two", SEVERAL) if problem.has_two_classes else ("three or more", BINARY)
        raise ConfigError(
            f"--problem {problem.name}: {name} has {len(classes):,} classes – expected {expected} –"
            f" use --problem {other.name}"
        )
    is_text = not pd.api.types.is_integer_dtype(classes.index.dtype)
    values: tuple[Any, ...] = tuple(sorted(v if is_text else int(v) for v in classes.index))
    chosen = None
    if problem.has_two_classes:
        chosen, of_positive = _positive(classes, values, positive)
        findings = (*findings, of_positive)
    elif positive is not None:
        raise ConfigError(
            f"--positive {positive}: {name} has {len(classes):,} classes – expected two – leave it"
            " out"
        )
    return TargetFound(
        name,
        problem,
        is_text=is_text,
        whole=not is_text,
        classes=values,
        positive=chosen,
        missing=tuple(mark for mark in content.missing if isinstance(mark, str)),
        findings=findings,
    )


def _positive(classes: pd.Series, values: Sequence[Any], wished: str | None) -> tuple[Any, Finding]:
    flag = "--positive VALUE"
    if wished is not None:
        found = next((value for value in values if str(value) == wished), None)
        if found is None:
            raise ConfigError(
                f"--positive {wished}: the target has the values {values[0]} and {values[1]} –"
                " expected one of them"
            )
        return found, Finding("positive", str(found), "as given", flag)
    rarer = classes.index[-1] if classes.iloc[0] != classes.iloc[-1] else max(values)
    share = classes[rarer] / classes.sum()
    value = next(each for each in values if each == rarer)
    return value, Finding("positive", str(value), f"the rarer one, {share:.1%}", flag)
