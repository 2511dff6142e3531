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
    CONFUSION,
    PRICE,
    churn_measurements,
    data_measurements,
    document,
    intents_document,
    measurement,
    price_document,
    teams_document,
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


ALL = [ready, blocked, untrained, broken, price_document, teams_document]


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
    assert decisions == [Decision.READY, blocks, blocks, blocks, review, review]


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
        (
            teams_document,
            (
                "Rows that a person decides",
                "Calibration of the decisions",
                "Distribution of the probabilities",
            ),
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


# --- classes --------------------------------------------------------------------------------


def words_of(judged: Document) -> str:
    # A space after each cell, so that the words of two cells are not joined.
    return " ".join(Page(html(judged).replace("</t", " </t")).words.split())


def with_threshold(threshold: float | None, **values: float) -> Document:
    judged = teams_document()
    assert judged.model is not None
    changed = tuple(
        m.model_copy(update={"value": values[m.metric]}) if m.metric in values else m
        for m in judged.measurements
    )
    model = judged.model.model_copy(update={"threshold": threshold})
    return judged.model_copy(update={"model": model, "measurements": changed})


def test_the_confusion_matrix_has_counts_shares_and_headings() -> None:
    text = html(teams_document())
    matrix = text[text.index('<table class="confusion"') :]
    matrix = matrix[: matrix.index("</table>")]
    assert matrix.count('scope="row"') == 4
    assert re.findall(r'scope="col">(.*?)<', matrix) == ["Actual class", *CONFUSION]
    rows = re.findall(r"<td.*?>([\d,]+) <small>(.*?)</small></td>", matrix)
    assert rows[:4] == [("1,800", "90 %"), ("150", "8 %"), ("50", "2 %"), ("0", "0 %")]
    assert rows[7] == ("2", "0.1 %")
    assert len(rows) == 16
    assert matrix.count('class="right') == 4


def test_the_confusion_matrix_in_markdown_has_counts_and_shares() -> None:
    text = markdown(teams_document())
    assert "| Actual class ↓ Decision → | billing | delivery | account | press |" in text
    assert "| billing | **1,800** (90 %) | 150 (8 %) | 50 (2 %) | 0 (0 %) |" in text


def test_the_most_frequent_confusions_replace_the_matrix_of_many_classes() -> None:
    judged = intents_document()
    text, words = html(judged), words_of(judged)
    assert '<table class="confusion"' not in text
    assert "intent_76 intent_00 76 46 %" in words
    assert "intent_57 intent_58 57" in words
    assert "intent_56 intent_57 56" not in words
    short = markdown(judged, longest=100_000)
    assert "| intent_76 | intent_00 | 76 | 46 % |" in short
    assert "| intent_56 | intent_57 |" not in short
    assert "Actual class ↓" not in short
    assert len(text) < 150_000


def test_a_class_without_rows_has_no_shares() -> None:
    judged = teams_document({**CONFUSION, "press": (0, 0, 0, 0)})
    text = html(judged)
    assert "nan" not in text
    assert "0 <small>–</small>" in text
    assert "| press | 0 (–) | 0 (–) | 0 (–) | **0** (–) |" in markdown(judged)


def test_counts_that_do_not_belong_to_the_classes_are_not_shown() -> None:
    judged = teams_document()
    exhibits = judged.exhibits.model_copy(update={"confusion": ((1, 2), (3, 4))})
    judged = judged.model_copy(update={"exhibits": exhibits})
    assert '<table class="confusion"' not in html(judged)
    assert "Actual class" not in markdown(judged)


def test_each_class_has_its_metrics_with_intervals_and_its_rows() -> None:
    words, text = words_of(teams_document()), markdown(teams_document())
    assert "Class Rows Recall Precision F1" in words
    assert "billing 2,000 0.900 0.878 to 0.922 0.922 0.900 to 0.944 0.911 0.889 to 0.933" in words
    assert "| Class | Rows | Recall | Precision | F1 |" in text
    assert "| billing | 2,000 | **0.900** (0.878 to 0.922) | **0.922** (0.900 to 0.944)" in text
    # Once: not again among the slices.
    assert "precision by class" not in words
    assert "class billing" not in text


def test_the_rows_beside_a_class_are_those_of_the_class() -> None:
    words = words_of(teams_document())
    assert "billing 2,000 rows" in words
    assert "billing 6,012 rows" not in words


def test_a_class_with_too_few_rows_is_undecided_and_named() -> None:
    judged = teams_document()
    sentence = "Undecided, because there are fewer than 30 rows: press (12)."
    for text in (words_of(judged), markdown(judged)):
        assert sentence in text
        assert "recall for class press is based on 12 rows, the minimum is 30." in text
    assert "Undecided, because" not in words_of(
        teams_document({**CONFUSION, "press": (0, 0, 0, 100)})
    )


def test_of_many_classes_the_ones_with_the_lowest_f1_are_listed_first() -> None:
    words, text = words_of(intents_document()), markdown(intents_document(), longest=100_000)
    start = words.index("Class Rows Recall Precision F1")
    assert words[start:].index("intent_76") < words[start:].index("intent_40")
    assert "More classes (65)" in words
    assert "The 12 classes with the lowest F1; 65 more have a higher one." in text
    assert "| intent_76 | 167 |" in text
    assert "| intent_40 | 131 |" not in text


def test_of_many_classes_those_that_meet_the_bar_are_folded() -> None:
    text = html(intents_document())
    slices = text[text.index("<h2>Slices</h2>") : text.index("<h2>Comparisons</h2>")]
    open_lines, folded = slices.split("<details>")
    assert "intent_76" in open_lines
    assert "intent_01" not in open_lines
    assert "intent_01" in folded
    met = slices.count('class="line met"')
    assert folded.count('class="line met"') == met > 0
    assert f"Classes that meet the bar ({met})" in folded
    assert "that meet the bar" not in html(teams_document())


def test_the_worst_class_is_named_beside_its_value() -> None:
    assert "press: worst of 4 classes" in words_of(teams_document())


@pytest.mark.parametrize(
    ("threshold", "values", "sentence"),
    [
        (
            0.42,
            {},
            "Below a probability of 0.42 a person decides: 8 % of the rows;"
            " 92 % of the others are correct.",
        ),
        (0.0, {}, "The model decides every row."),
        (
            0.99,
            {"abstained_share": 1.0, "answered_accuracy": float("nan")},
            "Below a probability of 0.99 a person decides: 100 % of the rows.",
        ),
        (
            0.3,
            {"abstained_share": 0.004, "answered_accuracy": 0.9961},
            "Below a probability of 0.3 a person decides: 0.4 % of the rows;"
            " 99.6 % of the others are correct.",
        ),
        (
            0.3,
            {"abstained_share": float("nan")},
            "Below a probability of 0.3 a person decides.",
        ),
    ],
)
def test_the_meaning_of_the_threshold_is_stated(
    threshold: float, values: dict[str, float], sentence: str
) -> None:
    judged = with_threshold(threshold, **values)
    assert sentence in words_of(judged)
    assert sentence in markdown(judged)


def test_the_threshold_of_two_classes_has_no_sentence_about_a_person() -> None:
    assert "a person decides" not in words_of(ready())
    assert "a person decides" not in markdown(ready())


def test_the_threshold_is_marked_in_the_plot_of_the_abstention() -> None:
    ring = re.compile(r'<circle class="ring" cx="([\d.]+)" cy="([\d.]+)"')
    near, far = (
        [
            float(place)
            for place in ring.findall(html(with_threshold(0.4, abstained_share=share)))[0]
        ]
        for share in (0.1, 0.5)
    )
    assert near[0] < far[0]
    assert near[1] == far[1]
    assert not ring.findall(html(with_threshold(0.4, answered_accuracy=float("nan"))))


def test_a_threshold_of_0_is_no_line_in_the_plot_of_the_probabilities() -> None:
    line = '<polyline class="bar"'
    assert html(with_threshold(0.42)).count(line) == 1
    assert html(with_threshold(0.0)).count(line) == 0


def test_the_calibration_of_each_class_is_drawn() -> None:
    text = html(teams_document())
    assert text.count('class="small"') == 4
    assert re.findall(r'<svg class="small".*?aria-label="(.*?)"', text)[0] == (
        "Calibration of billing: observed share by predicted probability"
    )
    assert "are not drawn" not in text


def test_the_calibration_of_the_12_largest_classes_is_drawn() -> None:
    text = html(intents_document())
    drawn = re.findall(r'<svg class="small".*?aria-label="Calibration of (\w+)', text)
    assert drawn == [f"intent_{code}" for code in range(65, 77)]
    assert "The 12 largest classes are drawn; 65 more are not." in text


def test_hostile_names_of_classes_are_escaped() -> None:
    names = (f"{HOSTILE}\u202e", "b|c", "d", "e")
    judged = teams_document(dict(zip(names, CONFUSION.values(), strict=True)))
    page = Page(html(judged))
    assert not {"script", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.words
    text = markdown(judged, longest=100_000)
    assert "<" not in text
    assert not re.search(r"(?<!\\)`", text)
    assert "\n# h" not in text
    for row in (line for line in text.splitlines() if line.startswith("|")):
        assert len(re.findall(r"(?<!\\)\|", row)) in (3, 5, 6)
    for shown in (html(judged), text):
        assert "\u202e" not in shown
        assert r"\u202e" in shown


def test_the_style_of_classes_is_only_in_the_page_of_a_model_with_classes() -> None:
    assert ".confusion" in html(teams_document())
    assert ".confusion" not in html(ready())
    assert ".confusion" not in html(price_document())
