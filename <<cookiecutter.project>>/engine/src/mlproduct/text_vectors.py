"""Static word vectors as features of a text, for a team's ``candidates.py``.

The vectors are files of the distribution ``wordllama`` (MIT): 32,000 tokens of 256 numbers, and the
tokenizer. They are read directly, because the library's own loader would ask a server for files. A
model file contains only their sha256 digest.

A model file names its classes by module and class name. The path of this module and the names in it
must therefore never change; otherwise earlier champions could not be loaded.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import normalize

from .errors import ConfigError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["StaticVectors"]

DISTRIBUTION = "wordllama"
WEIGHTS = "wordllama/weights/l2_supercat_256.safetensors"
TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"


class StaticVectors(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Texts to the mean of the vectors of their tokens, of length 1: an array of shape (n, 256).

    With ``idf`` a token counts less the more of the training texts contain it. A missing text and a
    text without tokens are vectors of zeros.
    """

    def __init__(self, idf: bool = False) -> None:
        self.idf = idf

    def fit(self, X: Iterable[Any], y: Any = None) -> Self:
        """Learns the weights of the tokens; the vectors stay as they are."""
        files = _files()
        self.digest_ = files.digest
        self._n_features_out = files.vectors.shape[1]
        if self.idf:
            counts = _counts(X)
            rows_with = np.bincount(counts.indices, minlength=counts.shape[1])
            weights = np.log((1 + counts.shape[0]) / (1 + rows_with)) + 1
            self.weights_ = weights.astype(np.float32)
        return self

    def transform(self, X: Iterable[Any]) -> np.ndarray:
        """The vectors of the texts. Raises ConfigError without the files seen in the training."""
        files = _files()
        if files.digest != self.digest_:
            raise ConfigError(
                f"the word vectors of {DISTRIBUTION} have the sha256 {files.digest[:12]}… –"
                f" expected {self.digest_[:12]}…, with which the model was trained – install the"
                " versions in requirements.lock of that training, or train again"
            )
        counts = _counts(X)
        vectors = files.vectors * self.weights_[:, None] if self.idf else files.vectors
        # The sum has the same direction as the mean.
        return normalize(counts @ vectors, copy=False)


class _Files(NamedTuple):
    digest: str
    vectors: np.ndarray
    tokenizer: Any


def _counts(texts: Iterable[Any]) -> "csr_array":
    """How often each text contains each token: a sparse array of shape (n, tokens)."""
    from scipy.sparse import csr_array

    files = _files()
    # One at a time: a batch would start threads, which do not survive the fork of a process.
    encoded = [
        files.tokenizer.encode(text if isinstance(text, str) else "", add_special_tokens=False).ids
        for text in texts
    ]
    ends = np.cumsum([0, *map(len, encoded)])
    tokens = np.fromiter((token for ids in encoded for token in ids), np.int32, ends[-1])
    counts = csr_array(
        (np.ones(len(tokens), np.float32), tokens, ends), shape=(len(encoded), len(files.vectors))
    )
    counts.sum_duplicates()
    return counts


@lru_cache(maxsize=1)
def _files() -> _Files:
    """The installed vectors and tokenizer, read once in each process."""
    weights, tokenizer = _installed(WEIGHTS), _installed(TOKENIZER)
    from safetensors.numpy import load
    from tokenizers import Tokenizer

    content = weights.read_bytes(), tokenizer.read_bytes()
    digest = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in content))
    vectors = load(content[0])["embedding.weight"].astype(np.float32)
    return _Files(digest.hexdigest(), vectors, Tokenizer.from_buffer(content[1]))


def _installed(name: str) -> Path:
    try:
        path = Path(str(distribution(DISTRIBUTION).locate_file(name)))
    except PackageNotFoundError:
        path = Path(name)
    if not path.is_file():
        raise ConfigError(
            f"the word vectors {name} are not installed – expected the distribution {DISTRIBUTION}"
            " – install it with make ready, or remove the candidates that use StaticVectors"
        )
    return path
