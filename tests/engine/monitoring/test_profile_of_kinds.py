"""Dates and texts are watched by numbers derived from them, and earlier profiles are still read."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.config.settings import DriftLimits
from mlproduct.monitoring.drift import drift
from mlproduct.monitoring.evidently_report import report_pages
from mlproduct.monitoring.profile import PREDICTION, Profile, profile_of
from mlproduct.monitoring.vocabulary import unknown_words, vocabulary_of

from .. import all_kinds

COLUMNS = all_kinds.columns()
OF_0_3 = {
    "rows": 4,
    "columns": [
        {
            "name": "price",
            "kind": "number",
            "edges": [10.0],
            "values": [],
            "counts": [2, 1],
            "missing": 1,
        },
        {
            "name": "shop",
            "kind": "category",
            "edges": [],
            "values": ["shop 1"],
            "counts": [1, 3],
            "missing": 0,
        },
    ],
}


def table(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return all_kinds.table(rows, seed).assign(**{PREDICTION: random.uniform(size=rows)})


@pytest.fixture(scope="module")
def reference() -> Profile:
    return profile_of(table(4_000, 0), COLUMNS)


def alarms(reference: Profile, window: pd.DataFrame) -> list[tuple[str, str]]:
    found = drift(reference, reference.counted(window), DriftLimits())
    return sorted((finding.column, finding.what) for finding in found if finding.alarm)


def test_a_date_is_watched_as_days_and_a_text_by_its_length_and_unknown_words(
    reference: Profile,
) -> None:
    assert [column.name for column in reference.columns] == [
        "price",
        "paid",
        "shop",
        "joined (days)",
        "note (characters)",
        "note (unknown words)",
        PREDICTION,
    ]
    days, note = reference.columns[3], reference.columns[4]
    assert 150 < days.edges[4] < 250
    assert days.missing == int(table(4_000, 0)["joined"].isna().sum())
    assert note.missing == int(table(4_000, 0)["note"].isna().sum())


def test_the_stored_profile_reads_the_same(reference: Profile) -> None:
    assert Profile.model_validate_json(reference.model_dump_json()) == reference


@pytest.mark.parametrize("seed", range(1, 6))
def test_unchanged_rows_raise_no_alarm(reference: Profile, seed: int) -> None:
    assert alarms(reference, table(3_000, seed)) == []


def test_texts_in_another_language_have_unknown_words(reference: Profile) -> None:
    window = table(2_000, 1)
    other = {word: f"x{word}"[: len(word)] for word in all_kinds.WORDS}  # of the same length
    translated = window["note"].map(
        lambda note: " ".join(other[word] for word in note.split()), na_action="ignore"
    )
    found = alarms(reference, window.assign(note=translated.astype("str")))
    assert found == [("note (unknown words)", "values")]


def test_longer_texts_raise_an_alarm(reference: Profile) -> None:
    window = table(2_000, 1)
    found = alarms(reference, window.assign(note=window["note"] + " " + window["note"]))
    assert found == [("note (characters)", "values")]


def test_missing_texts_raise_one_alarm(reference: Profile) -> None:
    window = table(2_000, 1)
    half = window["note"].where(np.arange(2_000) % 2 == 0)
    assert alarms(reference, window.assign(note=half)) == [("note (characters)", "missing")]


def test_earlier_dates_raise_an_alarm_and_later_rows_alone_do_not(reference: Profile) -> None:
    window = table(2_000, 1)
    later = {name: window[name] + pd.Timedelta(days=900) for name in ("at", "joined")}
    assert alarms(reference, window.assign(**later)) == []
    found = alarms(reference, window.assign(joined=window["joined"] - pd.Timedelta(days=100)))
    assert found == [("joined (days)", "values")]


def test_dates_as_the_log_of_the_service_has_them_count_the_same(reference: Profile) -> None:
    window = table(500, 1)
    texts = [None if pd.isna(day) else day.isoformat() for day in window["joined"]]
    logged = window.assign(joined=pd.Series(texts, dtype=object))
    assert reference.counted(logged) == reference.counted(window)


def test_an_empty_window_and_a_missing_column_have_counts_of_zero(reference: Profile) -> None:
    nothing = reference.counted(table(500, 1).drop(columns=["joined", "note", PREDICTION]))
    assert [sum(column.counts) for column in nothing.columns[3:]] == [0] * 4
    assert reference.counted(table(500, 1).head(0)).rows == 0


def test_a_profile_of_an_earlier_release_is_read() -> None:
    profile = Profile.model_validate_json(json.dumps(OF_0_3))
    counted = profile.counted(pd.DataFrame({"price": [1.0, 20.0], "shop": ["shop 1", "new"]}))
    assert [column.counts for column in counted.columns] == [(1, 1), (1, 1)]


def test_rare_words_are_not_in_the_vocabulary_and_frequent_ones_not_readable() -> None:
    texts = pd.Series(["parcel for Cordelia"] * 4 + ["parcel late"] * 20, dtype="str")
    stored = vocabulary_of(texts)
    assert unknown_words(pd.Series(["Cordelia", "parcel", "for", "LATE"]), stored).tolist() == [
        1.0,
        0.0,
        1.0,
        0.0,
    ]
    assert "parcel" not in stored
    assert len(stored) < 12_000
    assert vocabulary_of(texts[texts != "parcel for Cordelia"]) == stored


@pytest.mark.parametrize(
    ("text", "share"), [("parcel soon", 0.5), ("", 0.0), ("?!", 0.0), (None, np.nan)]
)
def test_the_share_of_unknown_words(text: Any, share: float) -> None:
    stored = vocabulary_of(pd.Series(["parcel"] * 9))
    found = unknown_words(pd.Series([text, "parcel"], dtype="str"), stored)
    assert found.tolist() == pytest.approx([share, 0.0], nan_ok=True)


def test_a_reference_without_texts_makes_every_word_unknown() -> None:
    stored = vocabulary_of(pd.Series([None] * 9, dtype="str"))
    assert unknown_words(pd.Series(["parcel"]), stored).tolist() == [1.0]


def test_the_report_shows_days_and_lengths_and_no_text() -> None:
    reference, window = table(300, 0), table(300, 1)
    pages = report_pages(reference, window, COLUMNS, None)
    assert "joined (days)" in pages["drift.html"]
    assert "note (characters)" in pages["drift.html"]
    long = [note for note in window["note"].dropna() if len(note) > 25]
    assert len(long) > 50
    assert not any(note in pages["drift.html"] for note in long)
