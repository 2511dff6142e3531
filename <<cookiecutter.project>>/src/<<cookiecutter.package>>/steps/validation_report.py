"""What validation found, as a person reads it: rules, columns and counts, and nobody's row."""

from ..tables import Validated

__all__ = ["validation_report"]


def validation_report(validated: Validated) -> str:
    """Markdown: how many rows were seen, accepted and kept aside, and which rule each of the latter broke."""
    aside = len(validated.rejected.rows)
    lines = [
        "# Validation",
        "",
        f"{validated.seen:,} rows read, {len(validated.rows):,} accepted, {aside:,} in quarantine"
        f" ({validated.rejected_share:.2%}).",
    ]
    counted = validated.rejected.failures.groupby(["column", "rule", "reason"], sort=False).size()
    if len(counted):
        lines += ["", "| column | rule | reason | rows |", "|---|---|---|---|"]
        ordered = counted.sort_values(ascending=False, kind="stable")
        lines += [f"| {column} | {rule} | {reason} | {rows:,} |" for (column, rule, reason), rows in ordered.items()]
    return "\n".join(lines) + "\n"
