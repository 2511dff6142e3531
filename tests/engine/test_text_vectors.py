"""Texts become vectors of the installed files, and of no others."""

from importlib.util import find_spec
from types import SimpleNamespace

import mlproduct.text_vectors as text_vectors
import numpy as np
import pytest
from mlproduct import StaticVectors
from mlproduct.errors import ConfigError
from mlproduct.registry.allowed_types import unreviewed

TOKENS = {"my": 0, "card": 1, "parcel": 2, "late": 3}
TEXTS = ["my card", "my parcel", "late parcel", "my parcel late late"]


class Tokenizer:
    """Splits a text at its spaces."""

    def encode(self, text: str, add_special_tokens: bool) -> SimpleNamespace:
        return SimpleNamespace(ids=[TOKENS[word] for word in text.split()])


def use_files(monkeypatch: pytest.MonkeyPatch, digest: str = "a" * 64) -> None:
    files = text_vectors._Files(digest, np.eye(4, 3, dtype=np.float32), Tokenizer())
    monkeypatch.setattr(text_vectors, "_files", lambda: files)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    use_files(monkeypatch)


@pytest.mark.usefixtures("files")
def test_a_text_is_the_mean_of_its_vectors_with_length_1() -> None:
    found = StaticVectors().fit_transform(["my card", "card"])
    assert found.dtype == np.float32
    assert np.allclose(found, [[0.5**0.5, 0.5**0.5, 0], [0, 1, 0]])


@pytest.mark.usefixtures("files")
def test_a_missing_text_and_an_empty_one_are_zeros() -> None:
    assert not StaticVectors().fit(TEXTS).transform([None, float("nan"), ""]).any()


@pytest.mark.usefixtures("files")
def test_with_idf_a_token_of_few_texts_counts_more() -> None:
    found = StaticVectors(idf=True).fit(TEXTS).transform(["my card"])
    assert 0 < found[0, 0] < found[0, 1]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("idf", [False, True])
def test_the_model_file_contains_only_reviewed_types_and_no_vectors(idf: bool) -> None:
    import skops.io

    made = StaticVectors(idf).fit(TEXTS)
    assert unreviewed(made) == ()
    trusted = ["mlproduct.text_vectors.StaticVectors"]
    loaded = skops.io.loads(skops.io.dumps(made), trusted=trusted)
    assert np.array_equal(loaded.transform(TEXTS), made.transform(TEXTS))
    assert list(loaded.get_feature_names_out()) == [f"staticvectors{n}" for n in range(3)]


def test_vectors_of_another_release_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use_files(monkeypatch)
    made = StaticVectors().fit(TEXTS)
    use_files(monkeypatch, digest="b" * 64)
    with pytest.raises(ConfigError, match=r"bbbbbbbbbbbb… – expected aaaaaaaaaaaa…"):
        made.transform(TEXTS)


def test_missing_vectors_are_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vectors, "DISTRIBUTION", "no-such-vectors")
    text_vectors._files.cache_clear()
    with pytest.raises(ConfigError, match="expected the distribution no-such-vectors"):
        StaticVectors().fit(TEXTS)


def test_the_installed_vectors_bring_words_of_similar_meaning_together() -> None:
    pytest.importorskip("tokenizers")
    pytest.importorskip("safetensors")
    text_vectors._files.cache_clear()
    if find_spec("wordllama") is None:
        pytest.skip("the word vectors are not installed")
    one, similar, other = StaticVectors().fit_transform(["invoice", "bill", "kettle"])
    assert one @ similar > one @ other + 0.1
