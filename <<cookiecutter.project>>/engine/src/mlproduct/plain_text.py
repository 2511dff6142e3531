"""Checks names and reasons that people type: one line of visible characters, limited in length."""

from .errors import ConfigError
from .escaping import escaped, unseen

__all__ = ["NAME_LIMIT", "REASON_LIMIT", "plain"]

# A line of `history` has to stay readable, and MLflow's tags have a limit as well.
NAME_LIMIT = 200
REASON_LIMIT = 2_000
SHOWN = 80  # characters of a refused text in the error message


def plain(what: str, text: str, at_most: int) -> str:
    """The text without surrounding blanks; ``what`` names it in errors.

    Raises ConfigError if it is longer than ``at_most`` or contains an invisible character.
    """
    text = text.strip()
    if len(text) > at_most:
        raise ConfigError(
            f"{what} has {len(text):,} characters – expected at most {at_most:,} – shorten it"
        )
    if any(unseen(character) for character in text):
        raise ConfigError(
            f"{what} is {escaped(text)[:SHOWN]} – expected visible characters on one line – type it"
            " again without the characters that are shown as codes"
        )
    return text
