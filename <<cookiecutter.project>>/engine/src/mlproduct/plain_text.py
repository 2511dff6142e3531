"""Names and reasons that people type: one line of visible characters, of bounded length."""

from .errors import ConfigError
from .escaping import escaped, unseen

__all__ = ["NAME_LIMIT", "REASON_LIMIT", "plain"]

NAME_LIMIT = 200
REASON_LIMIT = 2_000
SHOWN = 80  # characters of a text that is refused


def plain(what: str, text: str, at_most: int) -> str:
    """The text without blanks around it. Raises ConfigError where it is too long, or holds what
    cannot be seen.
    """
    text = text.strip()
    if len(text) > at_most:
        raise ConfigError(
            f"{what} has {len(text):,} characters – expected at most {at_most:,} – shorten it"
        )
    if any(unseen(character) for character in text):
        raise ConfigError(
            f"{what} is {escaped(text)[:SHOWN]} – expected visible characters on one line – type it"
            " again without what stands there as a code"
        )
    return text
