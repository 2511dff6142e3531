"""The scorecard as HTML and Markdown: complete, in words, and safe against hostile texts."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from mlproduct.gate.criteria import Decision, Measurement
from mlproduct.gate.document import Document, Plots
from mlproduct.scorecard.scorecard import html, markdown
from mlproduct.scorecard.summary import measured, open_points

from .documents import (
    CHURN,
    PRICE,
    churn_measurements,
    data_measurements,
    document,
    measurement,
    price_document,
)

HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> | [a](javascript:alert(3)) `x`"
    " **b**\n# h"
)
VOID = {"meta", "line", "path", "circle", "rect", "polyline", "br", "img"}


class Page(HTMLParser):
    """The tags and attributes of a page. A wrongly closed tag is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.words += text if self.open and self.open[-1] != "style" else ""


def ready() -> Document:
    fast = measurement("latency_p95_ms", 21.4, 1.1)
    return document(
        measurements=tuple(fast if m.metric == fast.metric else m for m in churn_measurements())
    )


def blocked() -> Document:
    return document(measurements=churn_measurements(recall=0.47, gain=-900))


def untrained() -> Document:
    return document(data=data_measurements(age=12), trained=False)


def broken() -> Document:
    return document(problem="ValueError: 3 of 8,000 scores are not numbers")


ALL = [ready, blocked, untrained, broken, price_document]


@pytest.mark.parametrize("make", ALL)
def test_the_page_is_self_contained(make: Any) -> None:
    text = html(make())
    page = Page(text)
    assert not {"script", "link", "iframe", "img", "object"} & set(page.tags)
    assert not [
        name
        for name, _ in page.attributes
        if name in ("src", "href", "style") or name.startswith("on")
    ]
    assert "@import" not in text
    assert "url(" not in text
    assert len(text) < 150_000


@pytest.mark.parametrize("make", ALL)
def test_page_and_markdown_start_with_the_verdict_and_contain_every_criterion_and_reason(
    make: Any,
) -> None:
    judged = make()
    words = " ".join(Page(html(judged)).words.split())
    short = markdown(judged)
    for text in (words, short):
        assert judged.verdict.decision.capitalize() in text[:120]
        assert judged.criteria.decision in text[:200]
    for point in open_points(judged):
        assert point.says in words
        assert " ".join(point.because.split()) in words
        assert point.says in short
    for result in judged.data_verdict.results:
        assert result.criterion.says in words
        assert result.criterion.says in short


def test_the_example_documents_have_their_intended_decisions() -> None:
    decisions = [make().verdict.decision for make in ALL]
    blocks, review = Decision.BLOCKED, Decision.REVIEW
    assert decisions == [Decision.READY, blocks, blocks, blocks, review]


def test_the_scorecard_of_a_run_without_training_shows_no_model() -> None:
    text = html(untrained())
    assert "No model was trained on this data." in text
    assert "The data is at most a week old." in text
    assert "<h2>The model</h2>" not in text
    assert "No model was trained on this data." in markdown(untrained())


def test_a_problem_of_the_run_is_shown_before_the_reasons() -> None:
    text = html(broken())
    assert text.index("3 of 8,000 scores are not numbers") < text.index("<h2>Reasons</h2>")
    assert "3 of 8,000 scores are not numbers" in markdown(broken())


def test_a_waiver_is_shown_with_its_date_person_and_reason() -> None:
    waiver = {
        "criterion": "answers-while-we-talk",
        "until": "2027-01-31",
        "by": "Ada",
        "why": "New hardware.",
    }
    text = html(document({**CHURN, "waivers": (waiver,)}, churn_measurements()))
    assert "Waived until 2027-01-31 by Ada: New hardware." in text
    assert "ready with warnings" in text.lower()


# --- hostile texts --------------------------------------------------------------------------


def hostile() -> Document:
    criterion = {**CHURN["criteria"][0], "says": HOSTILE, "why": HOSTILE}
    by_slice = {**CHURN["criteria"][2], "says": HOSTILE}
    owner = {"name": HOSTILE, "contact": HOSTILE}
    waiver = {"criterion": "catch-leavers", "until": "2027-01-31", "by": HOSTILE, "why": HOSTILE}
    written = {
        **CHURN,
        "decision": HOSTILE,
        "owner": owner,
        "criteria": (criterion, by_slice),
        "waivers": (waiver,),
    }
    found = [
        measurement("recall", 0.4, 0.02),
        measurement("recall", 0.7, 0.02, by="region", slice=HOSTILE),
    ]
    found.append(Measurement(metric="roc_auc", versus="champion", problem=HOSTILE))
    found.append(Measurement(metric="recall", by="region", slice="north", problem=HOSTILE))
    made = document(written, tuple(found), problem=HOSTILE)
    data = made.data.model_copy(update={"source": HOSTILE, "split": HOSTILE})
    assert made.model is not None
    model = made.model.model_copy(update={"candidate": HOSTILE, "parameters": {HOSTILE: HOSTILE}})
    rows = tuple(
        row.model_copy(update={"candidate": HOSTILE, "problem": HOSTILE})
        for row in made.exhibits.candidates
    )
    features = tuple(
        each.model_copy(update={"feature": HOSTILE}) for each in made.exhibits.importance
    )
    exhibits = made.exhibits.model_copy(
        update={"candidates": rows, "importance": features, "primary": HOSTILE}
    )
    update = {
        "product": HOSTILE,
        "data": data,
        "model": model,
        "exhibits": exhibits,
        "commit": HOSTILE,
    }
    return made.model_copy(update=update)


