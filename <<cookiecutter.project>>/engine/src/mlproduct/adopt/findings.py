"""One decision as a plain line: what was decided, the evidence, and the flag that changes it."""

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Finding", "shown_number"]


@dataclass(frozen=True)
class Finding:
    """A decision about ``subject``; ``flag`` overrides it, empty if there is none."""

    subject: str
    decided: str
    evidence: str = ""
    flag: str = ""

    def __str__(self) -> str:
        because = f": {self.evidence}" if self.evidence else ""
        return f"{self.decided or '(no name)'}{because}{f'  [{self.flag}]' if self.flag else ''}"


def shown_number(number: float, digits: int = 6) -> str:
    """The number with so many significant digits, and without an exponent."""
    # YAML reads 2e+06 as a text.
    return f"{Decimal(f'{number:.{digits}g}'):f}"
