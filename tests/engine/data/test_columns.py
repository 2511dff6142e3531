"""What a schema says each column is for. Can run before anything was trained."""

from typing import Any

import pandera.pandas as pa
import pytest
from mlproduct.data.columns import columns_of
from mlproduct.errors import ConfigError
from pandera.typing import Series


class Rows(pa.DataFrameModel):
    who: Series[str] = pa.Field(metadata={"role": "key"})
    mail: Series[str] = pa.Field(metadata={"role": "ignored", "pii": True})
    note: Series[str] = pa.Field(metadata={"role": "ignored"})
    size: Series[float] = pa.Field(metadata={"role": "feature"})
    kind: Series[str] = pa.Field(isin=["a", "b"], metadata={"role": "feature"})
    price: Series[float] = pa.Field(metadata={"role": "target", "task": "regression"})


def schema_with(**columns: Any) -> type[pa.DataFrameModel]:
    fields = {name: pa.Field(metadata=metadata) for name, metadata in columns.items()}
    return type(
        "More",
        (Rows,),
        {**fields, "__annotations__": dict.fromkeys(fields, Series[str]), "__module__": __name__},
    )


def test_the_roles_are_read_off_the_schema() -> None:
    columns = columns_of(Rows, "regression")
    assert (columns.key, columns.time, columns.group, columns.target) == (
        "who",
        None,
        None,
        "price",
    )
    assert (columns.numeric, columns.categorical, columns.task) == (
        ("size",),
        ("kind",),
        "regression",
    )
    assert columns.known_values == {"kind": ("a", "b")}


def test_personal_data_are_known_and_never_among_what_is_read() -> None:
    columns = columns_of(Rows)
    assert columns.private == ("mail",)
    assert columns.read == ("who", "size", "kind", "note", "price")


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"role": "feature", "pii": True}, "expected the role ignored for personal data"),
        ({"role": "key", "pii": True}, "pseudonymous"),
        ({"role": "featrue"}, "has the role 'featrue'"),
        (None, "has the role 'None'"),
        ({"role": "target"}, "price and extra have the role target"),
        ({"role": "key"}, "who and extra have the role key"),
    ],
)
def test_a_wrong_mark_is_a_mistake_with_the_columns_name(metadata: Any, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        columns_of(schema_with(extra=metadata))


def test_without_a_key_it_says_so() -> None:
    class Keyless(pa.DataFrameModel):
        size: Series[float] = pa.Field(metadata={"role": "feature"})

    with pytest.raises(ConfigError, match="no column has the role key"):
        columns_of(Keyless)
