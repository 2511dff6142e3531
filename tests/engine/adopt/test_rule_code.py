"""A rule in words and in code: both say the same, and each part once."""

from mlproduct.adopt.rule_code import _Leaf, _merged, _shortest, _Step

SIZE, WIDE = _Step("size", limit=1.0), _Step("size", limit=2.0)


def test_neighbours_with_the_same_value_become_one() -> None:
    leaves = [
        _Leaf(((SIZE, True),), 0.0),
        _Leaf(((SIZE, False), (WIDE, True)), 1.0),
        _Leaf(((SIZE, False), (WIDE, False)), 1.0),
    ]
    assert _merged(leaves) == [_Leaf(((SIZE, True),), 0.0), _Leaf(((SIZE, False),), 1.0)]


def test_a_step_that_a_later_one_contains_is_left_out() -> None:
    leaf = _Leaf(((WIDE, True), (SIZE, True), (_Step("size", limit=0.5), False)), 1.0)
    assert [step.words(holds) for step, holds in _shortest(leaf).path] == [
        "size is at most 1",
        "size is more than 0.5",
    ]


def test_a_step_states_missing_values_and_yes_or_no() -> None:
    gaps = _Step("size", limit=1.0, has_missing=True)
    assert [gaps.words(holds) for holds in (True, False)] == [
        "size is at most 1",
        "size is more than 1 or missing",
    ]
    paid = _Step("paid", limit=0.5, is_yes_or_no=True)
    assert [paid.words(holds) for holds in (True, False)] == ["paid is no", "paid is yes"]
