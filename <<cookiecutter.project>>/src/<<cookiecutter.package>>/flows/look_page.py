"""What a look came to, for people (Markdown) and for programs (JSON)."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..console import measured
from ..escaping import escaped

if TYPE_CHECKING:
    from ..stores.ledger import Decided
    from .watching import Look, Watch

__all__ = ["markdown", "statements", "to_json"]


def statements(seen: "Look") -> list[tuple[str, str, str]]:
    """Every statement as (trust, alarm or outcome, sentence), those that matter first."""
    found: list[tuple[str, str, str]] = []
    for result in seen.live.verdict.results if seen.live else ():
        said = f"{result.criterion.id} {measured(result)}".strip()
        found.append((seen.live.trust if seen.live else "", result.outcome.value, f"{said}: {result.criterion.says}"))
    if seen.problem:
        found.append(("partial", "problem", f"the criteria could not be judged: {seen.problem}"))
    if seen.findings is None:
        found.append(("proxy", "too few", f"{seen.rows:,} rows in the window say nothing about drift"))
    if seen.volume is not None:
        found.append(("proxy", "alarm" if seen.volume.alarm else "as usual", seen.volume.sentence))
    alarms = [finding for finding in seen.findings or () if finding.alarm]
    found += [("proxy", "alarm", f"{finding.column}: {finding.sentence}") for finding in alarms]
    quiet = len({finding.column for finding in seen.findings or ()} - {finding.column for finding in alarms})
    if seen.findings is not None:
        found.append(("proxy", "as usual", f"{quiet} columns"))
    return found


def markdown(watch: "Watch", seen: "Look", decided: "Decided") -> str:
    """The look as a page: the decision first, then what it stands on."""
    lines = [
        f"**{decided.action}** – {decided.sentence}",
        "",
        f"Version {watch.champion.version}, {watch.start} to {watch.day}, {seen.rows:,} rows. Trust: {decided.trust}.",
        "",
        "| trust | | |",
        "|---|---|---|",
        *(f"| {trust} | {outcome} | {said.replace('|', '/')} |" for trust, outcome, said in statements(seen)),
        "",
        "*proxy*: without labels · *partial*: on the labels so far · *confirmed*: on days whose labels have come",
    ]
    if seen.live:
        days = f"{min(seen.live.days)} to {max(seen.live.days)}" if len(seen.live.days) > 1 else f"{seen.live.days[0]}"
        lines += ["", f"Criteria judged on {seen.live.rows:,} labelled rows of {days}."]
    return "\n".join(map(escaped, lines)) + "\n"


def to_json(watch: "Watch", seen: "Look", decided: "Decided") -> str:
    """Everything that was seen and decided, without a row of data."""
    told = {
        "champion": watch.champion.version,
        "window": [str(watch.start), str(watch.day)],
        "rows": seen.rows,
        "decision": {**asdict(decided), "details": dict(decided.details)},
        "findings": [asdict(finding) for finding in seen.findings or ()],
        "volume": asdict(seen.volume) if seen.volume else None,
        "coverage": [asdict(covered) | {"share": covered.share} for covered in seen.coverage],
        "live": None
        if seen.live is None
        else {
            "trust": seen.live.trust,
            "rows": seen.live.rows,
            "days": list(seen.live.days),
            "drifted": list(seen.live.drifted),
            "verdict": seen.live.verdict.model_dump(mode="json"),
        },
        "problem": seen.problem,
    }
    return json.dumps(told, indent=1, default=str)
