"""How numbers are spelled in texts: the decimal mark, thousands separators and signs around them.

One grammar serves a single text (a cell of a request) and a whole column (a cell of a file), so
that both accept the same texts and give the same floats.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

__all__ = [
    "BLANKS",
    "PLAIN",
    "Decimal",
    "Reading",
    "Thousands",
    "grammar",
    "mark_class",
    "number_of",
    "plain",
]

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
    found = grammar(reading).fullmatch(text.strip(BLANKS + reading.signs))
    if found is None:
        raise ValueError("not a number")
    number = found["number"]
    if reading.thousands:
        number = re.sub(mark_class(reading.thousands), "", number)
    return (found["minus"] or "") + number.replace(reading.decimal, ".")


@lru_cache
def grammar(reading: Reading) -> re.Pattern[str]:
    """The pattern of a number without blanks and signs around it, in the syntax of Python and RE2.

    Its group ``minus`` is the minus, and ``number`` what follows it.
    """
    point = mark_class(reading.decimal)
    whole = "[0-9]+"
    if reading.thousands:
        # No group begins with a 0: 0,123 is no whole number, but one with another decimal mark.
        whole = f"(?:[1-9][0-9]{{0,2}}(?:{mark_class(reading.thousands)}[0-9]{{3}})+|[0-9]+)"
    number = f"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    between = f"(?:[{_escaped(reading.signs)}][{_escaped(BLANKS + reading.signs)}]*)?"
    return re.compile(
        rf"(?:\+|(?P<minus>-?)){between if reading.signs else ''}"
        rf"(?P<number>(?i:inf(?:inity)?)|{number})"
    )


def mark_class(mark: str) -> str:
    """The pattern of one mark; a space is also a no-break space."""
    return f"[{SPACES}]" if mark == " " else f"[{mark}]"


def _escaped(characters: str) -> str:
    """The characters inside of [ ] of a pattern."""
    return "".join(rf"\{each}" if each in r"\]^[" else each for each in characters)