def test_hostile_texts_are_escaped_in_the_page() -> None:
    page = Page(html(hostile()))
    assert not {"script", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.words


def test_invisible_characters_are_shown_escaped() -> None:
    waiver = {
        "criterion": "answers-while-we-talk",
        "until": "2027-01-31",
        "by": "\u202eadA",
        "why": "New\x1b[31m.",
    }
    shown = document({**CHURN, "waivers": (waiver,)}, churn_measurements())
    assert r"\u202eadA" in html(shown)
    assert r"New\x1b[31m." in html(shown)
    for text in (html(shown), markdown(shown)):
        assert "\u202e" not in text
        assert "\x1b" not in text


def test_hostile_texts_are_escaped_in_markdown() -> None:
    text = markdown(hostile(), longest=100_000)
    assert "<" not in text
    assert "](" not in text.replace("\\[a](", "")
    assert not re.search(r"(?<!\\)`", text)
    assert "\n# h" not in text
    for row in (line for line in text.splitlines() if line.startswith("|")):
        assert len(re.findall(r"(?<!\\)\|", row)) in (3, 5)


# --- the length of Markdown -----------------------------------------------------------------


def test_markdown_is_shortened_to_5000_characters_and_names_the_full_scorecard() -> None:
    many = tuple(
        {**CHURN["criteria"][0], "id": f"c{i}", "says": f"Promise {i} " + "x" * 300}
        for i in range(60)
    )
    text = markdown(document({**CHURN, "criteria": many}, churn_measurements()))
    assert len(text) <= 5000
    assert text.endswith("The artifact scorecard.html of the run contains everything.*")
    assert "## ✅ Ready" in text
    assert len(markdown(ready())) < 5000


# --- plots ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "titles"),
    [
        (
            ready,
            (
                "Precision and recall",
                "Calibration of the probabilities",
                "Distribution of the scores",
                "ROC curve",
            ),
        ),
        (
            price_document,
            ("Predicted and actual", "Error by predicted value", "Distribution of the errors"),
        ),
    ],
)
def test_the_available_curves_are_drawn(make: Any, titles: tuple[str, ...]) -> None:
    text = html(make())
    assert all(title in text for title in titles)
    assert text.count('class="plot"') == len(titles)
    without = make().model_copy(update={"exhibits": Plots()})
    assert 'class="plot"' not in html(without)


@pytest.mark.parametrize(
    "points", [((0.5, 0.5),), ((1.0, 0.0), (1.0, 0.0)), ((-1e9, 0.0), (1e9, 1e-9))]
)
@pytest.mark.parametrize(
    "name", ["residuals", "predicted_vs_actual", "error_by_prediction", "precision_recall"]
)
def test_a_curve_of_few_or_extreme_points_is_drawn(name: str, points: Any) -> None:
    text = html(document(PRICE, (), task="regression", exhibits=Plots(curves={name: points})))
    assert "nan" not in text
    Page(text)


def test_a_slice_without_rows_is_shown_and_reported() -> None:
    words = " ".join(Page(html(price_document())).words.split())
    assert "other 0 rows" in words
    assert "has no rows to measure it on" in words


def test_a_measurement_of_nan_is_shown_as_not_measured() -> None:
    measurements = tuple(
        m.model_copy(update={"value": float("nan")}) if m.metric == "recall" and m.by is None else m
        for m in churn_measurements()
    )
    text = html(document(measurements=measurements))
    assert "could not be measured: its value or interval is nan" in text
    Page(text)


def test_the_number_of_digits_follows_the_width_of_the_interval() -> None:
    one = measurement("recall", 0.71234, 0.0281)
    assert measured(one.value, one.interval) == ("0.712", "0.684 to 0.740")
    much = measurement("value_per_1000", 12_840.4, 610.2)
    assert measured(much.value, much.interval) == ("12,840", "12,230 to 13,451")
    count = measurement("rows", 8000)
    assert measured(count.value, count.interval) == ("8,000", "")
    assert measured(None, None) == ("–", "")


def test_the_worst_slice_is_named_beside_its_value() -> None:
    judged = ready()
    gap = next(r for r in judged.verdict.results if r.criterion.gap_at_most is not None)
    worst = max(gap.slices, key=lambda each: abs(each.value or 0.0))
    assert gap.value == worst.value
    assert f"{worst.slice}: worst of {len(gap.slices)} differences" in Page(html(judged)).words
