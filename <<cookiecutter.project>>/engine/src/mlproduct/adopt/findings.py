"""One decision as a plain line: what was decided, the evidence, and the flag that changes it."""

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """A decision about ``subject``; ``flag`` overrides it, empty if there is none."""

    subject: str
    decided: str
    evidence: str = ""
    flag: str = ""

    def __str__(self) -> str:
        because = f": {self.evidence}" if self.evidence else ""
        return f"{self.decided}{because}{f'  [{self.flag}]' if self.flag else ''}"
