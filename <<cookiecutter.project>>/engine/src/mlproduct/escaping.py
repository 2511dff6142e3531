"""Characters that nobody sees, made visible: what is shown of a text must be what is kept of it.

A line break or an escape sequence writes a line of the history that nobody decided; a mark that
turns the direction of writing, or has no width, shows another name than the one that is kept.
"""

import unicodedata

__all__ = ["escaped", "unseen"]

UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cs"})
"""Unicode's categories of control, format (bidi among them), separators of lines, private use,
surrogates.
"""


def escaped(text: str, keep: str = "") -> str:
    r"""The text with what cannot be seen as its code, such as \x1b or \u202e; characters of
    ``keep`` stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_code(one) if unseen(one) and one not in keep else one for one in text)


def unseen(character: str) -> bool:
    """Whether the character cannot be seen for what it is."""
    return unicodedata.category(character) in UNSEEN


def _code(character: str) -> str:
    number = ord(character)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )
