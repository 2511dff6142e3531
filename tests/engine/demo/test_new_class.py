"""Which products show a new class in the demo, and the schema that lists it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.label_schema import answers_of
from mlproduct.demo.new_class import shows_new_class, with_class
from mlproduct.problems import MulticlassClassification
from mlproduct.product import Product
from pandera.errors import SchemaErrors
from pandera.typing import Series

from ..team import PRODUCT


def product_of(*classes: Any, sample: Callable[..., pd.DataFrame] | None = None) -> Product:
    kind: Any = type(classes[0])

    class Features(pa.DataFrameModel):
        k: Series[str] = pa.Field(metadata={"role": "key"})
        a: Series[float] = pa.Field(metadata={"role": "feature"})

    class Labelled(Features):
        colour: Series[kind] = pa.Field(isin=list(classes), metadata={"role": "target"})

    return replace(
        PRODUCT,
        problem=MulticlassClassification(),
        features=Features,
        labelled=Labelled,
        sample=sample,
    )


@pytest.mark.parametrize(
    ("classes", "name", "new"),
    [(("red", "green", "blue"), "violet", "violet"), ((30, 10, 20), "40", 40)],
)
def test_the_schema_lists_the_new_class(classes: tuple[Any, ...], name: str, new: object) -> None:
    product = product_of(*classes)
    wider = with_class(product, name)
    columns = wider.columns
    assert columns.of_target.class_names == (*map(str, classes), name)
    assert columns.features == product.columns.features
    assert product.columns.of_target.class_names == tuple(map(str, classes))  # unchanged
    labels = pd.DataFrame({"k": ["1", "2"], "colour": [classes[0], new]})
    assert len(answers_of(wider.labelled).validate(labels, lazy=True)) == 2
    with pytest.raises(SchemaErrors):
        answers_of(product.labelled).validate(labels, lazy=True)


def without(rows: int = 10) -> pd.DataFrame:
    return pd.DataFrame()


def with_switch(rows: int = 10, new_class: bool = False) -> pd.DataFrame:
    return pd.DataFrame()


def test_only_a_product_whose_sample_has_a_new_class_shows_one() -> None:
    classes = ("red", "green", "blue")
    assert shows_new_class(product_of(*classes, sample=with_switch))
    assert not shows_new_class(product_of(*classes, sample=without))
    assert not shows_new_class(product_of(*classes))
    assert not shows_new_class(replace(PRODUCT, sample=with_switch))  # two classes
