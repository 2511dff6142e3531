# ruff: noqa: E501 – the lines of the files are longer than those of the code
"""The texts of success_criteria.yaml, brief.md, pipeline.yaml and scoring.yaml for a table."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath

from ..config.settings import Source
from .baselines import Baselines
from .findings import shown_number
from .target import TargetFound

__all__ = ["Facts", "brief", "criteria", "pipeline", "scoring"]

# By how much a new model may be worse than the champion: equal data gives the same model.
WORSE_BY = 0.01


@dataclass(frozen=True)
class Facts:
    """What the texts state."""

    package: str
    source: Source
    described: str
    rows: int
    training_rows: int
    split_by: str
    split_says: str
    time: str | None
    target: TargetFound
    rule: str
    baselines: Baselines
    owner: str
    contact: str
    today: date


def criteria(facts: Facts) -> str:
    """The draft of product/success_criteria.yaml."""
    baselines, target, problem = facts.baselines, facts.target, facts.target.problem
    higher = problem.higher_is_better
    bar = shown_number(baselines.bar)
    sentence = problem.sentence.format(bar=bar, share=f"{100 * baselines.bar:.0f}")
    origin = (
        f"On the training rows, doing nothing reaches {shown_number(baselines.nothing, 3)}, the rule {shown_number(baselines.rule, 3)} and a quick model"
        f" ({baselines.quick_name}) {shown_number(baselines.quick, 3)}. The bar is half way; it is a proposal."
    )
    side = "at_least" if higher else "at_most"
    worse = WORSE_BY if higher else float(f"{WORSE_BY * baselines.quick:.2g}")
    allowed = f"-{shown_number(worse)}" if higher else shown_number(worse)
    fewer = int(0.8 * facts.rows)
    step = 10 ** (len(str(fewer)) - 1)
    rows = fewer // step * step  # rounded down: the table itself must have enough rows
    return f"""# The success criteria. No model is released without them.
# Print them in plain sentences:    python -m {facts.package} criteria explain
# Check the file for mistakes:      python -m {facts.package} criteria check
#
# `adopt` made this draft from the training rows. Correct it: what decides is what the product is
# worth, and no table contains this. A model that a draft judged is never released. Then remove the
# line `draft: true`, train again and approve.

draft: true
decision: {_text(f"What is decided with a prediction of {target.name}?")}
owner: {{name: {_text(facts.owner)}, contact: {_text(facts.contact)}}}
review_by: {facts.today + timedelta(days=365)}
primary: {baselines.metric}
confidence: 0.95
approval: required
smallest: 30

criteria:
  - id: good-enough
    says: {_text(sentence)}
    why: {_text(origin)}
    metric: {baselines.metric}
    {side}: {bar}

  - id: better-than-the-rule
    says: The model is better than the rule in rule.py.
    why: Otherwise the rule is better, because it is simple. The rule is a guess.
    metric: {problem.versus_rule}
    versus: rule
    {side}: 0

  - id: no-step-back
    says: {_text(f"The model is worse than the model in use by less than {shown_number(worse)}.")}
    why: A new model must not cost quality. The bar is a usual one.
    metric: {baselines.metric}
    versus: champion
    {side}: {allowed}
    if_none: met
{problem.criteria}
  - id: fast-enough
    says: 95 of 100 answers take at most 200 ms.
    why: A usual bar for an answer that a person waits for.
    metric: latency_p95_ms
    at_most: 200
    level: should

data:
  - id: enough-rows
    says: {_text(f"There are at least {rows} rows.")}
    why: {_text(f"There were {facts.rows} when this draft was made.")}
    metric: rows
    at_least: {rows}

  - id: mostly-clean
    says: At most 5 in 100 rows are invalid.
    why: More invalid rows indicate a fault in the source.
    metric: rejected_share
    at_most: 0.05

waivers: []
"""


def pipeline(facts: Facts, trials: int, accepted: Sequence[str] = ()) -> str:
    """config/pipeline.yaml."""
    leaks = "".join(
        f"\n    - {{feature: {_text(name)}, because: kept by the person who ran adopt}}"
        for name in accepted
    )
    return f"""# For data scientists: the source, the split and the search budget.
# The success criteria are in product/success_criteria.yaml.

source:
{_source(facts.source)}
# Also train on predictions that have received labels. If the source has the same row, the source is used.
labelled_log: true

split:
  by: {facts.split_by}        # time: the holdout is the newest rows · group, hash: a row never changes sides
  holdout: 0.25

