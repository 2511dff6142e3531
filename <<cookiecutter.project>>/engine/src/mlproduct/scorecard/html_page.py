"""The content of the scorecard's HTML page. Its layout is in templates/scorecard.html.j2."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from ..escaping import escaped
from ..gate.bars import no_value, number
from ..gate.criteria import Criterion, Interval, Measurement, Outcome, Result, SliceResult
from ..gate.document import Document
from .classes import (
    METRICS,
    MOST,
    ClassRow,
    Confusion,
    ConfusionCell,
    about_class,
    calibrations,
    class_rows,
    confusion_matrix,
    confusions,
    overall,
    rows_per_class,
    threshold_in_words,
    too_few_in_words,
)
from .criteria_text import statement
from .summary import best_of_each, headline, measured, open_points, results_of, with_unit
from .svg import (
    CLASS_PLATES,
    PLATES,
    Frame,
    Plate,
    bar_of,
    frame_of,
    interval_of,
    plot,
    small_plot,
)

__all__ = ["page"]

# The number of features in the plot of the feature importance.
FEATURES = 20

OTHERS = {"champion": "the champion", "do_nothing": "doing nothing", "rule": "the rule of thumb"}


def page(document: Document) -> str:
    """The HTML page of the scorecard; every text of the document is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(__package__)
    environment = Environment(
        loader=loader,
        autoescape=True,
        # autoescape handles HTML; this shows invisible characters. Markup is a subclass of str
        # and is left as it is: the pictures have escaped their texts.
        finalize=lambda value: escaped(value, keep="\n") if type(value) is str else value,
        # A misspelled name in the template is an error and not an empty place in the page.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("scorecard.html.j2").render(
        document=document,
        criteria=document.criteria,
        head=headline(document),
        points=open_points(document),
        by_result=_by_result(document),
        no_value=no_value,
        classes=_classes(document),
        families=_families(document),
        comparisons=_comparisons(document),
        curves=_curves(document),
        features=_features(document),
        best=best_of_each(document.exhibits.candidates),
        score=lambda row: with_unit(
            measured(row.score, None)[0], document.exhibits.primary, document
        ),
        settings=_settings,
        primary=document.exhibits.primary or document.criteria.primary,
    )


@dataclass(frozen=True)
class _Line:
    """One measurement as shown in a row: name, value, picture."""

    name: str
    value: str
    ends: str
    picture: Markup
    rows: int | None = None
    outcome: Outcome | None = None
    note: str = ""
    aside: bool = False


# --- criteria -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Judged:
    result: Result
    statement: str
    line: _Line

    @property
    def worst(self) -> str:
        """The slice, or the pair of slices, that the result shows."""
        shown = (self.result.value, self.result.interval)
        return next((s.slice for s in self.result.slices if (s.value, s.interval) == shown), "")


def _by_result(document: Document) -> dict[str, tuple[_Judged, ...]]:
    """The results by heading: those of the model, then those of the data."""
    of_data = {result.criterion.id for result in document.data_verdict.results}
    results = results_of(document)
    groups = {
        "The model": [result for result in results if result.criterion.id not in of_data],
        "The data": [result for result in results if result.criterion.id in of_data],
    }
    return {
        heading: tuple(
            _Judged(each, statement(each.criterion), _of_result(each, document)) for each in members
        )
        for heading, members in groups.items()
        if members
    }


def _of_result(result: Result, document: Document) -> _Line:
    return _line(
        "",
        result.value,
        result.interval,
        result.outcome,
        result.criterion.metric,
        document,
        result.criterion,
    )


def _line(
    name: str,
    value: float | None,
    interval: Interval | None,
    outcome: Outcome | None,
    metric: str,
    document: Document,
    criterion: Criterion | None = None,
    frame: Frame | None = None,
    compared: bool = False,
    **more: Any,
) -> _Line:
    shown, ends = measured(value, interval)
    shown = with_unit(shown, metric, document)
    picture = Markup("")
    if value is not None and shown != "–":
        bar, side = _bar(criterion, compared=compared)
        both = (interval.low, interval.high) if interval else None
        frame = frame or frame_of((value, bar, *(both or ())), _lowest(document, metric, criterion))
        title = f"{name or metric}: {shown}{f', between {ends}' if ends else ''}".replace(
            " to ", " and "
        )
        picture = interval_of(value, both, bar, side, frame, str(outcome or "met"), title)
    return _Line(name, shown, ends, picture, outcome=outcome, **more)


