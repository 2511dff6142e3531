"""The building block of candidates works for every kind of feature."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlproduct.data.columns import Columns
from mlproduct.feature_estimators import DateParts, TextParts
from mlproduct.registry.model_files import reopen, save
from mlproduct.service.accelerate import ArrayRows, accelerated
from mlproduct.training.preprocess import preprocess
from scipy.sparse import issparse
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from .. import all_kinds
from ..data.small_tables import columns as two_kinds

MODELS = {
    ("binary", "one-hot"): LogisticRegression(max_iter=1000),
    ("binary", "ordinal"): HistGradientBoostingClassifier(random_state=0),
    ("regression", "one-hot"): Ridge(),
    ("regression", "ordinal"): HistGradientBoostingRegressor(random_state=0),
}


def fitted(problem: str, texts: Any, seed: int = 0) -> tuple[Any, pd.DataFrame, Columns]:
    columns = all_kinds.columns(problem)
    rows = all_kinds.table(seed=seed, problem=problem)
    model = make_pipeline(preprocess(columns, texts), MODELS[problem, texts])
    return model.fit(rows[list(columns.inputs)], rows[columns.target]), rows, columns


@pytest.mark.parametrize(("problem", "texts"), MODELS)
def test_a_model_learns_from_dates_and_texts_and_is_the_same_after_it_is_saved(
    problem: str, texts: str, tmp_path: Path
) -> None:
    model, rows, columns = fitted(problem, texts)
    features = rows[list(columns.inputs)]
    saved = save(
        model,
        tmp_path / "model",
        features=features,
        training_rows=np.arange(3, dtype=np.uint64),
        columns=columns,
    )
    others = all_kinds.table(seed=1, problem=problem)
    found = columns.of_target.predict(reopen(saved), others[list(columns.inputs)])
    assert found.same_as(columns.of_target.predict(model, others[list(columns.inputs)]))
    target = others[str(columns.target)]
    quality = (
        roc_auc_score(target, found.score) - 0.15
        if problem == "binary"
        else r2_score(target, found.decision)
    )
    assert quality > 0.6
    example = (saved.path / "input_example.json").read_text()
    assert not any(note in example for note in rows["note"].dropna())


@pytest.mark.parametrize("texts", ["one-hot", "ordinal"])
def test_the_same_rows_give_the_same_model(texts: str) -> None:
    first, rows, columns = fitted("binary", texts)
    second, *_ = fitted("binary", texts)
    features = rows[list(columns.inputs)]
    assert columns.of_target.predict(first, features).same_as(
        columns.of_target.predict(second, features)
    )


@pytest.mark.parametrize(("problem", "texts"), MODELS)
def test_an_accelerated_model_with_all_kinds_predicts_the_same(problem: str, texts: str) -> None:
    model, rows, columns = fitted(problem, texts)
    fast = accelerated(model, rows, columns)
    assert fast is not None
    for part in (rows.head(1), rows.head(50)):
        features = part[list(columns.inputs)]
        assert columns.of_target.predict(fast, ArrayRows.of(features)).same_as(
            columns.of_target.predict(model, features)
        )


def test_a_category_with_many_values_has_a_bounded_number_of_columns() -> None:
    rows = pd.DataFrame({"a": 0.0, "b": 0.0, "c": [f"v{n % 3000}" for n in range(60_000)]})
    assert preprocess(two_kinds()).fit_transform(rows).shape[1] <= 102


def test_unseen_and_missing_cells_are_accepted() -> None:
    for problem, texts in MODELS:
        model, rows, columns = fitted(problem, texts)
        features = rows[list(columns.inputs)].head(3).copy()
        missing = features.assign(price=np.nan, shop=None, joined=pd.NaT, note=None)
        unseen = features.assign(
            shop="never seen", note="жук ⚙ never", joined=pd.Timestamp(1900, 1, 1)
        )
        for table in (missing, unseen):
            predicted = model.predict(table.astype(features.dtypes.to_dict()))
            assert np.isfinite(predicted).all()


def test_the_table_is_sparse_only_because_of_texts_and_dense_if_asked() -> None:
    rows, columns = all_kinds.table(), all_kinds.columns()
    features = rows[list(columns.inputs)]
    many = features.assign(note=[f"{a} {a % 97} {a % 89} {a % 83}" for a in range(100, 700)])
    assert issparse(preprocess(columns).fit_transform(many))
    dense = preprocess(columns, components=4)
    assert not issparse(dense.fit_transform(many))
    make_pipeline(dense, GaussianNB()).fit(features, rows["returned"]).predict(features)
    assert not issparse(
        preprocess(two_kinds()).fit_transform(
            pd.DataFrame({"a": [0.0] * 40, "b": 1.0, "c": ["x", "y"] * 20})
        )
    )


@pytest.mark.parametrize("components", [None, 3])
@pytest.mark.parametrize("texts", [[None] * 9, ["", "?!", "one word"] * 3, ["a b", None, "c"] * 9])
def test_texts_without_frequent_words_give_a_table_with_a_row_each(
    texts: Any, components: int | None
) -> None:
    part = TextParts(components=components)
    found = part.fit_transform(pd.Series(texts, dtype="str"))
    assert found.shape[0] == len(texts)
    assert found.shape[1] >= 1
    assert part.transform(pd.Series(["anything"])).shape == (1, found.shape[1])


def test_words_in_few_rows_are_not_in_the_model() -> None:
    texts = ["parcel late"] * 20 + ["parcel for Cordelia"] * 4
    words, pairs = TextParts().fit(texts).words_, TextParts(pairs=True).fit(texts).words_
    assert words is not None
    assert pairs is not None
    assert set(words.vocabulary_) == {"parcel", "late"}
    assert set(pairs.vocabulary_) == {"parcel", "late", "parcel late"}


def test_a_date_is_the_parts_of_the_calendar_and_the_days_before_the_time() -> None:
    table = pd.DataFrame(
        {
            "joined": pd.to_datetime(["2026-03-01", None]),
            "at": pd.to_datetime(["2026-03-11 12:00", "2026-03-11 00:00"]),
        }
    )
    found = DateParts("at").fit(table).transform(table)
    assert found[0].tolist() == [0, 10.5, 2, 0, 6]  # there, days, March, the first, Sunday
    assert found[1][0] == 1
    assert np.isnan(found[1][1:]).all()
    later = table + pd.Timedelta(days=364 * 5)  # the same weekday
    assert DateParts("at").fit(later).transform(later)[0][1] == 10.5


def test_a_date_without_a_time_is_the_days_since_1970() -> None:
    table = pd.DataFrame({"joined": pd.to_datetime(["1970-01-11"])})
    assert DateParts().fit(table).transform(table)[0][1] == 10


@pytest.mark.parametrize("texts", ["one-hot", "ordinal"])
@pytest.mark.parametrize("kept", ["price", "shop", "joined", "note"])
def test_a_schema_with_one_kind_only_works(kept: str, texts: Any) -> None:
    given: dict[str, Any] = dict.fromkeys(("numeric", "categorical", "dates", "texts"), ())
    kind = {"price": "numeric", "shop": "categorical", "joined": "dates", "note": "texts"}[kept]
    columns = two_kinds(**{**given, kind: (kept,)})
    rows = all_kinds.table()
    model = make_pipeline(preprocess(columns, texts), MODELS["binary", texts])
    assert len(model.fit(rows[list(columns.inputs)], rows["returned"]).classes_) == 2
