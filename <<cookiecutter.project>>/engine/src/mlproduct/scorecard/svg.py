"""The scorecard's pictures: small SVG drawings without scripts and without other files.

Colours are defined in the style sheet of the page by class, so that they follow its light and dark
schemes. The meaning of a colour is also shown by a shape or a word. Every text is escaped.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from markupsafe import Markup

from ..escaping import escaped
from ..gate.bars import number

__all__ = [
    "CLASS_PLATES",
    "PLATES",
    "Plate",
    "bar_of",
    "frame_of",
    "interval_of",
    "plot",
    "small_plot",
]

Frame = tuple[float, float]
Points = Sequence[tuple[float, float]]
Side = Literal["above", "below", "within"]


def frame_of(values: Iterable[float | None], lowest: float = -math.inf) -> Frame:
    """The range of an axis that shows all ``values`` with a margin on both sides.

    The margin does not extend below ``lowest``, unless a value is below it.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    # If all values are equal the range must still have a width: it is a divisor.
    air = (high - low) * 0.16 or abs(high) * 0.1 or 1.0
    return max(low - air, min(lowest, low)), high + air


# --- an interval and its bar ----------------------------------------------------------------

WIDTH, HEIGHT, MIDDLE = 240, 34, 13

MARKS = {
    "met": '<circle class="dot" cx="{0:.1f}" cy="13" r="5"/>',
    "not met": '<path class="dot" d="M{0:.1f} 6.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z"/>',
    "undecided": '<circle class="dot hollow" cx="{0:.1f}" cy="13" r="4.5"/>',
    "waived": (
        '<rect class="dot hollow" x="{0:.1f}" y="8.5" width="9" height="9"'
        ' transform="translate(-4.5 0)"/>'
    ),
}


def interval_of(
    value: float,
    ends: Frame | None,
    bar: float | None,
    side: Side | None,
    frame: Frame,
    outcome: str,
    title: str,
) -> Markup:
    """A value with its interval, the bar as a vertical line, and the allowed side shaded."""
    parts = [
        _allowed(bar, side, frame),
        Markup('<line class="axis" x1="0" x2="240" y1="13" y2="13"/>'),
    ]
    if ends is not None:
        low, high = (_across(end, frame) for end in ends)
        parts.append(
            Markup('<path class="span" d="M{0:.1f} 8v10M{0:.1f} 13H{1:.1f}M{1:.1f} 8v10"/>').format(
                low, high
            )
        )
    parts.append(Markup(MARKS.get(outcome, MARKS["met"])).format(_across(value, frame)))
    kind = outcome.replace(" ", "-")
    return _svg(f"interval {kind}", WIDTH, HEIGHT, title, parts)


def _allowed(bar: float | None, side: Side | None, frame: Frame) -> Markup:
    if bar is None:
        return Markup("")
    bars = [bar] if side != "within" else [-bar, bar]
    places = [_across(each, frame) for each in bars]
    start = 0.0 if side == "below" else places[0]
    end = WIDTH if side == "above" else places[-1]
    shade = Markup('<rect class="allowed" x="{:.1f}" y="0" width="{:.1f}" height="22"/>').format(
        start, end - start
    )
    parts = [shade] if side else []
    for each, place in zip(bars, places, strict=True):
        # Near an edge the number starts or ends at the bar, so that it is not cut off.
        anchor = "start" if place < 20 else "end" if place > WIDTH - 20 else "middle"
        parts.append(
            Markup('<line class="bar" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="23"/>').format(place)
        )
        parts.append(
            Markup('<text x="{:.1f}" y="33" text-anchor="{}">{}</text>').format(
                place, anchor, number(each)
            )
        )
    return Markup("").join(parts)


def _across(value: float, frame: Frame) -> float:
    low, high = frame
    # A mark stays 4 units inside the picture, so that it is visible at the edges.
    return min(max((value - low) / (high - low) * WIDTH, 4.0), WIDTH - 4.0)


def bar_of(value: float, spread: float, most: float, title: str) -> Markup:
    """A horizontal bar for ``value`` with its spread as a whisker; ``most`` fills the width."""
    scale = (WIDTH - 4) / most if most > 0 else 0.0
    low, high = (
        min(max(end * scale, 0.0), WIDTH - 2.0) for end in (value - spread, value + spread)
    )
    parts = (
        Markup('<rect class="fill" x="0" y="4" width="{:.1f}" height="12" rx="2"/>').format(
            max(value * scale, 1.0)  # at least 1, so that a loss of 0 or less is visible
        ),
        Markup('<path class="span" d="M{0:.1f} 10H{1:.1f}M{1:.1f} 6v8"/>').format(low, high),
    )
    return _svg("length", WIDTH, 20, title, parts)


# --- a curve on axes ------------------------------------------------------------------------


