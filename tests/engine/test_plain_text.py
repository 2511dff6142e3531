"""Names and reasons whose characters could forge a line or display a different name."""

import pytest
from mlproduct.console import table
from mlproduct.errors import ConfigError, ProductError
from mlproduct.escaping import escaped
from mlproduct.plain_text import NAME_LIMIT, plain

FORGED = {
    "line break": ("Ada\n2026-11-24 approve", r"\x0a"),
    "return": ("Ada\rEve", r"\x0d"),
    "colour": ("Ada\x1b[31m", r"\x1b"),
    "one-byte escape": ("Ada\x9b31m", r"\x9b"),
    "null": ("Ada\x00Eve", r"\x00"),
    "backspace": ("Ada\bEve", r"\x08"),
    "delete": ("Ada\x7fEve", r"\x7f"),
    "no width": ("A\u200bda", r"\u200b"),
    "right to left": ("Ada\u202eevE", r"\u202e"),
    "isolate": ("Ada\u2066evE", r"\u2066"),
    "line separator": ("Ada\u2028Eve", r"\u2028"),
    "paragraph separator": ("Ada\u2029Eve", r"\u2029"),
    "private use": ("Ada\ue000Eve", r"\ue000"),
    "tag": ("Ada\U000e0041Eve", r"\U000e0041"),
    "surrogate": ("Ada\ud800Eve", r"\ud800"),
}


@pytest.mark.parametrize(("text", "shown"), FORGED.values(), ids=FORGED)
def test_plain_refuses_invisible_characters_and_escaped_shows_them(text: str, shown: str) -> None:
    with pytest.raises(ConfigError, match="expected visible characters on one line") as caught:
        plain("--by", text, NAME_LIMIT)
    assert escaped(str(caught.value)) == str(caught.value)
    assert shown in escaped(text)
    assert escaped(escaped(text)) == escaped(text)
    assert all(text not in line for line in table([("approve", text)]))
    assert text not in str(ProductError(f"rejected by {escaped(text)}"))


@pytest.mark.parametrize(
    "text", ["Zoë Müller-Łukasz", "李明", "أحمد", "O'Brien; 100 % <ok>", "👍 it pays – 3 €"]
)
def test_plain_accepts_names_in_any_script(text: str) -> None:
    assert plain("--by", f" {text} ", NAME_LIMIT) == text
    assert escaped(text) == text


def test_plain_limits_the_length_of_a_name() -> None:
    assert plain("--by", "a" * 200, NAME_LIMIT) == "a" * 200
    with pytest.raises(ConfigError, match="--by has 201 characters – expected at most 200"):
        plain("--by", "a" * 201, NAME_LIMIT)


def test_a_product_error_keeps_line_breaks_and_escapes_other_control_characters() -> None:
    assert str(ProductError("two\nlines of \x1b[31mred")) == "two\nlines of \\x1b[31mred"