def _lowest(document: Document, metric: str, criterion: Criterion | None) -> float:
    # A difference can be lower than the lowest value of its metric.
    differs = criterion is None or criterion.versus or criterion.gap_at_most is not None
    known = document.metrics.get(metric)
    return -math.inf if differs or known is None or known.lowest is None else known.lowest


def _bar(criterion: Criterion | None, *, compared: bool = False) -> tuple[float | None, Any]:
    if criterion is None:
        return (0.0, None) if compared else (None, None)
    side = (
        "above"
        if criterion.at_least is not None
        else "below"
        if criterion.at_most is not None
        else "within"
    )
    return criterion.bar, side


# --- classes --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Classes:
    """The content of the section about the classes; ``plots`` are their calibrations by name."""

    names: tuple[str, ...]
    threshold: str
    headings: tuple[str, ...]
    rows: tuple[ClassRow, ...]
    more: tuple[ClassRow, ...]
    too_few: str
    matrix: tuple[tuple[ConfusionCell, ...], ...]
    confusions: tuple[Confusion, ...]
    plots: dict[str, Markup]
    left_out: int


def _classes(document: Document) -> _Classes | None:
    rows = class_rows(document)
    if not rows or document.model is None:
        return None
    curves, left_out = calibrations(document)
    plots = {
        name: small_plot(points, f"Calibration of {name}: observed share by predicted probability")
        for name, points in curves.items()
    }
    return _Classes(
        document.model.classes,
        threshold_in_words(document),
        tuple(METRICS.values()),
        rows[:MOST],
        rows[MOST:],
        too_few_in_words(rows, document.criteria.smallest),
        confusion_matrix(document),
        confusions(document),
        plots,
        left_out,
    )


# --- slices ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Family:
    """The slices of one column on one scale, with or without a bar."""

    title: str
    by: str
    metric: str
    lines: tuple[_Line, ...]
    held: bool = False
    folded: bool = False
    met: tuple[_Line, ...] = ()
    """The lines that meet the bar, if they are shown apart from the others."""


def _families(document: Document) -> tuple[_Family, ...]:
    judged = [result for result in results_of(document) if result.slices]
    families = [_judged(result, document) for result in judged]
    # Without gaps, which show the differences of slices and not their values.
    shown = {(family.by, family.metric) for family in families if not family.folded}
    for each in document.measurements:
        if each.by is None or each.other is not None or about_class(each, document):
            continue  # the metrics of classes are in the section about the classes
        if (each.by, each.metric) not in shown:
            shown.add((each.by, each.metric))
            families.append(_plain_family(document, each.by, each.metric))
    return tuple(sorted(families, key=lambda family: family.folded))


def _judged(result: Result, document: Document) -> _Family:
    criterion = result.criterion
    ends = [end for each in result.slices for end in _ends(each)]
    bars = (
        (criterion.bar, -criterion.bar) if criterion.gap_at_most is not None else (criterion.bar,)
    )
    frame = frame_of((*ends, *bars))
    lines = [_of_slice(each, criterion, document, frame) for each in result.slices]
    family = _Family(
        criterion.says,
        criterion.sliced_by or "",
        criterion.metric,
        tuple(lines),
        True,
        criterion.gap_at_most is not None,
    )
    return _of_classes(family, document) if criterion.by_class and not family.folded else family


def _of_classes(family: _Family, document: Document) -> _Family:
    # The metric of a class is measured on all rows; the reader needs those of the class.
    rows = rows_per_class(document)
    lines = [replace(line, rows=rows.get(line.name, line.rows)) for line in family.lines]
    if len(lines) <= MOST:
        return replace(family, lines=tuple(lines))
    # Of many classes, those that do not meet the bar would be hard to find among the others.
    others = tuple(line for line in lines if line.outcome is not Outcome.MET)
    return replace(
        family, lines=others, met=tuple(line for line in lines if line.outcome is Outcome.MET)
    )