@dataclass(frozen=True)
class Plate:
    """The title, explanation, axes and style of a named curve."""

    title: str
    reads: str
    x: str
    y: str
    drawn: Literal["line", "dots", "columns"] = "line"
    unit: bool = False
    """Both axes go from 0 to 1."""
    diagonal: bool = False
    from_zero: bool = True
    """The y axis contains 0."""


PLATES = {
    "precision_recall": Plate(
        "Precision and recall",
        "Each point is a threshold. Further right, the model finds more of the positives; further"
        " up, more of the predicted positives are correct. The ring is the threshold of the model.",
        "recall",
        "precision",
        unit=True,
    ),
    "calibration": Plate(
        "Calibration of the probabilities",
        "Of the rows with a predicted probability of 30 %, about 30 % should be positive. The"
        " points of a calibrated model are on the dashed line.",
        "predicted probability",
        "observed share",
        drawn="dots",
        unit=True,
        diagonal=True,
    ),
    "scores": Plate(
        "Distribution of the scores",
        "The share of rows at each score. The vertical line is the threshold: rows to the right of"
        " it are predicted positive.",
        "score",
        "share of rows",
        drawn="columns",
    ),
    "roc": Plate(
        "ROC curve",
        "The closer the curve is to the upper left corner, the better the model separates positives"
        " from negatives. The dashed line is guessing.",
        "false positive rate",
        "true positive rate",
        unit=True,
        diagonal=True,
    ),
    "predicted_vs_actual": Plate(
        "Predicted and actual values",
        "Rows are grouped by predicted value; each point is the mean of a group. Points above the"
        " dashed line are predicted too low, points below it too high.",
        "predicted",
        "actual",
        drawn="dots",
        diagonal=True,
    ),
    "error_by_prediction": Plate(
        "Error by predicted value",
        "The mean absolute error of rows that are grouped by predicted value.",
        "predicted",
        "mean absolute error",
        drawn="dots",
    ),
    "residuals": Plate(
        "Distribution of the errors",
        "The share of rows at each error. Right of 0 a prediction is too high, left of it too low.",
        "predicted minus actual",
        "share of rows",
        drawn="columns",
    ),
}

# The plots of a multi-class model.
CLASS_PLATES = {
    "abstention": Plate(
        "Rows that a person decides",
        "Each point is a threshold. Further right, a person decides more of the rows; further up,"
        " more of the other rows are correct. The ring is the threshold of the model.",
        "share of rows that a person decides",
        "accuracy of the others",
        from_zero=False,
    ),
    "calibration": Plate(
        "Calibration of the decisions",
        "Of the decisions with a probability of 80 %, about 80 % should be correct. The points of a"
        " calibrated model are on the dashed line.",
        "probability of the decision",
        "share of correct decisions",
        drawn="dots",
        unit=True,
        diagonal=True,
    ),
    "scores": Plate(
        "Distribution of the probabilities",
        "The share of rows by the probability of the decision. If there is a vertical line, a"
        " person decides the rows to the left of it.",
        "probability of the decision",
        "share of rows",
        drawn="columns",
    ),
}


@dataclass(frozen=True)
class _Sheet:
    """The size of a plot, its margins around the axes, and the approximate number of ticks."""

    wide: int
    high: int
    left: int
    right: int
    top: int
    bottom: int
    ticks: int


LARGE = _Sheet(360, 260, 52, 12, 12, 42, 5)
# The ticks of an axis that does not start at 0 have more digits.
LONG_TICKS = replace(LARGE, left=60)
# Shown at about its size, so that the numbers at the axes remain readable.
SMALL = _Sheet(200, 160, 30, 10, 8, 22, 2)


@dataclass(frozen=True)
class _Axes:
    x: Frame
    y: Frame
    on: _Sheet = LARGE

    def across(self, value: float) -> float:
        width = self.on.wide - self.on.left - self.on.right
        return self.on.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * width

    def up(self, value: float) -> float:
        height = self.on.high - self.on.top - self.on.bottom
        part = (value - self.y[0]) / (self.y[1] - self.y[0])
        return self.on.high - self.on.bottom - part * height


def plot(
    plate: Plate,
    points: Points,
    *,
    ring: tuple[float, float] | None = None,
    upright: float | None = None,
) -> Markup:
    """The plot of ``points``, with a ring at one point and a vertical line at one x value."""
    axes = _axes(plate, points)
    parts = [_grid(axes), _labels(plate, axes.on)]
    if plate.diagonal:
        parts.append(_diagonal(axes))
    parts.append(
        _columns(axes, points) if plate.drawn == "columns" else _line("curve", axes, points)
    )
    if plate.drawn == "dots":
        parts.append(_dots(axes, points))
    if upright is not None:
        parts.append(_line("bar", axes, ((upright, axes.y[0]), (upright, axes.y[1]))))
    if ring is not None:
        parts.append(
            Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="6"/>').format(
                axes.across(ring[0]), axes.up(ring[1])
            )
        )
    title = f"{plate.title}: {plate.y} by {plate.x}"
    return _svg("plot", LARGE.wide, LARGE.high, title, parts)


