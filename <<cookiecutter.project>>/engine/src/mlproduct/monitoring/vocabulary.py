"""The words of a reference, stored so that no word can be read from it.

Only words in several rows are stored, so that a rare word such as a name leaves no trace. Of each,
a hash is stored as one bit among 65,536. The words cannot be listed from the bits. Whether a given
word is known can be asked, as monitoring does; up to one in sixteen unknown words then counts as
known, in a window as in the reference.

Source: B. Bloom (1970), Space/time trade-offs in hash coding with allowable errors.
"""

import base64
import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..derived_numbers import words_of

__all__ = ["unknown_words", "vocabulary_of"]

BITS = 2**16
ROWS_AT_LEAST = 5  # that contain a word; a name in fewer rows is not stored
WORDS_AT_MOST = BITS // 16  # the most frequent ones; more would fill the bits


def vocabulary_of(texts: pd.Series) -> str:
    """The words of ``texts`` as bits in base64, about 11 kB."""
    rows, places, words = words_of(texts)
    # A word counts once per row: each pair of a row and a word is one number.
    pairs = np.unique(rows * max(len(words), 1) + places)
    counts = np.bincount(pairs % max(len(words), 1), minlength=len(words))
    order = np.argsort(-counts, kind="stable")[:WORDS_AT_MOST]
    bits = np.zeros(BITS, dtype=bool)
    bits[_bits([words[place] for place in order if counts[place] >= ROWS_AT_LEAST])] = True
    return base64.b64encode(np.packbits(bits).tobytes()).decode()


def unknown_words(texts: pd.Series, vocabulary: str) -> pd.Series:
    """The share of the words of each text that are not in the vocabulary, 0 for a text without
    words, NaN for a missing one.
    """
    bits = np.unpackbits(np.frombuffer(base64.b64decode(vocabulary), dtype=np.uint8))
    rows, places, words = words_of(texts)
    unknown = (bits[_bits(words)] == 0)[places]
    total = np.bincount(rows, minlength=len(texts))
    share = np.bincount(rows, unknown, len(texts)) / np.maximum(total, 1)
    return pd.Series(share, index=texts.index).where(texts.notna())


def _bits(words: Sequence[str]) -> np.ndarray:
    # Python's own hash differs in each process.
    return np.array([zlib.crc32(word.encode()) % BITS for word in words], dtype=int)
