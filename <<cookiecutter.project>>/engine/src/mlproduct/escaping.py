"""Shows invisible characters as codes, so that a text looks like what is stored.

A line break or an escape sequence in a stored text could imitate a line of the audit log. A
character that changes the writing direction or has no width could make a name look like another.
"""

import unicodedata

__all__ = ["escaped", "in_markdown", "unseen"]

# Unicode categories: control, format (including bidirectional marks), line and paragraph
# separators, private use, surrogates.
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cs"})


def escaped(text: str, keep: str = "") -> str:
    r"""The text with invisible characters as codes, such as \x1b or \u202e.

    Characters of ``keep`` are not changed.
    """
    # Most texts are plain ASCII and need no check of each character.
    if text.isascii() and text.isprintable():
        return text
    return "".join(_code(one) if unseen(one) and one not in keep else one for one in text)


def unseen(character: str) -> bool:
    """Whether the character is invisible, by its Unicode category."""
    return unicodedata.category(character) in UNSEEN


# Markdown's own syntax, and HTML, which a Markdown page may contain.
SPECIAL: dict[str, str | int | None] = {character: f"\\{character}" for character in "\\`*[|~#"}
SPECIAL |= {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def in_markdown(text: str, longest: int = 400) -> str:
    """``text`` on one line, with all Markdown syntax escaped."""
    flat = escaped(" ".join(str(text).split()))
    # Cut before the syntax is escaped: a cut inside &lt; or after a backslash would change it.
    short = flat if len(flat) <= longest else flat[: longest - 1] + "…"
    return short.translate(str.maketrans(SPECIAL))


def _code(character: str) -> str:
    number = ord(character)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )
