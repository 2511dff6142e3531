"""The scorecard: the verdict as Markdown for descriptions in MLflow, and as one HTML page.

Both are made from the verdict document only.
"""

from collections.abc import Iterator

from ..escaping import in_markdown
from ..gate.criteria import Decision, Interval, Measurement, Outcome, Result
from ..gate.document import Document
from .classes import (
    METRICS,
    MOST,
    ClassRow,
    about_class,
    class_rows,
    confusion_matrix,
    confusions,
    threshold_in_words,
    too_few_in_words,
)
from .criteria_text import statement
from .html_page import page
from .summary import OpenPoint, best_of_each, headline, measured, open_points, results_of, with_unit

__all__ = ["html", "markdown"]

# The maximum number of characters in the description of a model version.
LONGEST = 5000

ICONS = {Outcome.MET: "✅", Outcome.NOT_MET: "❌", Outcome.UNDECIDED: "❔", Outcome.WAIVED: "⏸️"}
VERDICT_ICONS = {
    Decision.READY: "✅",
    Decision.WARNINGS: "⚠️",
    Decision.REVIEW: "❔",
    Decision.BLOCKED: "❌",
}


def html(document: Document) -> str:
    """The scorecard as one HTML page without scripts and without other files."""
    return page(document)


def markdown(document: Document, longest: int = LONGEST) -> str:
    """The scorecard in GitHub's Markdown without HTML, at most ``longest`` characters.

    The verdict and its reasons are at the beginning. A longer text is cut at the end, with a note.
    """
    lines = [line for part in _parts(document) if part for line in (*part, "")]
    whole = "\n".join(lines).strip()
    if len(whole) <= longest:
        return whole
    shortened = "*Shortened. The artifact scorecard.html of the run contains everything.*"
    kept: list[str] = []
    room = longest - len(shortened) - 2  # 2: the blank line before the note
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept).strip() + "\n\n" + shortened


def _parts(document: Document) -> Iterator[list[str]]:
    head = headline(document)
    icon = VERDICT_ICONS[head.decision]
    yield [
        f"## {icon} {head.decision.capitalize()}",
        "",
        f"**{in_markdown(document.criteria.decision)}**",
    ]
    yield [f"{head.counts} {head.means}"]
    if document.problem is not None:
        yield [f"Error: {in_markdown(document.problem)}"]
    yield [f"- {_point(point)}" for point in open_points(document)]
    rows = [_row(result, document) for result in results_of(document)]
    yield ["| | Criterion | Measured | Bar |", "|---|---|---|---|", *rows]
    yield from _classes(document)
    yield _slices(document)
    yield _facts(document)
    yield _search(document)
    # At the end: it is the longest part, and a text that is too long is cut at its end.
    yield _confusion(document)


def _point(point: OpenPoint) -> str:
    if not point.says:
        return in_markdown(point.because)
    says, because = in_markdown(point.says), in_markdown(point.because)
    return f"**{says}** ({point.level}, {point.outcome}) {because}"


def _row(result: Result, document: Document) -> str:
    criterion = result.criterion
    level = "" if criterion.level == "must" else f" ({criterion.level})"
    icon = f"{ICONS[result.outcome]} {result.outcome}"
    found = _found(result.value, result.interval, criterion.metric, document)
    return _cells(
        icon, in_markdown(criterion.says) + level, found, in_markdown(statement(criterion))
    )


def _found(value: float | None, interval: Interval | None, metric: str, document: Document) -> str:
    shown, ends = measured(value, interval)
    shown = in_markdown(with_unit(shown, metric, document))
    return f"**{shown}** ({ends})" if ends else f"**{shown}**"


def _classes(document: Document) -> Iterator[list[str]]:
    rows = class_rows(document)
    if not rows:
        return
    if threshold := threshold_in_words(document):
        yield [threshold]
    headings = ("Class", "Rows", *METRICS.values())
    yield [_cells(*headings), f"|{'---|' * len(headings)}", *map(_class, rows[:MOST])]
    if more := len(rows) - MOST if len(rows) > MOST else 0:
        yield [f"The {MOST} classes with the lowest F1; {more} more have a higher one."]
    if too_few := too_few_in_words(rows, document.criteria.smallest):
        yield [in_markdown(too_few, longest=5000)]


def _class(row: ClassRow) -> str:
    rows = "–" if row.rows is None else f"{row.rows:,}"
    metrics = (f"**{value}** ({ends})" if ends else f"**{value}**" for value, ends in row.metrics)
    return _cells(in_markdown(row.name), rows, *metrics)


def _confusion(document: Document) -> list[str]:
    names = [in_markdown(name) for name in (document.model.classes if document.model else ())]
    matrix, listed = confusion_matrix(document), confusions(document)
    if listed:
        rows = [
            _cells(
                in_markdown(each.actual), in_markdown(each.decided), f"{each.rows:,}", each.share
            )
            for each in listed
        ]
        return ["| Actual class | Decision | Rows | Share |", "|---|---|---|---|", *rows]
    if not matrix:
        return []
    lines = []
    for name, row in zip(names, matrix, strict=True):
        cells = (
            f"**{cell.rows:,}** ({cell.share})" if cell.right else f"{cell.rows:,} ({cell.share})"
            for cell in row
        )
        lines.append(_cells(name, *cells))
    heading = _cells("Actual class ↓ Decision →", *names)
    return [heading, f"|{'---|' * (len(names) + 1)}", *lines]


def _slices(document: Document) -> list[str]:
    found = [
        each
        for each in document.measurements
        if each.by is not None and each.other is None and not about_class(each, document)
    ]
    if not found:
        return []
    rows = [_slice(each, document) for each in found]
    return ["| Slice | Metric | Measured | Rows |", "|---|---|---|---|", *rows]


def _slice(found: Measurement, document: Document) -> str:
    shown = (
        in_markdown(found.problem)
        if found.problem
        else _found(found.value, found.interval, found.metric, document)
    )
    return _cells(
        in_markdown(f"{found.by} {found.slice}"),
        in_markdown(found.metric),
        shown,
        f"{found.rows:,}",
    )


def _facts(document: Document) -> list[str]:
    data, model = document.data, document.model
    facts = [
        f"- Data: {in_markdown(data.source)}, {data.rows:,} rows, {data.rejected:,} rejected,"
        f" digest {data.digest[:12]}"
    ]
    if data.split:
        facts.append(
            f"- Holdout: {data.holdout_rows:,} rows that the model has not seen"
            f" ({in_markdown(data.split)})"
        )
    if model is not None:
        facts.append(f"- Model: {in_markdown(model.candidate)}, digest {model.digest[:12]}")
        champion = document.champion
        compared = (
            f"champion version {champion.version}" if champion else "no champion (none exists yet)"
        )
        facts.append(f"- Compared with: {in_markdown(compared)}")
    return [
        *facts,
        f"- Criteria: digest {document.criteria_digest[:12]}, judged on {document.judged_on}",
    ]


def _search(document: Document) -> list[str]:
    best = best_of_each(document.exhibits.candidates)
    if not best:
        return []
    metric = document.exhibits.primary
    rows = [
        _cells(
            in_markdown(row.candidate),
            in_markdown(row.problem or with_unit(measured(row.score, None)[0], metric, document)),
        )
        for row in best
    ]
    return [f"| Candidate | {in_markdown(metric)} in cross-validation |", "|---|---|", *rows]


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