def small_plot(points: Points, title: str) -> Markup:
    """The dots of a calibration without labels, for several plots side by side."""
    axes = _Axes((0.0, 1.0), (0.0, 1.0), SMALL)
    parts = [_grid(axes), _diagonal(axes), _line("curve", axes, points), _dots(axes, points)]
    return _svg("small", SMALL.wide, SMALL.high, title, parts)


def _axes(plate: Plate, points: Points) -> _Axes:
    if plate.unit:
        return _Axes((0.0, 1.0), (0.0, 1.0))
    xs, ys = zip(*points, strict=True)
    if plate.diagonal:  # one range for both axes: on the diagonal both values are equal
        both = _rounded(min(*xs, *ys), max(*xs, *ys))
        return _Axes(both, both)
    # Half a column on both sides, because a point is the middle of its column.
    step = (max(xs) - min(xs)) / max(len(points) - 1, 1) / 2 if plate.drawn == "columns" else 0.0
    lowest, on = (min(0.0, *ys), LARGE) if plate.from_zero else (min(ys), LONG_TICKS)
    return _Axes(_rounded(min(xs) - step, max(xs) + step), _rounded(lowest, max(ys)), on)


def _rounded(low: float, high: float) -> Frame:
    """The range widened to whole ticks."""
    if low == high:  # one point, or equal ones: the width of the range is a divisor
        low, high = low - 0.5, high + 0.5
    step = _step(low, high)
    # 1e-9 is for quotients that are whole numbers up to the rounding of floats.
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _step(low: float, high: float, ticks: int = LARGE.ticks) -> float:
    rough = (high - low) / ticks
    unit = 10.0 ** math.floor(math.log10(rough))
    # 0.999 is for the rounding of floats.
    return next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * 0.999)


def _ticks(frame: Frame, ticks: int) -> list[float]:
    step = _step(*frame, ticks)
    first = math.ceil(frame[0] / step - 1e-9)
    return [place * step for place in range(first, math.floor(frame[1] / step + 1e-9) + 1)]


def _grid(axes: _Axes) -> Markup:
    parts, on = [], axes.on
    row = Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>')
    words = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    for tick in _ticks(axes.y, on.ticks):
        place = axes.up(tick)
        parts += [
            row.format(on.left, on.wide - on.right, place),
            words.format(on.left - 6, place + 3.5, "end", _short(tick)),
        ]
    parts += [
        words.format(axes.across(tick), on.high - on.bottom + 15, "middle", _short(tick))
        for tick in _ticks(axes.x, on.ticks)
    ]
    return Markup("").join(parts)


def _short(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:,.4g}k"
    return number(round(value, 10) + 0.0)  # + 0.0 turns -0.0 into 0.0


def _labels(plate: Plate, on: _Sheet) -> Markup:
    across = Markup('<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>')
    up = Markup(
        '<text class="label" transform="translate(12 {}) rotate(-90)"'
        ' text-anchor="middle">{}</text>'
    )
    return across.format((on.left + on.wide - on.right) / 2, on.high - 8, plate.x) + up.format(
        (on.top + on.high - on.bottom) / 2, plate.y
    )


def _line(kind: str, axes: _Axes, points: Points) -> Markup:
    drawn = " ".join(f"{axes.across(x):.1f},{axes.up(y):.1f}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, drawn)


def _diagonal(axes: _Axes) -> Markup:
    low, high = max(axes.x[0], axes.y[0]), min(axes.x[1], axes.y[1])
    return _line("diagonal", axes, ((low, low), (high, high)))


def _dots(axes: _Axes, points: Points) -> Markup:
    dot = Markup('<circle class="point" cx="{:.1f}" cy="{:.1f}" r="3.2"/>')
    return Markup("").join(dot.format(axes.across(x), axes.up(y)) for x, y in points)


def _columns(axes: _Axes, points: Points) -> Markup:
    places = [axes.across(x) for x, _ in points]
    width = (places[-1] - places[0]) / max(len(points) - 1, 1) * 0.86 if len(points) > 1 else 20.0
    column = Markup('<rect class="fill" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
    floor = axes.up(max(axes.y[0], 0.0))
    heights = ((place, axes.up(y)) for place, (_, y) in zip(places, points, strict=True))
    return Markup("").join(
        # A negative height is an error in SVG.
        column.format(place - width / 2, top, width, max(floor - top, 0.0))
        for place, top in heights
    )


def _svg(kind: str, width: int, height: int, title: str, parts: Iterable[Markup]) -> Markup:
    opening = '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>'
    # The page leaves Markup as it is, so that invisible characters are made visible here.
    shown = escaped(title, keep="\n")
    return (
        Markup(opening).format(kind, width, height, shown, shown)
        + Markup("").join(parts)
        + Markup("</svg>")
    )
