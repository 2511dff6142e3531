"""What a verdict document states about the classes of a multi-class model.

The page and the Markdown show the same content; each of them escapes the texts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..gate.criteria import BY_CLASS, Measurement
from ..gate.document import Document
from .summary import measured

__all__ = [
    "METRICS",
    "MOST",
    "Calibrations",
    "ClassRow",
    "Confusion",
    "ConfusionCell",
    "about_class",
    "calibrations",
    "class_rows",
    "confusion_matrix",
    "confusions",
    "overall",
    "rows_per_class",
    "threshold_in_words",
    "too_few_in_words",
]

# The metrics of each class and their headings.
METRICS = {"recall": "Recall", "precision": "Precision", "f1": "F1"}
# The number of classes in a matrix, a list or a group of plots; more are hard to read.
MOST = 12
# The number of confusions that are listed instead of a matrix.
CONFUSIONS = 20

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ClassRow:
    """A class with its holdout rows and, in the order of ``METRICS``, values and intervals.

    ``too_few`` is whether it has fewer rows than the criteria require. It is then undecided.
    """

    name: str
    rows: int | None
    metrics: tuple[tuple[str, str], ...]
    too_few: bool


@dataclass(frozen=True)
class ConfusionCell:
    """The rows of one actual class with one decision, and their share of the actual class.

    ``shade`` is from 0 (no rows) to 10 (all rows of the class).
    """

    rows: int
    share: str
    shade: int
    right: bool


@dataclass(frozen=True)
class Confusion:
    """A kind of wrong decision: its actual class, the decision, the rows and their share."""

    actual: str
    decided: str
    rows: int
    share: str


class Calibrations(NamedTuple):
    """The points (mean probability, observed share) by class, and how many were left out."""

    curves: dict[str, Points]
    left_out: int


def class_rows(document: Document) -> tuple[ClassRow, ...]:
    """The classes in the order of the model, or with the lowest F1 first if there are many."""
    names = document.model.classes if document.model else ()
    found = {(m.metric, m.slice): m for m in document.measurements if about_class(m, document)}
    rows = rows_per_class(document)
    if not found and not rows:
        return ()
    if len(names) > MOST:
        names = tuple(sorted(names, key=lambda name: _lowest_first(found.get(("f1", name)))))
    return tuple(
        ClassRow(
            name,
            rows.get(name),
            tuple(_shown(found.get((metric, name))) for metric in METRICS),
            rows.get(name, math.inf) < document.criteria.smallest,
        )
        for name in names
    )


def about_class(found: Measurement, document: Document) -> bool:
    """Whether the measurement is a metric of one class of the model, and no difference."""
    names = document.model.classes if document.model else ()
    of_one = found.by == BY_CLASS and found.other is None and found.versus is None
    return of_one and found.metric in METRICS and found.slice in names


def rows_per_class(document: Document) -> dict[str, int]:
    """The holdout rows of each class."""
    names = document.model.classes if document.model else ()
    return {name: sum(row) for name, row in zip(names, _counts(document), strict=False)}


def _shown(found: Measurement | None) -> tuple[str, str]:
    if found is None or found.problem is not None:
        return measured(None, None)
    return measured(found.value, found.interval)


def _lowest_first(found: Measurement | None) -> float:
    # Classes without a value are last; NaN has no order.
    return math.inf if found is None or math.isnan(found.value) else found.value


def too_few_in_words(rows: Sequence[ClassRow], smallest: int) -> str:
    """The sentence that names the classes with too few rows; empty without such classes."""
    few = [f"{row.name} ({row.rows:,})" for row in rows if row.too_few]
    if not few:
        return ""
    more = f" and {len(few) - MOST} more" if len(few) > MOST else ""
    return (
        f"Undecided, because there are fewer than {smallest} rows: {', '.join(few[:MOST])}{more}."
    )


# --- the confusion matrix -------------------------------------------------------------------


def confusion_matrix(document: Document) -> tuple[tuple[ConfusionCell, ...], ...]:
    """A row of cells per actual class, a cell per decision; empty with more than ``MOST``."""
    counts = _counts(document)
    if len(counts) > MOST:
        return ()
    return tuple(
        tuple(
            ConfusionCell(rows, _percent(rows, sum(row)), _shade(rows, sum(row)), actual == decided)
            for decided, rows in enumerate(row)
        )
        for actual, row in enumerate(counts)
    )


def confusions(document: Document) -> tuple[Confusion, ...]:
    """The most frequent kinds of wrong decisions, if there are too many classes for a matrix."""
    counts = _counts(document)
    if document.model is None or len(counts) <= MOST:
        return ()
    names = document.model.classes
    wrong = [
        Confusion(names[actual], names[decided], rows, _percent(rows, sum(row)))
        for actual, row in enumerate(counts)
        for decided, rows in enumerate(row)
        if rows and actual != decided
    ]
    return tuple(sorted(wrong, key=lambda each: -each.rows)[:CONFUSIONS])


def _counts(document: Document) -> tuple[tuple[int, ...], ...]:
    """The counts of the document; empty if their number is not that of the classes."""
    counts = document.exhibits.confusion
    size = len(document.model.classes) if document.model else 0
    return counts if len(counts) == size and all(len(row) == size for row in counts) else ()


def _shade(rows: int, total: int) -> int:
    # The square root makes the shares of errors, which are often below 5 %, visible.
    return math.ceil(10 * math.sqrt(rows / total)) if rows else 0


# --- the decisions of a person, and the probabilities ---------------------------------------


def threshold_in_words(document: Document) -> str:
    """What the threshold of the model means for its rows; empty if it has no classes."""
    model = document.model
    if model is None or not model.classes or model.threshold is None:
        return ""
    if model.threshold <= 0:
        return "The model decides every row."
    words = f"Below a probability of {model.threshold:.2g} a person decides"
    found = overall(document)
    share, accuracy = found.get("abstained_share"), found.get("answered_accuracy")
    if share is None:
        return f"{words}."
    correct = f"; {_percent(accuracy)} of the others are correct" if accuracy is not None else ""
    return f"{words}: {_percent(share)} of the rows{correct}."


def overall(document: Document) -> dict[str, float]:
    """The value of each metric on all rows of the holdout, without those that have none."""
    return {
        m.metric: m.value
        for m in document.measurements
        if m.by is None and m.versus is None and m.problem is None and math.isfinite(m.value)
    }


def calibrations(document: Document) -> Calibrations:
    """The calibration of the largest classes that have one, in the order of the model."""
    names = document.model.classes if document.model else ()
    curves = {name: document.exhibits.curves.get(f"calibration of {name}", ()) for name in names}
    drawn, rows = [name for name in names if curves[name]], rows_per_class(document)
    largest = set(sorted(drawn, key=lambda name: -rows.get(name, 0))[:MOST])
    return Calibrations(
        {name: curves[name] for name in drawn if name in largest}, len(drawn) - len(largest)
    )


def _percent(part: float, total: float = 1.0) -> str:
    if not total:
        return "–"
    share = 100 * part / total
    # A decimal near both ends, so that a small share is not shown as none or as all.
    return f"{share:.1f} %" if 0 < share < 0.95 or 99.05 < share < 100 else f"{share:.0f} %"
