"""How numbers are spelled in texts: the decimal mark, thousands separators and signs around them.

One grammar serves a single text (a cell of a request) and a whole column (a cell of a file), so
that both accept the same texts and give the same floats.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["BLANKS", "PLAIN", "Decimal", "Reading", "Thousands", "number_of", "numbers_of", "plain"]

Decimal = Literal[".", ","]
Thousands = Literal[",", ".", " ", "'", "_"]

# What ``str.strip`` removes. Listed explicitly because Arrow and databases define whitespace
# differently.
# U+3000 is the last of these characters.
BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
# Between groups of digits, programs write a space that no line break replaces.
SPACES = " \u00a0\u202f"


@dataclass(frozen=True)
class Reading:
    """How a source spells numbers; ``signs`` are characters before and after them, such as $€%."""

    decimal: Decimal = "."
    thousands: Thousands | None = None
    signs: str = ""

    def __post_init__(self) -> None:
        if self.thousands == self.decimal:
            raise ValueError(
                f"thousands is {self.thousands!r}, and so is decimal – expected two different"
                " characters – give the one that separates groups of three digits"
            )
        # A dropped - or ( would change the sign of a number, and a dropped separator its size.
        wrong = [sign for sign in self.signs if sign.isalnum() or sign in "+-.,'_()"]
        if wrong:
            raise ValueError(
                f"signs contains {wrong[0]!r} – expected characters such as $€% that do not change"
                " a number – leave out letters, digits and + - . , ' _ ( )"
            )

    @property
    def example(self) -> str:
        """A number with a thousands separator and decimals."""
        return f"1{self.thousands or ''}234{self.decimal}5"


PLAIN = Reading()


def number_of(text: str, reading: Reading = PLAIN) -> float:
    """The number that ``text`` spells; infinite for ``inf`` and numbers that no float can hold.

    A thousands separator has to separate groups of three digits. Raises ValueError if the text is
    not a number.
    """
    return float(plain(text, reading))


def plain(text: str, reading: Reading = PLAIN) -> str:
    """The number as Python spells it, with all its digits. Raises ValueError as ``number_of``."""
    found = _grammar(reading).fullmatch(text.strip(BLANKS + reading.signs))
    if found is None:
        raise ValueError("not a number")
    number = found["number"]
    if reading.thousands:
        number = re.sub(_class(reading.thousands), "", number)
    return (found["minus"] or "") + number.replace(reading.decimal, ".")


def numbers_of(texts: pd.Series, reading: Reading = PLAIN) -> np.ndarray:
    """``number_of`` of each text, NaN where it is missing or not a number."""
    array = pa.array(texts, from_pandas=True)
    # Arrow reads plain numbers by the same grammar, and ten times faster.
    if reading == PLAIN:
        try:
            return np.asarray(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False))
        except pa.ArrowInvalid:  # at least one text is not a number
            pass
    trimmed = pc.utf8_trim(array.cast(pa.large_string()), characters=BLANKS + reading.signs)
    found = pc.extract_regex(trimmed, f"^(?:{_grammar(reading).pattern})$")
    number = pc.struct_field(found, "number")
    if reading.thousands:
        number = pc.replace_substring_regex(number, _class(reading.thousands), "")
    number = pc.replace_substring(number, reading.decimal, ".")
    nothing = pa.scalar("", number.type)
    whole = pc.binary_join_element_wise(pc.struct_field(found, "minus"), number, nothing)
    # extract_regex gives empty texts for a text that does not match, and says so in its validity.
    whole = pc.if_else(pc.is_valid(found), whole, pa.scalar(None, whole.type))
    return np.asarray(pc.cast(whole, pa.float64()).to_numpy(zero_copy_only=False))


@lru_cache
def _grammar(reading: Reading) -> re.Pattern[str]:
    """The pattern of a number without blanks and signs around it, in the syntax of Python and RE2.

    Its group ``minus`` is the minus, and ``number`` what follows it.
    """
    point = _class(reading.decimal)
    whole = "[0-9]+"
    if reading.thousands:
        # No group begins with a 0: 0,123 is no whole number, but one with another decimal mark.
        whole = f"(?:[1-9][0-9]{{0,2}}(?:{_class(reading.thousands)}[0-9]{{3}})+|[0-9]+)"
    number = f"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    between = f"(?:[{_escaped(reading.signs)}][{_escaped(BLANKS + reading.signs)}]*)?"
    return re.compile(
        rf"(?:\+|(?P<minus>-?)){between if reading.signs else ''}"
        rf"(?P<number>(?i:inf(?:inity)?)|{number})"
    )


def _class(mark: str) -> str:
    return f"[{SPACES}]" if mark == " " else f"[{mark}]"


def _escaped(characters: str) -> str:
    """The characters inside of [ ] of a pattern."""
    return "".join(rf"\{each}" if each in r"\]^[" else each for each in characters)
