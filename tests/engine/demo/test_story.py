"""The checks of the demo's steps."""

import pytest
from mlproduct.demo.story import came_true, is_of
from mlproduct.errors import ProductError


@pytest.mark.parametrize(
    ("watched", "column", "expected"),
    [
        ("logins_30d", "logins_30d", True),
        ("message (unknown words)", "message", True),
        ("message (characters)", "message", True),
        ("message_2 (characters)", "message", False),
        ("prediction", "message", False),
    ],
)
def test_a_measure_of_a_text_column_is_of_this_column(
    watched: str, column: str, expected: bool
) -> None:
    assert is_of(watched, column) == expected


def test_a_missed_expectation_ends_the_demo_with_an_error() -> None:
    came_true(True, "nothing is wrong")
    with pytest.raises(ProductError, match="did not run as expected: in week 4 it should rain"):
        came_true(False, "in week 4 it should rain")