def _ends(each: SliceResult | Measurement) -> tuple[float | None, ...]:
    return (each.value, *((each.interval.low, each.interval.high) if each.interval else ()))


def _of_slice(each: SliceResult, criterion: Criterion, document: Document, frame: Frame) -> _Line:
    note = "" if each.interval else each.because
    return _line(
        each.slice,
        each.value,
        each.interval,
        each.outcome,
        criterion.metric,
        document,
        criterion,
        frame,
        rows=each.rows,
        note=note,
    )


def _plain_family(document: Document, by: str, metric: str) -> _Family:
    found = [
        m
        for m in document.measurements
        if (m.by, m.metric, m.other, m.versus) == (by, metric, None, None)
    ]
    frame = frame_of(end for each in found for end in _ends(each))
    lines = []
    for m in found:
        note = m.problem or ""
        line = _line(
            str(m.slice),
            m.value,
            m.interval,
            None,
            metric,
            document,
            None,
            frame,
            rows=m.rows,
            note=note,
        )
        lines.append(line)
    return _Family(f"{metric} by {by}", by, metric, tuple(lines))


# --- comparisons, curves, features ----------------------------------------------------------


def _comparisons(document: Document) -> tuple[_Line, ...]:
    """The comparisons with champion, rule and doing nothing; metrics of the criteria come first."""
    found = [m for m in document.measurements if m.versus is not None and m.by is None]
    named = [
        document.criteria.primary,
        *(criterion.metric for criterion in document.criteria.criteria),
    ]
    found.sort(key=lambda m: named.index(m.metric) if m.metric in named else len(named))
    return tuple(_compared(m, document, aside=m.metric not in named) for m in found)


def _compared(m: Measurement, document: Document, *, aside: bool) -> _Line:
    name = f"{m.metric} vs {OTHERS[m.versus or 'champion']}"
    frame = frame_of((0.0, *_ends(m)))
    note = m.problem or "; ".join(filter(None, (_which_way(m, document), m.note)))
    return _line(
        name,
        m.value,
        m.interval,
        None,
        m.metric,
        document,
        None,
        frame,
        compared=True,
        note=note,
        aside=aside,
    )


def _which_way(found: Measurement, document: Document) -> str:
    if found.interval.low <= 0 <= found.interval.high:
        return "no clear difference"
    metric = document.metrics.get(found.metric)
    if metric is None:
        return ""
    return "better" if (found.interval.low > 0) == (metric.better == "higher") else "worse"


def _curves(document: Document) -> tuple[tuple[Plate, Markup], ...]:
    model = document.model
    threshold = model.threshold if model else None
    has_classes = model is not None and len(model.classes) > 0
    if has_classes and threshold is not None and threshold <= 0:
        threshold = None  # no person decides any row
    drawn = []
    for name, plate in (CLASS_PLATES if has_classes else PLATES).items():
        points = document.exhibits.curves.get(name)
        if points:
            ring = _working_point(name, document)
            upright = threshold if name == "scores" else 0.0 if name == "residuals" else None
            picture = plot(plate, points, ring=ring, upright=upright)
            if name == "abstention":
                plate = replace(plate, reads=f"{plate.reads} {threshold_in_words(document)}")
            drawn.append((plate, picture))
    return tuple(drawn)


# The metrics of the x and y axis of the plots that mark the threshold of the model.
AXES = {
    "precision_recall": ("recall", "precision"),
    "abstention": ("abstained_share", "answered_accuracy"),
}


def _working_point(name: str, document: Document) -> tuple[float, float] | None:
    found = overall(document)
    place = tuple(found[metric] for metric in AXES.get(name, ()) if metric in found)
    # A point outside of the axes is not drawn.
    return place if len(place) == 2 and all(0 <= value <= 1 for value in place) else None


def _features(document: Document) -> tuple[_Line, ...]:
    shown: Sequence[Any] = document.exhibits.importance[:FEATURES]
    most = max((each.mean + each.spread for each in shown), default=0.0)
    return tuple(
        _Line(
            each.feature,
            number(each.mean),
            "",
            bar_of(each.mean, each.spread, most, f"{each.feature}: {each.mean:.4g}"),
        )
        for each in shown
    )


def _settings(parameters: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {number(value) if isinstance(value, float) else value}"
        for name, value in parameters.items()
    )
