"""The profile page: per column what was seen, what was decided, and what is doubtful.

One file without scripts or addresses. It shows no cell of personal data and no identifier.
"""

from collections.abc import Iterable
from html import escape

from .study import Study

__all__ = ["profile_page"]

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #1b1b1b; background: #fff; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #ddd;
         vertical-align: top; overflow-wrap: break-word; }
th { background: #f4f4f4; } td.number { text-align: right; white-space: nowrap; }
.doubt { color: #8a4b00; } .out { color: #666; } .bar { fill: #4b7bb5; }
code { background: #f4f4f4; padding: 0 .2rem; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #161616; } th, code { background: #262626; }
  th, td { border-color: #333; } .doubt { color: #f0b060; } .out { color: #999; } }
"""
BINS = 24
COLUMNS_AT_MOST = 500


def profile_page(study: Study) -> str:
    """The page as HTML."""
    facts = study.facts
    rows = "".join(
        f"<tr><td>{escape(finding.subject)}</td><td>{escape(finding.decided)}</td>"
        f"<td>{escape(finding.evidence)}</td><td>{_code(finding.flag)}</td></tr>"
        for finding in study.findings
        if finding.subject not in ("feature",)
    )
    title = f"Profile of {facts.described}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p>{facts.rows:,} rows, {len(study.contents)} columns besides the target. Everything about the
target, the rule, the bars and the leaks was found on the {facts.training_rows:,} training rows.</p>
<h2>Decisions</h2>
<table><tr><th>about</th><th>decided</th><th>evidence</th><th>to change it</th></tr>{rows}</table>
<h2>Columns</h2>
<table><tr><th>column</th><th>role</th><th>kind</th><th>seen</th><th>missing</th><th>different</th>
<th>values</th></tr>
{"".join(_columns(study))}</table>
</body></html>
"""


def _columns(study: Study) -> Iterable[str]:
    roles, left_out = study.roles, {each.name: each.because for each in study.left_out}
    for name, content in list(study.contents.items())[:COLUMNS_AT_MOST]:
        private = name in roles.private
        role = {roles.key: "key", roles.time: "time", roles.group: "group"}.get(name)
        why = left_out.get(name) or roles.ignored.get(name)
        if private:
            role, seen = "personal data, never read", escape(roles.private[name])
        elif why:
            role, seen = "left out", f'<span class="out">{escape(why)}</span>'
        else:
            role, seen = role or "feature", escape(content.evidence)
        if content.doubt:
            seen += f' <span class="doubt">{escape(content.doubt)}</span>'
        yield (
            f"<tr><td>{_code(name)}</td><td>{role}</td><td>{escape(content.kind)}</td>"
            f'<td>{seen}</td><td class="number">{content.share_missing:.1%}</td>'
            f'<td class="number">{content.different:,}</td>'
            f"<td>{'' if private else _histogram(content.numbers)}</td></tr>\n"
        )


def _histogram(numbers: object) -> str:
    import numpy as np

    values = np.asarray(numbers, dtype=float)
    if values.size < 3:
        return ""
    counts, _ = np.histogram(values, bins=BINS)
    top = max(int(counts.max()), 1)
    bars = "".join(
        f'<rect class="bar" x="{4 * place}" y="{24 - 24 * count / top:.1f}" width="3"'
        f' height="{24 * count / top:.1f}"/>'
        for place, count in enumerate(counts)
        if count
    )
    return f'<svg width="{4 * BINS}" height="24" role="img" aria-label="histogram">{bars}</svg>'


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text else ""
