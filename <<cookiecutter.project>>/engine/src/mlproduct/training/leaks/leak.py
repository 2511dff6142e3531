"""A leak, and its two levels."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from .halves import Guess

__all__ = ["Leak", "Level"]


class Level(StrEnum):
    """What follows from a leak: no training, or a question to a person."""

    BLOCK = "block"
    DOUBT = "doubt"


@dataclass(frozen=True)
class Leak:
    """Features that reveal the target, and how they do it, in words; a strength of 1 is perfect.

    Copies of rows have no columns; their strength is their share.
    """

    columns: tuple[str, ...]
    described: str
    strength: float
    level: Level

    @classmethod
    def of(
        cls, columns: tuple[str, ...], described: str, guess: Guess, *, at: float, doubt_at: float
    ) -> Self | None:
        """A block if even the lower bound of the strength is at least ``at``, a doubt if the
        strength is at least one of the two limits, otherwise None.
        """
        if guess.is_at_least(at):
            return cls(columns, described, guess.strength, Level.BLOCK)
        if guess.strength >= min(at, doubt_at):
            return cls(columns, described, guess.strength, Level.DOUBT)
        return None

    def __str__(self) -> str:
        return f"{self.described} ({self.strength:.3f})"
