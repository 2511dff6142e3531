"""Numbers derived from dates and texts: the same for models, monitoring and the check for leaks."""

import re

import numpy as np
import pandas as pd

__all__ = ["characters", "days_before", "moments", "words_of"]

A_DAY = np.timedelta64(1, "D")
# As scikit-learn's vectorizers: letters and digits, at least two of them.
WORD = re.compile(r"\b\w\w+\b")


def moments(column: pd.Series) -> pd.Series:
    """Dates as datetime64[us] without a time zone, in UTC; also from texts as the log has them.

    A text that is not a date is missing.
    """
    found = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    return found.dt.tz_localize(None).astype("datetime64[us]")


def days_before(dates: pd.Series, time: pd.Series | None) -> pd.Series:
    """The days from each date to the row's time, negative for a later date; NaN if one is missing.

    Without a time, the days from 1970 to the date.
    """
    asked = moments(dates)
    passed = asked - np.datetime64(0, "s") if time is None else moments(time) - asked
    return passed / A_DAY


def characters(texts: pd.Series) -> pd.Series:
    """The length of each text; NaN where the text is missing."""
    return texts.astype("str").str.len().astype(float)


def words_of(texts: pd.Series) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The words in lower case: the number of the row of each, its place among the words, the words.

    A missing text has no words.
    """
    found = [WORD.findall(text.lower()) if isinstance(text, str) else () for text in texts]
    rows = np.repeat(np.arange(len(found)), [len(words) for words in found])
    places, words = pd.factorize(
        np.array([word for words in found for word in words], dtype=object)
    )
    return rows, places, list(words)
