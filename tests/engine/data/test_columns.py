"""The roles of columns in a schema."""

from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from mlproduct.data.columns import columns_of
from mlproduct.data.spelling import Spelling
from mlproduct.errors import ConfigError
from mlproduct.problems import Regression, Target
from pandera.typing import Series


class Schema(pa.DataFrameModel):
    who: Series[str] = pa.Field(metadata={"role": "key"})
    mail: Series[str] = pa.Field(metadata={"role": "ignored", "pii": True})
    note: Series[str] = pa.Field(metadata={"role": "ignored"})
    size: Series[float] = pa.Field(metadata={"role": "feature"})
    kind: Series[str] = pa.Field(isin=["a", "b"], metadata={"role": "feature"})
    price: Series[float] = pa.Field(metadata={"role": "target"})


def schema_with(**columns: Any) -> type[pa.DataFrameModel]:
    fields = {name: pa.Field(metadata=metadata) for name, metadata in columns.items()}
    return type(
        "More",
        (Schema,),
        {**fields, "__annotations__": dict.fromkeys(fields, Series[str]), "__module__": __name__},
    )


def test_the_roles_are_read_from_the_schema() -> None:
    columns = columns_of(Schema, Regression())
    assert (columns.key, columns.time, columns.group, columns.target) == (
        "who",
        None,
        None,
        "price",
    )
    assert (columns.numeric, columns.categorical, columns.problem) == (
        ("size",),
        ("kind",),
        Regression().of(Target("price")),
    )
    assert columns.known_values == {"kind": ("a", "b")}


def test_personal_data_is_listed_as_private_and_not_read() -> None:
    columns = columns_of(Schema)
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
        ({"role": "feature", "mising": [9]}, "'mising'.* – did you mean 'missing'"),
        ({"role": "feature", "unit": "cm"}, "'unit' – expected role, kind"),
        *(
            ({"role": "feature", "missing": given}, "extra has missing: .*expected a list of texts")
            for given in ([], "?", 9, None, [True], [None], [float("nan")], [["?"]])
        ),
        ({"role": "feature", "format": "%d.%m.%Y"}, "and is a text – expected a format only"),
    ],
)
def test_invalid_metadata_of_a_column_is_refused(metadata: Any, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        columns_of(schema_with(extra=metadata))


def test_a_schema_without_a_key_is_refused() -> None:
    class Keyless(pa.DataFrameModel):
        size: Series[float] = pa.Field(metadata={"role": "feature"})

    with pytest.raises(ConfigError, match="no column has the role key"):
        columns_of(Keyless)


@pytest.mark.parametrize("given", ["mixed", "ISO8601", "", None, "%H:%M", "%d.%m.%Y%", "%d.%m.%Q"])
def test_a_format_that_is_not_one_of_dates_is_refused(given: Any) -> None:
    class Dated(Schema):
        day: Series[pd.Timestamp] = pa.Field(metadata={"role": "feature", "format": given})

    with pytest.raises(
        ConfigError, match=r"day has the format .* – expected the codes of strptime"
    ):
        columns_of(Dated)


def test_how_cells_are_spelled_is_read_from_the_schema() -> None:
    class Spelled(Schema):
        day: Series[pd.Timestamp] = pa.Field(metadata={"role": "feature", "format": "%d.%m.%y"})
        note: Series[str] = pa.Field(metadata={"role": "ignored", "missing": [" ? ", -1]})

    assert columns_of(Spelled).spellings == {
        "day": Spelling(format="%d.%m.%y"),
        "note": Spelling(frozenset({"?"}), frozenset({-1.0})),
    }
