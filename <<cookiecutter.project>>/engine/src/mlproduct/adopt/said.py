"""One decision as a plain line: what was decided, the evidence, and the flag that changes it."""

from dataclasses import dataclass

__all__ = ["Said"]


@dataclass(frozen=True)
class Said:
    """A decision about ``subject``; ``flag`` overrides it, empty if there is none."""

    subject: str
    decided: str
    evidence: str = ""
    flag: str = ""

    def __str__(self) -> str:
        because = f": {self.evidence}" if self.evidence else ""
        return f"{self.decided}{because}{f'  [{self.flag}]' if self.flag else ''}"