checks:
  rejected_share_at_most: 0.05    # with more invalid rows, the run stops before any training
  leak_at: 0.98                   # a feature that predicts the target this well alone blocks
  doubt_at: 0.94                  # from here on, a person has to accept it
  combined_leak_at: 0.999         # the same for several features together
  combined_doubt_at: 0.99
  copied_at: 0.2                  # the share of rows that are also under another key: blocks
  copied_doubt_at: 0.01           # from here on, a person has to accept it
  accepted_leaks: {leaks or "[]              # - {feature: …, because: …}"}

search:
  trials: {trials}       # each candidate first with its default settings, then with random ones, in turn
  seconds: 600    # time limit; the run reports if it is reached
  workers: -1     # all cores
  folds: 3
  seed: 7

evaluation:
  resamples: 1000         # bootstrap resamples for the intervals
  importance_rows: {500 if trials < 9 else 2000}   # rows for the permutation importance of features
"""


def scoring(facts: Facts) -> str:
    """config/scoring.yaml: rows to score and labels have the form of the training file."""
    suffix = "csv"
    if facts.source.path is not None:
        suffix = "".join(PurePosixPath(facts.source.path.split("?")[0]).suffixes[-1:]).lstrip(".")
    suffix = suffix if suffix in ("csv", "tsv", "txt", "parquet", "pq") else "csv"
    form = facts.source.model_copy(
        update={"path": f"data/scoring/{{day}}.{suffix}", "url_from": None, "query": None}
    )
    labels = form.model_copy(update={"path": f"data/labels/{{day}}.{suffix}"})
    day = (
        ""
        if facts.time
        else "  # day_column: scored_on      # the column with the day of the prediction, needed if a key is scored twice\n"
    )
    return f"""# For operations: the data to score each day, the source of labels, and the retention of both.
# {{day}} in a path or a query is replaced by the date, such as 2026-11-24.

source:
{_source(form)}
rejected_share_at_most: 0.05   # with more invalid rows the day is not marked as done; valid rows are still scored
shadow: true                   # a challenger scores the same rows; its predictions are stored separately and not used

labels:
  source:
{_source(labels, indent="    ")}  delivered: irregularly      # daily: a day without a delivery is a failure
  late_after_days: 60          # labels that arrive more days after their row are counted as late
{day}
keep_days: 400                 # older predictions, labels and Parquet files are deleted
"""


def _source(source: Source, indent: str = "  ") -> str:
    given = source.model_dump(exclude_defaults=True)
    return "".join(f"{indent}{name}: {_text(value)}\n" for name, value in given.items())


def brief(facts: Facts, doubts: Iterable[str]) -> str:
    """product/brief.md: what is known, and what a person has to answer."""
    target = facts.target
    if target.problem.is_number:
        what = f"a number from {shown_number(target.low)} to {shown_number(target.high)} in the training rows"
    elif target.problem.has_two_classes:
        what = f"{' or '.join(map(str, target.classes))}; {target.positive} is the positive value"
    else:
        what = f"one of {len(target.classes)} classes"
    listed = "".join(f"- {each}\n" for each in doubts) or "- none was found\n"
    when = (
        f"`{facts.time}` is the time of a row. Is every feature known at that time?"
        if facts.time
        else "The table has no time. Is every feature known when the prediction is needed?"
    )
    return f"""# Brief

`adopt` wrote what the table shows. The questions need people.

## Known

**The data.** {facts.rows:,} rows of `{facts.described}`. {facts.split_says}

**The target.** `{target.name}`: {what}.

**The rule.** Guessed from the training rows: {facts.rule}.

**Baselines** on the training rows ({facts.baselines.metric}): nothing {shown_number(facts.baselines.nothing, 3)}, the rule {shown_number(facts.baselines.rule, 3)}, a quick model {shown_number(facts.baselines.quick, 3)}.

## Doubtful

{listed}
## Open questions

- Which decision is made with a prediction, by whom, and how often?
- What is a right decision worth, and what does a wrong one cost? Then state `value:` in `success_criteria.yaml`.
- {when}
- When is the target known? Labels arrive that much later, and monitoring has to wait.
- What do people do today without a model? Write it in `rule.py`.
- Which groups must not be served worse than others? Add a criterion with `by:` and `gap_at_most:`.
- Who approves a model? List the names as `approvers:`.
"""


def _text(value: object) -> str:
    """The value as YAML: numbers and booleans plain, texts quoted where YAML needs it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False)
